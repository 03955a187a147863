//! Arguments of `pki acme`.

use std::path::PathBuf;

use aeolus_acme::LETS_ENCRYPT;
use aeolus_api::{Listen, Period};
use aeolus_model::Email;
use aeolus_pki::KeyKind;
use clap::{ArgGroup, Args};

use super::pki::keys;

/// `pki acme`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("challenge").required(true).args(["http_01", "dns_hook"]))]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub(crate) struct PkiAcme {
    /// The client's folder: its account, what it remembers, and answers to challenges. Keep it: without it there is
    /// another account, and a new certificate.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The authority's directory; as it is, Let's Encrypt's.
    #[arg(long, value_name = "URL", default_value = LETS_ENCRYPT, hide_default_value = true)]
    pub(crate) directory: String,
    /// Let's Encrypt's directory for trying: generous limits, and certificates that nobody believes.
    #[arg(long, conflicts_with = "directory")]
    pub(crate) staging: bool,
    /// The names: hosts, wildcards, addresses.
    #[arg(long, value_name = "NAME", num_args = 1.., required = true, value_delimiter = ',')]
    pub(crate) san: Vec<String>,
    /// Where to: STEM.crt (with what has to be sent with it) and STEM.key.
    #[arg(long, value_name = "STEM")]
    pub(crate) out: PathBuf,
    /// Prove the names over HTTP: answer at this address while the authority looks, which asks at port 80 of each name.
    #[arg(long, value_name = "ADDR")]
    pub(crate) http_01: Option<Listen>,
    /// Prove the names by DNS, as wildcards need: a program that adds and removes a TXT record. It is told by its
    /// environment: `AEOLUS_ACME_ACTION` (present, cleanup), `AEOLUS_ACME_RECORD`, `AEOLUS_ACME_VALUE`, `AEOLUS_ACME_NAME`.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) dns_hook: Option<PathBuf>,
    /// How long the hook may take each time. It ends once the name's own servers have the record.
    #[arg(long, value_name = "TIME", default_value = "5m", requires = "dns_hook")]
    pub(crate) hook_timeout: Period,
    /// Where the authority writes to when something is wrong.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Vec<Email>,
    /// You have read the authority's terms of service, and agree. An account needs it.
    #[arg(long)]
    pub(crate) agree_terms: bool,
    /// The kind of key. Some consumers take RSA only.
    #[arg(long, value_name = "K", default_value = "p256", value_parser = keys())]
    pub(crate) key: KeyKind,
    /// The name of the key that binds the account to one at the authority's site, for authorities that ask for it.
    #[arg(long, value_name = "ID", requires = "eab_key_file")]
    pub(crate) eab_kid: Option<String>,
    /// The file of that key, in base64url as the site shows it.
    #[arg(long, value_name = "FILE", requires = "eab_kid")]
    pub(crate) eab_key_file: Option<PathBuf>,
    /// Certificates (PEM) of those who may vouch for the authority's own server, beside the system's: for a private one.
    #[arg(long, value_name = "FILE")]
    pub(crate) directory_ca: Option<PathBuf>,
    /// Certificates (PEM) of the authorities that clients trust: what was issued has to lead to one. Absent: the chain is
    /// proved as far as it was sent.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Order it also if it isn't due, and if earlier failures say to wait.
    #[arg(long)]
    pub(crate) now: bool,
    /// Replace a pair that came from elsewhere. It is kept beside the new one.
    #[arg(long)]
    pub(crate) force: bool,
}
