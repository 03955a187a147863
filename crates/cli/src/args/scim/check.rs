//! Arguments of `scim check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::Target;

/// Whose ways are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScimProfile {
    /// What Okta sends: its SPEC and CRUD tests, group push.
    Okta,
    /// What Microsoft Entra ID sends: Test Connection, its validator's list.
    Microsoft,
    /// What RFC 7643 and 7644 say.
    Strict,
}

/// `scim check`.
///
/// Sends the requests of an identity provider's own tests to the live endpoint. What it makes there is called
/// aeolus-check-…, and is deleted at the end, also after an error. Nothing else is changed.
#[derive(Debug, Args)]
pub(crate) struct ScimCheck {
    /// The connection's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    /// The endpoint as the provider was told; absent: the one of control.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Whose ways are tried; absent: as the connection's provider does it.
    #[arg(long, value_enum)]
    pub(crate) profile: Option<ScimProfile>,
    /// A file with what the provider was given: a token, or user:password. Absent: the environment's
    /// `AEOLUS_SCIM_CREDENTIAL`.
    #[arg(long, value_name = "FILE")]
    pub(crate) credential_file: Option<PathBuf>,
    /// Read it from standard input.
    #[arg(long, conflicts_with = "credential_file")]
    pub(crate) credential_stdin: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}
