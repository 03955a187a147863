//! Arguments of `gate secret`.

use std::path::PathBuf;

use aeolus_api::Period;
use clap::{Args, Subcommand};

/// The plane secret.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Put another generation of the plane secret in the place of today's. Needs no control plane and
    /// no restart.
    ///
    /// The new generation is announced first: every replica and every Airflow has to know it before
    /// one uses it. Give the file secret.json to the plane's other replicas at once.
    Rotate(SecretRotate),
    /// Show the generations and where each stands; never a secret.
    List(SecretList),
}

/// `gate secret rotate`.
#[derive(Debug, Args)]
pub(crate) struct SecretRotate {
    /// The gate's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// When the new generation takes over: an hour for the file to reach every replica, and an hour
    /// for which an Airflow may keep a key set.
    #[arg(long, value_name = "PERIOD", default_value = "2h")]
    pub(crate) activate_in: Period,
    /// Somebody else has the secret: the new generation takes over at once, and what the others made
    /// is refused at once. Everybody at this plane has to sign in again.
    #[arg(long, conflicts_with = "activate_in")]
    pub(crate) compromised: bool,
    /// Reckon by this machine's clock although it is minutes away from the time that the gate last
    /// knew, as it is when the gate has not run for a while. A time before that one is never taken.
    #[arg(long, conflicts_with = "compromised")]
    pub(crate) trust_clock: bool,
}

/// `gate secret list`.
#[derive(Debug, Args)]
pub(crate) struct SecretList {
    /// The gate's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}
