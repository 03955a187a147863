//! Logs of the servers, on standard error.

mod sink;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tracing_subscriber::EnvFilter;

use self::sink::Sink;
use crate::config::{Config, LogFormat};
use crate::report::{Failure, Report};

/// A log that runs. When it is dropped, what was logged has been written.
pub(super) struct Logs {
    sink: Sink,
    filter: Box<dyn Fn(EnvFilter) + Send + Sync>,
}

impl Logs {
    /// Counts the lines that were not written since the start.
    pub(super) fn lost(&self) -> Arc<AtomicU64> {
        self.sink.lost()
    }

    /// Changes what is logged. Everything that is checked has been, so it can't fail half-way.
    pub(super) fn refilter(&self, filter: EnvFilter) {
        (self.filter)(filter);
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.sink.flush();
    }
}

/// Begins to log as configured.
pub(super) fn begin(config: &Config) -> Result<Logs, Failure> {
    let filter = filter(config)?;
    let format = config.observability.log_format;
    let missing: fn(u64) -> String = match format {
        LogFormat::Text => missing_as_text,
        LogFormat::Json => missing_as_json,
    };
    let sink = Sink::begin(std::io::stderr(), missing);
    let sink = sink.map_err(|error| {
        Report::new("RUN-0005", format!("the log gets no thread: {error}")).failed()
    })?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(sink.clone());
    // A second call, which only tests could make, changes nothing.
    let filter: Box<dyn Fn(EnvFilter) + Send + Sync> = match format {
        LogFormat::Text => {
            let logs = logs.with_ansi(false).with_filter_reloading();
            let handle = logs.reload_handle();
            let _ = logs.try_init();
            Box::new(move |filter| drop(handle.reload(filter)))
        }
        LogFormat::Json => {
            let logs = logs.json().with_filter_reloading();
            let handle = logs.reload_handle();
            let _ = logs.try_init();
            Box::new(move |filter| drop(handle.reload(filter)))
        }
    };
    log_panics();
    Ok(Logs { sink, filter })
}

/// What is logged.
pub(super) fn filter(config: &Config) -> Result<EnvFilter, Failure> {
    let wanted = &config.observability.log;
    EnvFilter::try_new(wanted).map_err(|error| {
        Report::new(
            "CFG-0004",
            format!("observability.log can't be {wanted:?}: {error}"),
        )
        .help("use a level such as info, or info,aeolus_gate=debug")
        .usage()
    })
}

/// Otherwise a panic is printed by the thread that panics, and stops it where nobody reads.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(
            at = panic.location().map(tracing::field::display),
            message = panic.payload_as_str(),
            "panicked"
        );
    }));
}

fn missing_as_text(count: u64) -> String {
    format!(
        "WARN aeolus: {count} lines are missing here: they were logged faster than they were read\n"
    )
}

fn missing_as_json(count: u64) -> String {
    let line = serde_json::json!({
        "level": "WARN",
        "fields": {"message": "lines are missing here: they were logged faster than they were read", "count": count},
        "target": "aeolus",
    });
    format!("{line}\n")
}
