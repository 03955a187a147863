//! Where a secret is, so that the files people write, review and share never hold one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A reference to a secret: `{env: NAME}` or `{file: PATH}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SecretRef {
    /// The value of an environment variable.
    Env(String),
    /// The content of a file, without its last line break. A relative path begins at the folder of
    /// the file that names it.
    File(PathBuf),
}
