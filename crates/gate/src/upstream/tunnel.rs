//! An upgraded connection: bytes both ways, until either end or the gate has had enough.

use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::time::{MissedTickBehavior, interval};

/// Whether what was allowed would be allowed still. A tunnel outlives the decision that opened it,
/// so it is asked again and again.
pub type StillGood = Arc<dyn Fn() -> bool + Send + Sync>;

/// How often: a revoked tunnel closes within five seconds.
const ASK: Duration = Duration::from_secs(2);

/// Joins the two ends.
pub(super) async fn run(client: OnUpgrade, application: OnUpgrade, still_good: StillGood) {
    let (Ok(client), Ok(application)) = tokio::join!(client, application) else {
        return;
    };
    let (mut client, mut application) = (TokioIo::new(client), TokioIo::new(application));
    tokio::select! {
        // An end that goes away ends the tunnel; there is nobody left to tell.
        _ = copy_bidirectional(&mut client, &mut application) => {}
        () = until_not(still_good) => tracing::info!("closed a tunnel whose credential is no longer good"),
    }
}

async fn until_not(still_good: StillGood) {
    let mut ticks = interval(ASK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while still_good() {
        ticks.tick().await;
    }
}
