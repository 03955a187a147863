//! `aeolus pki inspect`.

use std::path::Path;

use aeolus_pki::{Certificate, Request, RevocationList};
use serde::Serialize;

use super::{Context, input};
use crate::args::PkiInspect;
use crate::moments;
use crate::report::Failure;
use crate::ui::{self, Output, Table};

/// One part of a file, as rows of a label and a text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    file: String,
    kind: &'static str,
    #[serde(flatten)]
    says: serde_json::Map<String, serde_json::Value>,
}

/// Shows everything that is in files.
pub(super) fn inspect(args: &PkiInspect, context: &Context) -> Result<(), Failure> {
    let passphrase = args.passphrase.read(context)?;
    let mut parts = Vec::new();
    for file in &args.files {
        let input = input(file, passphrase.as_ref())?;
        parts.extend(input.certificates.iter().map(|one| certificate(file, one)));
        parts.extend(input.requests.iter().map(|one| request(file, one)));
        parts.extend(input.lists.iter().map(|one| list(file, one)));
        parts.extend(input.keys.iter().map(|one| {
            let mut part = part(file, "key");
            part.say("key", one.public().kind().to_string());
            part.say("keySha256", one.public().pin().to_string());
            part
        }));
    }
    if context.output != Output::Table {
        return ui::answer(context.output, &parts, &Table::default());
    }
    for part in &parts {
        let mut table = Table::new(&["WHAT", "SAYS"]);
        table.row(["file", &part.file]);
        table.row(["kind", part.kind]);
        for (label, value) in &part.says {
            let text = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Array(all) => all
                    .iter()
                    .filter_map(|one| one.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                other => other.to_string(),
            };
            table.row([label.as_str(), &text]);
        }
        ui::answer(context.output, &(), &table)?;
        ui::line("");
    }
    Ok(())
}

impl Part {
    fn say(&mut self, label: &str, value: impl Into<serde_json::Value>) {
        self.says.insert(label.to_owned(), value.into());
    }
}

fn part(file: &Path, kind: &'static str) -> Part {
    Part {
        file: file.display().to_string(),
        kind,
        says: serde_json::Map::new(),
    }
}

fn certificate(file: &Path, of: &Certificate) -> Part {
    let mut part = part(file, "certificate");
    part.say("version", of.version);
    part.say("subject", of.subject.clone());
    part.say("issuer", of.issuer.clone());
    part.say("serial", of.serial.to_string());
    part.say("notBefore", moments::written(of.not_before));
    part.say("notAfter", moments::written(of.not_after));
    let names = of.names.iter().map(ToString::to_string);
    part.say(
        "names",
        names
            .chain(of.other_names.iter().cloned())
            .collect::<Vec<_>>(),
    );
    part.say("key", of.key.kind().to_string());
    part.say("keySha256", of.key.pin().to_string());
    part.say("signature", of.signature.to_string());
    part.say("sha256", of.fingerprint().to_string());
    if let Some(usages) = &of.usages {
        part.say("usages", texts(usages));
    }
    if let Some(purposes) = &of.purposes {
        part.say("purposes", texts(purposes));
    }
    match of.authority {
        Some(Some(below)) => part.say("authority", format!("yes, path length {below}")),
        Some(None) => part.say("authority", "yes"),
        None => part.say("authority", "no"),
    }
    if !of.crl_urls.is_empty() {
        part.say("crlUrls", of.crl_urls.clone());
    }
    if of.constrained {
        part.say("nameConstraints", "yes");
    }
    part
}

fn texts(all: &[impl ToString]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn request(file: &Path, of: &Request) -> Part {
    let mut part = part(file, "request");
    part.say("key", of.key().kind().to_string());
    part.say("names", texts(of.names()));
    part.say("notGiven", of.ignored().to_vec());
    part
}

fn list(file: &Path, of: &RevocationList) -> Part {
    let mut part = part(file, "revocationList");
    part.say("issuer", of.issuer.clone());
    part.say("thisUpdate", moments::written(of.this_update));
    if let Some(next) = of.next_update {
        part.say("nextUpdate", moments::written(next));
    }
    part.say("revoked", of.len());
    part
}
