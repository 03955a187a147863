//! Arguments of `rollout`.

use aeolus_api::Period;
use aeolus_model::{RolloutPath, Slug, TreePlace};
use clap::{Args, Subcommand};

use super::Target;

/// Which deployments take which path to their decision.
#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Show a rollout, or all of them: who gets the path, and what gates count on both.
    Show(RolloutShow),
    /// Add a rollout, or change one, and set it running. What isn't given stays as it is.
    Set(Box<RolloutSet>),
    /// Give the path to everything that a rollout is about.
    Promote(RolloutMove),
    /// Take the path from everything that a rollout is about: connected gates obey within two seconds.
    Abort(RolloutMove),
    /// Remove a rollout: its deployments obey the next one that is about them, or decide on the plane.
    Delete(RolloutDelete),
}

/// `rollout show`.
#[derive(Debug, Args)]
pub(crate) struct RolloutShow {
    /// Its name; absent: all.
    pub(crate) name: Option<String>,
    /// Show it again every two seconds until interrupted.
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `rollout set`.
#[derive(Debug, Args)]
pub(crate) struct RolloutSet {
    /// Its name.
    pub(crate) name: Slug,
    /// The path that it gives: `plane` or `central`. A new rollout needs one.
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<RolloutPath>,
    /// The share of deployments that get it, 0 to 100. A new rollout needs one.
    #[arg(long, value_name = "SHARE", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) percent: Option<u8>,
    /// A deployment that gets it whatever the share: ORGANIZATION/WORKSPACE/DEPLOYMENT. Can be repeated;
    /// those given replace the list.
    #[arg(long, value_name = "PLACE")]
    pub(crate) deployment: Vec<TreePlace>,
    /// No deployment gets it but by the share.
    #[arg(long, conflicts_with = "deployment")]
    pub(crate) no_deployments: bool,
    /// The rollout is only about what is on this plane. Can be repeated.
    #[arg(long, value_name = "PLANE")]
    pub(crate) plane: Vec<Slug>,
    /// The rollout is only about this place: ORGANIZATION, ORGANIZATION/WORKSPACE or
    /// ORGANIZATION/WORKSPACE/DEPLOYMENT. Can be repeated.
    #[arg(long, value_name = "PLACE")]
    pub(crate) within: Vec<TreePlace>,
    /// The rollout is about everything.
    #[arg(long, conflicts_with_all = ["plane", "within"])]
    pub(crate) everywhere: bool,
    /// Decide this share of requests on the other path too, for comparison, 0 to 100; 0 ends it.
    #[arg(long, value_name = "SHARE", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) shadow: Option<u8>,
    /// Whether gates take a deployment off the path by themselves when it does badly there.
    #[arg(long, value_name = "WHETHER")]
    pub(crate) fall_back: Option<bool>,
    /// The share of bad requests within 10 s from which on they do, 1 to 100.
    #[arg(long, value_name = "SHARE", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) bad_percent: Option<u8>,
    /// A decision that takes so many milliseconds is bad, 1 to 1000.
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) slow_ms: Option<u16>,
    /// Fewer requests within 10 s say nothing.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) requests: Option<u32>,
    /// How long the deployment stays off the path, such as 10m.
    #[arg(long, value_name = "PERIOD")]
    pub(crate) hold: Option<Period>,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `rollout promote` and `rollout abort`.
#[derive(Debug, Args)]
pub(crate) struct RolloutMove {
    /// Its name.
    pub(crate) name: String,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `rollout delete`.
#[derive(Debug, Args)]
pub(crate) struct RolloutDelete {
    /// Its name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) target: Target,
}
