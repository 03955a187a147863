//! Arguments of what talks to a control plane, or does without one.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Which control plane, and as whom.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Target {
    /// Control's URL; absent: `AEOLUS_URL`, else where `aeolus login` signed in.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The file with the sign-in; absent: `AEOLUS_CREDENTIALS`, else aeolus/credentials.json in the
    /// configuration folder. The variable `AEOLUS_TOKEN` wins over any file, and after it
    /// `ASTRO_API_TOKEN` if this control plane issued what is in it.
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
}

/// `apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The fleet document.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only show what would change.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also delete what an earlier apply made and this document no longer has.
    #[arg(long)]
    pub(crate) prune: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `login`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, and at most one is given"
)]
pub(crate) struct LoginArgs {
    /// Only print the link, don't open a browser.
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Show a code to be typed into a browser on any other machine.
    #[arg(long, conflicts_with_all = ["no_browser", "email"])]
    pub(crate) device: bool,
    /// Take the address that the browser ends at from standard input: for a browser on another machine.
    #[arg(long, conflicts_with_all = ["no_browser", "email", "device"])]
    pub(crate) paste: bool,
    /// Take a token from standard input instead: an API token, or what control's page /token shows.
    #[arg(long, conflicts_with_all = ["no_browser", "email", "device", "paste"])]
    pub(crate) token_stdin: bool,
    /// Sign in with this account's password instead of a browser: for scripts, and only for accounts
    /// that control itself keeps.
    #[arg(long, value_name = "EMAIL", requires = "password_file")]
    pub(crate) email: Option<String>,
    /// A file with the password.
    #[arg(long, value_name = "FILE", requires = "email")]
    pub(crate) password_file: Option<PathBuf>,
    /// Where to keep the sign-in.
    #[arg(long, value_enum, default_value_t = Keep::Auto)]
    pub(crate) keep: Keep,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Where a sign-in is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keep {
    /// In the desktop's keychain where there is one, else in a file; in the file where one was named.
    Auto,
    /// In a file that only this user can read.
    File,
}

/// Data planes.
#[derive(Debug, Subcommand)]
pub(crate) enum PlaneCommand {
    /// Add a plane, or invite one again that is in quarantine, and print the one-time token with which its
    /// first gate joins.
    Add(PlaneAdd),
    /// Show a plane, or all of them.
    Show(PlaneShow),
    /// Believe a plane's identity no more: somebody else may have it. Its gates go on with what they have.
    Quarantine(PlaneMove),
    /// Believe a quarantined plane's identity again. If it was stolen, add the plane again instead.
    Release(PlaneMove),
    /// Build a gate's folder from a fleet document alone, without any control plane.
    Build(PlaneBuild),
}

/// `plane show`.
#[derive(Debug, Args)]
pub(crate) struct PlaneShow {
    /// Its name or id.
    #[arg(required_if_eq("network", "true"))]
    pub(crate) plane: Option<String>,
    /// List every host, port and direction that firewalls have to allow for the plane.
    #[arg(long)]
    pub(crate) network: bool,
    /// The configuration file of the plane's gates, for where they listen.
    #[arg(long, value_name = "FILE", requires = "network")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `plane quarantine` and `plane release`.
#[derive(Debug, Args)]
pub(crate) struct PlaneMove {
    /// Its name or id.
    pub(crate) plane: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `plane add`.
#[derive(Debug, Args)]
pub(crate) struct PlaneAdd {
    /// Its name.
    pub(crate) name: String,
    /// The host on which the plane can sign people in by itself.
    #[arg(long, value_name = "HOST")]
    pub(crate) auth_host: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `plane build`.
#[derive(Debug, Args)]
pub(crate) struct PlaneBuild {
    /// The fleet document.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The plane's name in it.
    #[arg(long, value_name = "NAME")]
    pub(crate) plane: String,
    /// The folder with the fleet's signing keys and ids; made on first use. Whoever has it can let
    /// anybody in.
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: PathBuf,
    /// The gate's folder to make or bring up to date.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}
