//! Arguments of `explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use aeolus_model::Permission;
use clap::{ArgGroup, Args};

/// `explain`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("request").required(true).args(["url", "request_id", "subject"]))]
#[command(group = ArgGroup::new("credential").args(["user", "token_file", "bearer_stdin"]))]
pub(crate) struct ExplainArgs {
    /// The gate's folder.
    #[arg(long, value_name = "DIR", required_unless_present = "subject")]
    pub(crate) data: Option<PathBuf>,
    /// The gate's configuration file, for what its `gate.rails` allow; the environment counts as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The request's URL, as the client sees it.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The request's method.
    #[arg(
        long,
        value_name = "METHOD",
        default_value = "GET",
        conflicts_with = "request_id"
    )]
    pub(crate) method: String,
    /// The client's address: it counts where tasks come from.
    #[arg(long, value_name = "IP", conflicts_with = "request_id")]
    pub(crate) source: Option<IpAddr>,
    /// A header line of the request, `Name: value`; not its credential. May be repeated.
    #[arg(long, value_name = "LINE", conflicts_with = "request_id")]
    pub(crate) header: Vec<String>,
    /// As this person, signed in: an e-mail address or an id.
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// With the token in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// With the token on standard input.
    #[arg(long)]
    pub(crate) bearer_stdin: bool,
    /// A request of the gate's log instead, by its `X-Aeolus-Request-Id`.
    #[arg(long, value_name = "ID", requires = "log")]
    pub(crate) request_id: Option<String>,
    /// The gate's log, written with `observability.logFormat: json`.
    #[arg(long, value_name = "FILE", requires = "request_id")]
    pub(crate) log: Option<PathBuf>,
    /// No request: ask control what a person, a team or an API token may do, and why.
    #[arg(
        long,
        value_name = "EMAIL|ID|team:NAME",
        requires = "resource",
        conflicts_with_all = ["data", "config", "method", "source", "header", "credential", "log"]
    )]
    pub(crate) subject: Option<String>,
    /// With `--subject`: at this organization, workspace or deployment, such as
    /// ORGANIZATION/WORKSPACE/DEPLOYMENT.
    #[arg(long, value_name = "PLACE|ID", requires = "subject")]
    pub(crate) resource: Option<String>,
    /// With `--subject`: only whether they have this permission.
    #[arg(long, value_name = "PERMISSION", requires = "subject")]
    pub(crate) permission: Option<Permission>,
    /// With `--subject`: control's URL; absent: `AEOLUS_URL`, else where `aeolus login` signed in.
    #[arg(long, value_name = "URL", requires = "subject")]
    pub(crate) control: Option<String>,
    /// With `--subject`: the file with the sign-in, as elsewhere.
    #[arg(long, value_name = "FILE", requires = "subject")]
    pub(crate) credentials: Option<PathBuf>,
}
