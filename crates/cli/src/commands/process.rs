//! What servers share as processes: signals, supervision, saying that they are ready.

use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::Supervised;
use crate::report::{Failure, Report};
use crate::ui;

/// Prepares the process for its supervisor.
pub(super) fn begin(supervised: Supervised) -> Result<(), Failure> {
    raise_descriptors();
    if supervised.end_with_parent {
        end_with_parent()?;
    }
    Ok(())
}

/// As many descriptors as this user may have: the soft limit is there for programs that use select(2).
fn raise_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What there is has to do then.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(target_os = "linux")]
fn end_with_parent() -> Result<(), Failure> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    let set = set_parent_process_death_signal(Some(Signal::TERM));
    set.map_err(|error| Report::new("RUN-0005", format!("prctl: {error}")).failed())?;
    // The parent may have ended before the call.
    if getppid().is_none_or(rustix::process::Pid::is_init) {
        return Err(Report::new("RUN-0006", "the supervisor has ended").failed());
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent() -> Result<(), Failure> {
    Ok(())
}

/// Ends the work in good order on SIGINT and SIGTERM.
pub(super) fn cancel_on_signal(shutdown: CancellationToken) -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|error| unheard(&error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        shutdown.cancel();
    });
    Ok(())
}

/// SIGHUPs, by which people ask for a reload.
pub(super) fn hangups() -> Result<Signal, Failure> {
    signal(SignalKind::hangup()).map_err(|error| unheard(&error))
}

fn unheard(error: &std::io::Error) -> Failure {
    Report::new("RUN-0005", format!("signals can't be received: {error}")).failed()
}

/// Says that a server is ready, and where.
pub(super) fn announce(ready: &impl Serialize, as_json: bool) {
    let json = serde_json::to_string(ready).unwrap_or_default();
    if as_json {
        ui::line(&json);
    } else {
        tracing::info!(bound = json, "ready");
    }
}
