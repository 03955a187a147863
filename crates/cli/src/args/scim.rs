//! Arguments of `scim`.

mod check;

use aeolus_api::Period;
use clap::{Args, Subcommand, ValueEnum};

pub(crate) use self::check::{ScimCheck, ScimProfile};
use super::Target;

/// Provisioning by identity providers (SCIM).
#[derive(Debug, Subcommand)]
pub(crate) enum ScimCommand {
    /// Make, list, rotate and delete what a provider shows who it is.
    #[command(subcommand)]
    Credential(ScimCredentialCommand),
    /// Show what a provider asked last and how it was answered; what is said of people is masked.
    Log(ScimLog),
    /// Show how telling a connection's receiver goes: how many events wait, what was delivered last, what went wrong.
    Events(ScimEvents),
    /// Give the Teams of its groups what the connection's templates say now, by the names the groups were made under.
    Templates(ScimTemplates),
    /// Try a connection's endpoint as its identity provider does, and say what has to be mended.
    Check(ScimCheck),
}

/// Credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum ScimCredentialCommand {
    /// Make one. Its secret is shown this once, with the URL to give the provider.
    Create(ScimCredentialCreate),
    /// List those of a connection: until when they are good, and when they were last used.
    List(ScimCredentialList),
    /// Give one a new secret; the one before may stay good for a while.
    Rotate(ScimCredentialRotate),
    /// End one at once.
    Delete(ScimCredentialOne),
}

/// How a credential is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScimKind {
    /// As a bearer token: Entra's Secret Token.
    Bearer,
    /// As user and password: Okta's Basic Auth.
    Basic,
    /// As client id and secret, for tokens of an hour.
    Client,
}

/// `scim credential create`.
#[derive(Debug, Args)]
pub(crate) struct ScimCredentialCreate {
    /// The connection's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    /// What to call it.
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
    /// How it is shown; absent: as the provider wants it.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<ScimKind>,
    /// Days until it ends, 1 to 3650; absent: it ends when it is deleted.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: Option<u32>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `scim credential list`.
#[derive(Debug, Args)]
pub(crate) struct ScimCredentialList {
    /// The connection's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `scim credential delete`.
#[derive(Debug, Args)]
pub(crate) struct ScimCredentialOne {
    /// Its name or id.
    pub(crate) credential: String,
    /// The connection's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `scim credential rotate`.
#[derive(Debug, Args)]
pub(crate) struct ScimCredentialRotate {
    #[command(flatten)]
    pub(crate) credential: ScimCredentialOne,
    /// How long the secret from before stays good, such as 24h, at most 30d; absent: it ends now.
    #[arg(long, value_name = "PERIOD")]
    pub(crate) grace: Option<Period>,
    /// Days until the new secret ends, 1 to 3650; absent: as many as the one before was made for.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: Option<u32>,
}

/// `scim templates`.
#[derive(Debug, Args)]
pub(crate) struct ScimTemplates {
    /// The connection's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    /// Only say what would be given and taken back.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `scim events`.
#[derive(Debug, Args)]
pub(crate) struct ScimEvents {
    /// The connection's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `scim log`.
#[derive(Debug, Args)]
pub(crate) struct ScimLog {
    /// The connection's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    /// So many of the newest.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) lines: u32,
    /// Go on with what comes.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Show bodies as well, their values masked.
    #[arg(long)]
    pub(crate) bodies: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}
