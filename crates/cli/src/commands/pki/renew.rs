//! `aeolus pki renew`.

use std::path::Path;

use aeolus_model::{Clock as _, Time};
use aeolus_pki::{Certificate, certificates_pem, due};
use serde::Serialize;

use super::folder::Folder;
use super::issue::{Whose, issued, recorded, say, wanted};
use super::pair::Pair;
use super::{Context, is_encrypted, key_text, names, new_key};
use crate::args::PkiRenew;
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Looked {
    stem: String,
    renewed: bool,
    not_after: Option<String>,
    due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Renews what is due. One that fails doesn't keep the others from it.
pub(super) fn renew(args: &PkiRenew, context: &Context) -> Result<(), Failure> {
    let mut folder = Folder::open(&args.folder, context)?;
    let all = folder.state.issued.iter();
    let mut stems: Vec<String> = all
        .filter(|record| record.revoked.is_none())
        .filter_map(|record| Some(record.files()?.stem.clone()))
        .collect();
    if !args.stems.is_empty() {
        stems = args
            .stems
            .iter()
            .map(|stem| recorded(stem))
            .collect::<Result<_, _>>()?;
    }
    let (mut looked, mut failures) = (Vec::new(), Vec::new());
    for stem in stems {
        looked.push(match one(&mut folder, &stem, (args.now, context)) {
            Ok(looked) => looked,
            Err(failure) => {
                let error = failure
                    .reports
                    .first()
                    .map(|report| report.what().to_owned());
                failures.push(failure);
                Looked {
                    stem,
                    renewed: false,
                    not_after: None,
                    due: None,
                    error,
                }
            }
        });
    }
    let mut table = Table::new(&["PAIR", "RENEWED", "UNTIL", "DUE"]);
    for one in &looked {
        let renewed = match (&one.error, one.renewed) {
            (Some(_), _) => "failed",
            (None, true) => "yes",
            (None, false) => "not due",
        };
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        table.row([
            one.stem.clone(),
            renewed.to_owned(),
            said(&one.not_after),
            said(&one.due),
        ]);
    }
    ui::answer(context.output, &looked, &table)?;
    let mut failures = failures.into_iter();
    let Some(mut failure) = failures.next() else {
        return Ok(());
    };
    failure
        .reports
        .extend(failures.flat_map(|failure| failure.reports));
    Err(failure)
}

fn one(
    folder: &mut Folder,
    stem: &str,
    (anyway, context): (bool, &Context),
) -> Result<Looked, Failure> {
    let known = folder.state.at(stem);
    let known = known.map(|(record, files)| (record.clone(), files.clone()));
    let (record, files) = known.ok_or_else(|| {
        Report::new(
            "PKI-013",
            format!("{stem}: this authority issued nothing there that is alive"),
        )
        .why("It was not renewed.")
        .help("issue it: aeolus pki issue --out STEM")
        .usage()
    })?;
    let pair = Pair::of(Path::new(stem));
    let lying = lying(folder, &pair)?;
    let ((record, mut files), is_known) = match &lying {
        Some(lying) if lying.serial_hex() != record.serial => {
            // A run that was stopped remembered what it never wrote, or somebody put another one there.
            let settled = folder.state.settle(stem, &lying.serial_hex());
            folder.remember()?;
            let is_known = settled.is_some();
            (settled.unwrap_or((record, files)), is_known)
        }
        Some(_) => ((record, files), true),
        None => ((record, files), false),
    };
    let times = (
        Time::from_secs(record.not_before),
        Time::from_secs(record.not_after),
    );
    if is_known && !anyway && context.clock.now() < due(times.0, times.1) {
        return Ok(shown(stem, false, times));
    }
    let wanted = wanted(names(&record.names)?, record.profile, record.life)?;
    // The file may have been encrypted, or be gone: a secret isn't made plain by a renewal.
    files.encrypted |= is_encrypted(&pair.key)?;
    let key = new_key(files.key)?;
    let passphrase = folder.passphrase.as_ref();
    let text = key_text(&key, files.encrypted, (passphrase, context))?;
    let issued = issued(folder, &wanted, Whose::Ours(&key, files), context)?;
    if let Err(failure) = pair.write(
        certificates_pem(&issued.chain).as_bytes(),
        text.expose().as_bytes(),
    ) {
        // What lies there is the one before: it is due again, and not superseded.
        let added = issued.certificate.serial_hex();
        folder.state.undo(Some(&record.serial), &added);
        folder.remember()?;
        return Err(failure);
    }
    issued.notes.iter().for_each(say);
    let leaf = &issued.certificate;
    Ok(shown(stem, true, (leaf.not_before, leaf.not_after)))
}

/// The certificate that lies in the files; none if one of the two is gone.
fn lying(folder: &Folder, pair: &Pair) -> Result<Option<Certificate>, Failure> {
    if !pair.certificate.exists() || !pair.key.exists() {
        return Ok(None);
    }
    folder.certificate(&pair.certificate).map(Some)
}

fn shown(stem: &str, renewed: bool, (from, until): (Time, Time)) -> Looked {
    Looked {
        stem: stem.to_owned(),
        renewed,
        not_after: Some(moments::written(until)),
        due: Some(moments::written(due(from, until))),
        error: None,
    }
}
