//! Logs of the servers, on standard error.

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
use crate::report::{Failure, Report};

/// Begins to log as configured.
pub(super) fn begin(config: &Config) -> Result<(), Failure> {
    let wanted = &config.observability.log;
    let filter = EnvFilter::try_new(wanted).map_err(|error| {
        Report::new(
            "CFG-0004",
            format!("observability.log can't be {wanted:?}: {error}"),
        )
        .help("use a level such as info, or info,aeolus_gate=debug")
        .usage()
    })?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second call, which only tests could make, changes nothing.
    let _ = match config.observability.log_format {
        LogFormat::Text => logs.with_ansi(false).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    Ok(())
}
