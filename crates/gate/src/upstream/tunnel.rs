//! An upgraded connection: bytes both ways, until either end or the gate has had enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Whether what was allowed would be allowed still. A tunnel outlives the decision that opened it,
/// so it is asked again and again.
pub type StillGood = Arc<dyn Fn() -> bool + Send + Sync>;

/// How often: a revoked tunnel closes within five seconds.
const ASK: Duration = Duration::from_secs(2);

/// Tunnels at this moment, and how many were closed for their credential's sake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// Open ones.
    pub open: u64,
    /// Closed because what was allowed no longer is.
    pub revoked: u64,
}

/// The counters behind [`Streams`].
#[derive(Debug, Default)]
pub(super) struct Counts {
    open: AtomicU64,
    revoked: AtomicU64,
}

impl Counts {
    pub(super) fn streams(&self) -> Streams {
        Streams {
            open: self.open.load(Ordering::Relaxed),
            revoked: self.revoked.load(Ordering::Relaxed),
        }
    }
}

/// One open tunnel; no longer one when dropped.
struct Open(Arc<Counts>);

impl Open {
    fn new(counts: Arc<Counts>) -> Self {
        counts.open.fetch_add(1, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Joins the two ends.
pub(super) async fn run(
    client: OnUpgrade,
    application: OnUpgrade,
    still_good: StillGood,
    (counts, closing): (Arc<Counts>, CancellationToken),
) {
    let open = Open::new(counts);
    let (Ok(client), Ok(application)) = tokio::join!(client, application) else {
        return;
    };
    let (mut client, mut application) = (TokioIo::new(client), TokioIo::new(application));
    tokio::select! {
        // An end that goes away ends the tunnel; there is nobody left to tell.
        _ = copy_bidirectional(&mut client, &mut application) => {}
        () = closing.cancelled() => {}
        () = until_not(still_good) => {
            open.0.revoked.fetch_add(1, Ordering::Relaxed);
            tracing::info!("closed a tunnel whose credential is no longer good");
        }
    }
}

async fn until_not(still_good: StillGood) {
    let mut ticks = interval(ASK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while still_good() {
        ticks.tick().await;
    }
}
