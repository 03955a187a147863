//! What is done again and again beside requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Does some work again and again until told to stop, never on an async thread. When the stop comes,
/// work at a disk that hangs is not waited for. `what` is for the log, should the work panic; the
/// next time it is tried again.
pub(crate) async fn again(
    every: Duration,
    what: &'static str,
    work: impl Fn() + Send + Sync + 'static,
    stop: CancellationToken,
) {
    let work = Arc::new(work);
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let work = Arc::clone(&work);
        let done = tokio::task::spawn_blocking(move || work());
        if let Some(Err(error)) = stop.run_until_cancelled(done).await {
            tracing::error!(%error, what, "work beside requests failed; trying again");
        }
    }
}
