//! Keeping up with the keys, at every replica of control.

use std::collections::BTreeSet;
use std::time::Duration;

use aeolus_model::{KeyId, Time};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::due;
use crate::app::App;
use crate::error::ApiError;

/// How often the keys are looked at: for so long a replica may sign with a key that another has
/// retired, or believe one that another has removed.
const LOOK: Duration = Duration::from_secs(1);
/// Commits come in bursts.
const COALESCE: Duration = Duration::from_millis(200);
/// How often planes are asked about that have to know a key before it signs.
const ASK: Duration = Duration::from_secs(5);
/// How often it is asked whether a key may go or should be followed by another: that takes counting.
const COUNT: Duration = Duration::from_secs(600);

/// Takes up changed keys and moves on what is due, until shutdown.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let mut feed = app.feed.subscribe();
    let mut follower = Follower::default();
    loop {
        feed.borrow_and_update();
        if let Err(error) = follower.round(&app).await {
            tracing::warn!(%error, "the signing keys could not be looked after; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
            changed = feed.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(COALESCE).await;
            }
        }
    }
}

/// What is not done in every round.
#[derive(Default)]
struct Follower {
    counted: Option<Time>,
    asked: Option<Instant>,
    /// The keys whose time was over when it was last counted: a clock that jumps removes nothing at once.
    over: BTreeSet<KeyId>,
    /// The keys of which it was said that they don't take over.
    refused: BTreeSet<KeyId>,
}

impl Follower {
    async fn round(&mut self, app: &App) -> Result<(), ApiError> {
        refresh(app).await?;
        let now = app.clock.now();
        let ask = self.asked.is_none_or(|at| at.elapsed() >= ASK);
        if ask {
            self.asked = Some(Instant::now());
        }
        let mut moved = due::activate(app, (now, ask), &mut self.refused).await?;
        let waits = |at: Time| at <= now && now.since(at) < COUNT;
        if !self.counted.is_some_and(waits) {
            // What fails counts too: it is not tried in every round.
            self.counted = Some(now);
            moved |= due::announce(app, now).await?;
            moved |= due::remove(app, now, &mut self.over).await?;
        }
        if moved {
            refresh(app).await?;
        }
        Ok(())
    }
}

async fn refresh(app: &App) -> Result<(), ApiError> {
    let refreshed = app.keys.refresh(&app.store, &app.master).await;
    refreshed.map_err(ApiError::internal)
}
