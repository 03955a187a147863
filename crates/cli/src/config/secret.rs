//! Secrets: a value, or the place of one.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use aeolus_api::SecretRef;
use aeolus_model::Secret;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Environment;
use crate::report::{Failure, Report};

/// A secret as it is configured.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum SecretSource {
    /// The value itself.
    Value(String),
    /// Where it is.
    Reference(SecretRef),
}

impl SecretSource {
    /// Reads it. `key` is what errors call it.
    pub(crate) fn read(
        &self,
        key: &str,
        base: &Path,
        environment: &Environment,
    ) -> Result<Secret<String>, Failure> {
        match self {
            Self::Value(value) => Ok(Secret::new(value.clone())),
            Self::Reference(reference) => read_reference(reference, key, base, environment),
        }
    }
}

/// Reads a secret from its place. A relative path begins at `base`, the folder of the file that
/// names it.
pub(crate) fn read_reference(
    reference: &SecretRef,
    key: &str,
    base: &Path,
    environment: &Environment,
) -> Result<Secret<String>, Failure> {
    match reference {
        SecretRef::Env(name) => environment.get(name).map(Secret::new).ok_or_else(|| {
            Report::new(
                "CFG-0007",
                format!("{key}: the environment has no variable {name}"),
            )
            .why("The secret would be empty.")
            .help(format!("set {name}, or change {key}"))
            .usage()
        }),
        SecretRef::File(path) => {
            let path: PathBuf = base.join(path);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Report::new(
                    "CFG-0007",
                    format!("{key}: {} can't be read: {error}", path.display()),
                )
                .why("The secret would be empty.")
                .help("check the path and that this user may read it")
                .usage()
            })?;
            let line = text.strip_suffix('\n').unwrap_or(&text);
            let line = line.strip_suffix('\r').unwrap_or(line);
            Ok(Secret::new(line.to_owned()))
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value(…)"),
            Self::Reference(reference) => reference.fmt(f),
        }
    }
}

impl JsonSchema for SecretSource {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let place = |key: &str| {
            serde_json::json!({
                "type": "object",
                "properties": {key: {"type": "string"}},
                "required": [key],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "x-secret": "required",
            "anyOf": [{"type": "string"}, place("file"), place("env")],
        })
    }
}
