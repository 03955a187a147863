//! Control's keys, as they are configured.

use std::path::PathBuf;

use aeolus_api::{Period, schema};
use aeolus_control::NewKeys;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use super::types::OptionalSecret;
use crate::report::{Failure, Report};

/// Control's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Keys {
    /// 32 random bytes as base64url or hex: opens the private keys in the database. Control does not
    /// start without it; whoever has it and the database is control.
    #[schemars(with = "OptionalSecret")]
    pub(crate) master_key: Option<SecretSource>,
    /// In the place of `masterKey`: a program with its arguments that prints it, such as a client of a
    /// key management service. It is run once at every start, without a shell, and has 30 s. Other
    /// users can read arguments: they must not hold a secret.
    pub(crate) master_key_command: Vec<String>,
    /// The folder with the root documents, and the root key where it is kept online.
    pub(crate) root_dir: PathBuf,
    /// How long a signing key signs before the next one takes over by itself, such as `90d`; `null`:
    /// until somebody rotates it. The snapshot key is always rotated by hand.
    #[schemars(with = "Option<schema::Period>")]
    pub(crate) rotate_every: Option<Period>,
    /// Whether every start of a newer version replaces all keys but the snapshot key at once: everybody
    /// has to sign in again, and every API token needs a new value. `aeolus key list` says what that would end.
    pub(crate) regenerate_each_upgrade: bool,
    /// In the place of `regenerateEachUpgrade`: every start of a newer version announces the next key of each purpose but
    /// `snapshot`, which takes over as in any rotation. Nothing ends.
    pub(crate) rotate_each_upgrade: bool,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            master_key: None,
            master_key_command: Vec::new(),
            root_dir: PathBuf::from("/var/lib/aeolus/control/root"),
            rotate_every: None,
            regenerate_each_upgrade: false,
            rotate_each_upgrade: false,
        }
    }
}

impl Keys {
    /// Whether an upgrade gets new keys, and how.
    pub(crate) fn at_upgrade(&self) -> Result<NewKeys, Failure> {
        match (self.regenerate_each_upgrade, self.rotate_each_upgrade) {
            (false, false) => Ok(NewKeys::None),
            (false, true) => Ok(NewKeys::Staged),
            (true, false) => Ok(NewKeys::AtOnce),
            (true, true) => Err(Report::new(
                "CFG-0004",
                "keys.regenerateEachUpgrade and keys.rotateEachUpgrade are both true",
            )
            .why("The one ends everything that was issued before an upgrade, the other nothing.")
            .help("keep one of them: rotateEachUpgrade, unless a rule asks for an end")
            .usage()),
        }
    }

    /// What is to be known of it before it happens.
    pub(crate) fn upgrade_note(&self) -> Option<&'static str> {
        self.regenerate_each_upgrade.then_some(
            "warning keys.regenerateEachUpgrade: every upgrade ends all sessions, access tokens, API tokens, direct access tokens and tokens of /v1/authorization and of the container registry; `aeolus key list` counts them. keys.rotateEachUpgrade in its place gives new keys and ends nothing.",
        )
    }
}
