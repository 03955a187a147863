//! `aeolus pki`: certificates.

mod acme;
mod authorities;
pub(super) mod check;
mod export;
pub(super) mod folder;
mod hook;
mod init;
mod inspect;
mod intermediate;
pub(super) mod issue;
pub(super) mod manifest;
pub(super) mod pair;
mod renew;
mod revoke;
mod rotate;

use std::fmt::Display;
use std::fs::File;
use std::path::Path;

use aeolus_model::Secret;
use aeolus_pki::{Input, InputError, KeyError, KeyKind, PrivateKey, San, read};
use zeroize::Zeroizing;

use super::Context;
use crate::args::{Passphrase, PkiCommand, PkiProfile};
use crate::files::at_most;
use crate::report::{Failure, Report};

/// Does what was asked.
pub(super) async fn pki(command: &PkiCommand, context: &Context) -> Result<(), Failure> {
    match command {
        PkiCommand::Init(args) => init::init(args, context),
        PkiCommand::Issue(args) => issue::issue(args, context),
        PkiCommand::Acme(args) => acme::acme(args, context).await,
        PkiCommand::Sign(args) => issue::sign(args, context),
        PkiCommand::Renew(args) => renew::renew(args, context),
        PkiCommand::Revoke(args) => revoke::revoke(args, context),
        PkiCommand::Crl(args) => revoke::crl(args, context),
        PkiCommand::RotateCa(args) => rotate::rotate(args, context),
        PkiCommand::Export(args) => export::export(args, context),
        PkiCommand::Inspect(args) => inspect::inspect(args, context),
        PkiCommand::Check(args) => check::check(args, context).await,
    }
}

impl Passphrase {
    /// The passphrase, if one was given.
    pub(super) fn read(&self, context: &Context) -> Result<Option<Secret<String>>, Failure> {
        let Some(path) = &self.passphrase_file else {
            return Ok(context
                .environment
                .get("AEOLUS_PKI_PASSPHRASE")
                .map(Secret::new));
        };
        let text = crate::yaml::read_text(path)?;
        let line = text.lines().next().unwrap_or_default().to_owned();
        Ok((!line.is_empty()).then(|| Secret::new(line)))
    }
}

impl From<PkiProfile> for aeolus_pki::Profile {
    fn from(profile: PkiProfile) -> Self {
        match profile {
            PkiProfile::Server => Self::Server,
            PkiProfile::Client => Self::Client,
            PkiProfile::Both => Self::Both,
        }
    }
}

/// Reads a file of any form.
pub(super) fn input(path: &Path, passphrase: Option<&Secret<String>>) -> Result<Input, Failure> {
    let bytes = bytes(path, aeolus_pki::MAX_INPUT)?;
    read(&bytes, passphrase).map_err(|error| unusable(path, error))
}

/// A file's bytes, or standard input's if it is called `-`; never more than are taken.
fn bytes(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = if path == Path::new(STANDARD_INPUT) {
        at_most(max, std::io::stdin())
    } else {
        File::open(path).and_then(|file| at_most(max, file))
    };
    read.map_err(|why| {
        Report::new(
            "PKI-002",
            format!("{} can't be read: {why}", path.display()),
        )
        .why("Nothing was done.")
        .help("check the path and that this user may read it")
        .usage()
    })
}

/// What standard input and output are called among files.
const STANDARD_INPUT: &str = "-";
const STANDARD_OUTPUT: &str = "-";

fn unusable(path: &Path, error: InputError) -> Failure {
    let what = format!("{}: {error}", path.display());
    let help = match error {
        InputError::PassphraseNeeded | InputError::Key(KeyError::PassphraseNeeded) => {
            "give the passphrase with --passphrase-file, or as AEOLUS_PKI_PASSPHRASE in the environment"
        }
        InputError::Archive | InputError::Key(KeyError::WrongPassphrase) => {
            "check the passphrase: the first line of its file counts, without the end of the line"
        }
        _ => "give a certificate, key, request or revocation list in PEM, DER or PKCS#12",
    };
    Report::new("PKI-003", what)
        .why("Nothing was done.")
        .help(help)
        .usage()
}

/// A new key.
pub(super) fn new_key(kind: KeyKind) -> Result<PrivateKey, Failure> {
    PrivateKey::generate(kind).map_err(|error| refused(&error))
}

/// A key as it is written to its file. Encrypted, it needs a passphrase.
fn key_text(
    key: &PrivateKey,
    encrypt: bool,
    (passphrase, context): (Option<&Secret<String>>, &Context),
) -> Result<Secret<String>, Failure> {
    if !encrypt {
        return Ok(key.pem());
    }
    let passphrase = passphrase.ok_or_else(|| {
        Report::new(
            "PKI-004",
            "the key is to be encrypted, and there is no passphrase",
        )
        .why("Nothing was written.")
        .help("give one with --passphrase-file, or as AEOLUS_PKI_PASSPHRASE in the environment")
        .usage()
    })?;
    key.encrypted_pem(passphrase, &context.rng)
        .map_err(|error| refused(&error))
}

/// Whether a key's file is encrypted. One that is gone isn't.
fn is_encrypted(path: &Path) -> Result<bool, Failure> {
    let text = crate::files::read(path)?.unwrap_or_default();
    let label = b"ENCRYPTED";
    Ok(text.windows(label.len()).any(|window| window == label))
}

/// Names as they were typed.
pub(super) fn names(texts: &[String]) -> Result<Vec<San>, Failure> {
    let parsed = texts.iter().map(|text| {
        San::parse(text).map_err(|error| {
            Report::new("PKI-005", error.to_string())
                .why("Nothing was issued.")
                .help("give hosts, wildcards such as *.example.com, addresses or URIs; say dns:, ip: or uri: where it isn't plain")
                .usage()
        })
    });
    parsed.collect()
}

/// The library or the policy didn't do it.
fn refused(error: &dyn Display) -> Failure {
    Report::new("PKI-007", error.to_string())
        .why("Nothing was written.")
        .help("if it is no file that can't be written and no name that can't be had, report it with this text")
        .failed()
}
