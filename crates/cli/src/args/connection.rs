//! Arguments of `connection`.

use clap::{Args, Subcommand};

use super::Target;

/// Identity providers that people come through.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// List them: where each is written, and whether people can sign in through it.
    List(ConnectionList),
    /// Show one, or what has to be registered at its provider.
    Show(ConnectionShow),
    /// Let a plane sign people in at a connection's provider while control is away, by a client of its own
    /// there. Without --client-id: only say what has to be registered at the provider.
    PlaneRegister(ConnectionPlaneRegister),
    /// List the planes that have a client of their own at a connection's provider.
    PlaneList(ConnectionPlaneList),
    /// Take a plane's client away: from then on the plane signs nobody in there.
    PlaneRemove(ConnectionPlaneRemove),
}

/// `connection list`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionList {
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `connection show`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionShow {
    /// Its name.
    pub(crate) name: String,
    /// What has to be registered at its provider; also of a kind that is not configured yet.
    #[arg(long)]
    pub(crate) setup: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `connection plane-register`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionPlaneRegister {
    /// The connection's name.
    pub(crate) name: String,
    /// The plane, by name or id.
    #[arg(long)]
    pub(crate) plane: String,
    /// The id that the provider gave to the plane's own client; absent: nothing is changed.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The client signs with a key of the plane (ES256) instead of being a public one.
    #[arg(long)]
    pub(crate) private_key_jwt: bool,
    /// Don't wait (up to 2 s) until planes know of it.
    #[arg(long, requires = "client_id")]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `connection plane-list`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionPlaneList {
    /// The connection's name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `connection plane-remove`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionPlaneRemove {
    /// The connection's name.
    pub(crate) name: String,
    /// The plane, by name or id.
    #[arg(long)]
    pub(crate) plane: String,
    /// Don't wait (up to 2 s) until planes know of it.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}
