//! How long control keeps the audit log, and where it copies it to.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use aeolus_api::{Period, schema};
use aeolus_control::{AuditConfig, AuditFile, AuditWebhook};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Environment, SecretSource};
use crate::report::Failure;

/// The audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Audit {
    /// How long lines are kept, such as `400d`; `null`: for ever. A line that a place below does not have yet is
    /// kept longer.
    #[schemars(with = "Option<schema::Period>")]
    pub(crate) retention: Option<Period>,
    /// A file to which every line is appended as a JSON object; `null`: none.
    pub(crate) file: Option<File>,
    /// Whether every line is written to standard output, as a JSON object.
    pub(crate) stdout: bool,
    /// A server to which every line is sent; `null`: none.
    pub(crate) webhook: Option<Webhook>,
}

/// A file that the audit log is appended to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// With more bytes it is renamed to `PATH.1`, and a new one begun.
    #[serde(default = "max_bytes")]
    pub(crate) max_bytes: NonZeroU64,
    /// How many renamed files are kept.
    #[serde(default = "keep")]
    pub(crate) keep: u16,
}

/// A server that the audit log is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Its URL: https, or http on this machine.
    #[schemars(with = "schema::HttpUrl")]
    pub(crate) url: String,
    /// What signs the requests to it (HMAC-SHA-256): 32 characters or more.
    pub(crate) secret: SecretSource,
}

const fn max_bytes() -> NonZeroU64 {
    match NonZeroU64::new(100_000_000) {
        Some(bytes) => bytes,
        None => NonZeroU64::MIN,
    }
}

const fn keep() -> u16 {
    5
}

impl Audit {
    /// As the server is told. A relative path begins at `base`.
    pub(crate) fn read(
        &self,
        base: &Path,
        environment: &Environment,
    ) -> Result<AuditConfig, Failure> {
        let file = self.file.as_ref().map(|file| AuditFile {
            path: base.join(&file.path),
            max_bytes: file.max_bytes.get(),
            keep: file.keep.into(),
        });
        let webhook = match &self.webhook {
            None => None,
            Some(webhook) => {
                let key = "control.audit.webhook.secret";
                Some(AuditWebhook {
                    url: webhook.url.clone(),
                    secret: webhook.secret.read(key, base, environment)?,
                })
            }
        };
        Ok(AuditConfig {
            retention: self.retention.map(Period::duration),
            file,
            stdout: self.stdout,
            webhook,
        })
    }
}
