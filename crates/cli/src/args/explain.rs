//! Arguments of `explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// `explain`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("request").required(true).args(["url", "request_id"]))]
#[command(group = ArgGroup::new("credential").args(["user", "token_file", "bearer_stdin"]))]
pub(crate) struct ExplainArgs {
    /// The gate's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
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
}
