//! Arguments of `key`.

use std::path::PathBuf;

use aeolus_api::Period;
use aeolus_api::key::KeyPurpose;
use clap::{ArgGroup, Args, Subcommand};

use super::{ConfigFile, Target};
use crate::config::Flag;

/// The keys that control signs with.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// List keys: what each signs, where it stands, what comes next and who needs it.
    List(KeyList),
    /// Announce the next key of a purpose, or give the announced one another date. It takes over once
    /// every plane knows it; nothing that is good ends.
    Rotate(KeyRotate),
    /// Remove a key that doesn't sign, if nothing needs it.
    Remove(KeyRemove),
    /// Print the certificates by which others know the legacy key: the one that signs, the one announced after it and
    /// those before it, as a container registry's `rootcertbundle` takes them.
    Certificates(KeyCertificates),
    /// Take an RSA key and its certificate as the legacy key, so that whoever believes the certificate already goes on.
    /// It works in the database; replicas of control may run.
    Import(KeyImport),
    /// Seal everything in the database under another master key. Run it with every replica of the
    /// control plane stopped, and start them with the new one.
    Reseal(KeyReseal),
}

/// `key list`.
#[derive(Debug, Args)]
pub(crate) struct KeyList {
    /// Only those of this purpose.
    #[arg(long, value_name = "PURPOSE")]
    pub(crate) purpose: Option<KeyPurpose>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `key rotate`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, and which go together is said beside them"
)]
#[derive(Debug, Args)]
pub(crate) struct KeyRotate {
    /// What it signs: access, api, direct, id, status, snapshot, legacy or events.
    pub(crate) purpose: KeyPurpose,
    /// How long it is announced before it signs, such as 2h; absent: as long as a gate that is cut off
    /// goes on serving. Until then it waits for planes that have not said that they know it.
    #[arg(long, value_name = "PERIOD")]
    pub(crate) activate_in: Option<Period>,
    /// Let it sign then even if some plane doesn't know it, and refuses what it signs.
    #[arg(long)]
    pub(crate) regardless: bool,
    /// Somebody else has the key: another one signs at once, and it is removed at once.
    #[arg(long, conflicts_with_all = ["activate_in", "regardless"])]
    pub(crate) compromised: bool,
    /// Only say what that would end.
    #[arg(long, requires = "compromised")]
    pub(crate) dry_run: bool,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `key remove`.
#[derive(Debug, Args)]
pub(crate) struct KeyRemove {
    /// Its kid, as `key list` shows it.
    #[arg(allow_hyphen_values = true)]
    pub(crate) kid: String,
    /// Somebody else has the key: remove it although live tokens need it, which ends them.
    #[arg(long)]
    pub(crate) compromised: bool,
    /// Only say what that would end.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `key certificates`.
#[derive(Debug, Args)]
pub(crate) struct KeyCertificates {
    /// Write them to this file instead, in one step: whoever reads it meanwhile reads all or what was there before.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `key import`.
#[derive(Debug, Args)]
pub(crate) struct KeyImport {
    /// A file with the private key: PEM or DER, without encryption.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A file with its certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: PathBuf,
    #[command(flatten)]
    pub(crate) held: KeyHeld,
}

/// `key reseal`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("new").required(true).args(["new_master_key_file", "new_config"]))]
pub(crate) struct KeyReseal {
    #[command(flatten)]
    pub(crate) held: KeyHeld,
    /// A file with the new master key: 32 random bytes as base64url or hex.
    #[arg(long, value_name = "FILE")]
    pub(crate) new_master_key_file: Option<PathBuf>,
    /// The configuration file whose `keys` say the new master key.
    #[arg(long, value_name = "FILE")]
    pub(crate) new_config: Option<PathBuf>,
}

/// Where keys are, for what works in the database itself, and what opens them.
#[derive(Debug, Args)]
pub(crate) struct KeyHeld {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The database, as `control serve` takes it.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// A file with the master key that opens it.
    #[arg(long, value_name = "FILE")]
    pub(crate) master_key_file: Option<String>,
}

impl KeyHeld {
    /// The flags that were given, as layers of the configuration.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        super::serving::layer(&[
            ("--database", "database.url", self.database.as_ref()),
            (
                "--master-key-file",
                "keys.masterKey.file",
                self.master_key_file.as_ref(),
            ),
        ])
    }
}
