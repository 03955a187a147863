//! Arguments of `drill`.

use std::path::PathBuf;

use aeolus_api::Period;
use clap::{Args, Subcommand};

/// Rehearsals.
#[derive(Debug, Subcommand)]
pub(crate) enum DrillCommand {
    /// Rehearse an outage of control at a live gate: nothing is stopped and every answer stays the real
    /// one, and a report says what the outage would have cost.
    Outage(DrillOutage),
}

/// `drill outage`.
#[derive(Debug, Args)]
pub(crate) struct DrillOutage {
    /// The gate's folder, on the gate's machine.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// How long control is taken to be gone.
    #[arg(long = "for", value_name = "PERIOD", default_value = "10m")]
    pub(crate) outage: Period,
    /// For how long traffic is watched; absent: as long as the outage. `--for 26h --within 10m` shows
    /// in ten minutes of traffic what 26 hours would do.
    #[arg(long, value_name = "PERIOD")]
    pub(crate) within: Option<Period>,
}
