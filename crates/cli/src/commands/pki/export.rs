//! `aeolus pki export`.

use std::path::Path;

use aeolus_model::Secret;
use aeolus_pki::{Certificate, PrivateKey, certificates_pem, pkcs12};
use zeroize::Zeroizing;

use super::manifest::{Manifest, Metadata};
use super::pair::{Pair, write_one};
use super::{Context, STANDARD_OUTPUT, input, refused};
use crate::args::{PkiExport, PkiFormat};
use crate::files::{Access, damaged};
use crate::report::{Failure, Report};
use crate::ui;

/// Writes a pair in another form.
pub(super) fn export(args: &PkiExport, context: &Context) -> Result<(), Failure> {
    let pair = Pair::of(&args.stem);
    let passphrase = args.passphrase.read(context)?;
    let chain = input(&pair.certificate, passphrase.as_ref())?.certificates;
    let key = input(&pair.key, passphrase.as_ref())?
        .keys
        .into_iter()
        .next();
    let key = key.ok_or_else(|| damaged(&pair.key, &"there is no private key in it"))?;
    if chain.first().is_none_or(|leaf| leaf.key != *key.public()) {
        return Err(damaged(
            &pair.key,
            &"the private key belongs to another certificate",
        ));
    }
    let name = args.name.clone().unwrap_or_else(|| {
        let last = args.stem.file_name().unwrap_or_default();
        last.to_string_lossy().into_owned()
    });
    let bytes = match args.format {
        PkiFormat::Pem => {
            let (chain, key) = (certificates_pem(&chain), key.pem());
            Zeroizing::new(format!("{chain}{}", key.expose()).into_bytes())
        }
        PkiFormat::Pkcs12 => archive(&name, (&chain, &key), passphrase.as_ref())?,
        PkiFormat::Kubernetes => manifest(&name, (&chain, &key), args.namespace.as_deref())?,
    };
    if args.out == Path::new(STANDARD_OUTPUT) {
        return to_standard_output(&bytes);
    }
    if let Some(before) = write_one(&args.out, &bytes, (Access::PRIVATE, args.force))? {
        ui::note(&format!("The file before is kept in {}.", before.display()));
    }
    ui::note(&format!(
        "{} has the private key: mode 0600.",
        args.out.display()
    ));
    Ok(())
}

fn to_standard_output(bytes: &[u8]) -> Result<(), Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        Report::new(
            "PKI-018",
            "PKCS#12 isn't text, and is not written to a terminal",
        )
        .help("say --out FILE")
        .usage()
    })?;
    ui::print(text);
    Ok(())
}

fn archive(
    name: &str,
    what: (&[Certificate], &PrivateKey),
    passphrase: Option<&Secret<String>>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let none = Secret::new(String::new());
    let archive = pkcs12(name, what, passphrase.unwrap_or(&none));
    archive.map(Zeroizing::new).map_err(|error| {
        Report::new("PKI-004", error.to_string())
            .why("Nothing was written.")
            .help("give one with --passphrase-file, or as AEOLUS_PKI_PASSPHRASE in the environment")
            .usage()
    })
}

fn manifest(
    name: &str,
    (chain, key): (&[Certificate], &PrivateKey),
    namespace: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    for (what, text) in [("name", Some(name)), ("namespace", namespace)] {
        if let Some(text) = text.filter(|text| !is_name(text)) {
            let said = format!("{text:?} is no {what} in Kubernetes");
            let help = "use lower-case letters, digits, '-' and '.' (--name, --namespace)";
            return Err(Report::new("PKI-019", said).help(help).usage());
        }
    }
    let metadata = Metadata {
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
        ..Metadata::default()
    };
    let manifest = Manifest::of(metadata, (chain, key));
    let text = serde_saphyr::to_string(&manifest).map_err(|error| refused(&error))?;
    Ok(Zeroizing::new(text.into_bytes()))
}

/// RFC 1123, as Kubernetes wants names.
fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = |byte: Option<u8>| byte.is_some_and(inner);
    text.len() <= 253
        && text
            .bytes()
            .all(|byte| inner(byte) || byte == b'-' || byte == b'.')
        && ends(text.bytes().next())
        && ends(text.bytes().last())
}
