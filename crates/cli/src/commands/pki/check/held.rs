//! What certificates are held against.

use std::path::Path;

use aeolus_model::Secret;
use aeolus_pki::{Certificate, PublicKey, RevocationList, San};

use super::super::{Context, input, names};
use crate::args::PkiAgainst;
use crate::report::{Failure, Report};

/// Everything that was given for it.
pub(super) struct Held {
    pub(super) trusted: Vec<Certificate>,
    pub(super) hosts: Vec<San>,
    pub(super) key: Option<PublicKey>,
    pub(super) lists: Vec<RevocationList>,
    pub(super) passphrase: Option<Secret<String>>,
}

impl Held {
    /// Reads it.
    pub(super) fn of(
        args: &PkiAgainst,
        key: Option<&Path>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let mut held = Self {
            trusted: Vec::new(),
            hosts: names(&args.host)?,
            key: None,
            lists: Vec::new(),
            passphrase: args.passphrase.read(context)?,
        };
        let passphrase = held.passphrase.as_ref();
        for path in &args.ca {
            let found = input(path, passphrase)?.certificates;
            held.trusted.extend(some(found, path, "certificate")?);
        }
        for path in &args.crl {
            let found = input(path, None)?.lists;
            held.lists.extend(some(found, path, "revocation list")?);
        }
        if let Some(path) = key {
            let keys = some(input(path, passphrase)?.keys, path, "private key")?;
            held.key = keys.first().map(|key| key.public().clone());
        }
        Ok(held)
    }
}

/// What was given to be held against must be there: without it less would be checked than was asked.
fn some<T>(found: Vec<T>, path: &Path, what: &str) -> Result<Vec<T>, Failure> {
    if !found.is_empty() {
        return Ok(found);
    }
    let what = format!("{}: there is no {what} in it", path.display());
    Err(Report::new("PKI-003", what)
        .why("Nothing was checked.")
        .help("give the file that has it")
        .usage())
}
