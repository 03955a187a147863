//! The last requests of each connection: kept in memory until they are written, so that a slow database slows down no
//! request. What there is no room for is not kept.

mod list;

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_model::{ConnectionId, Time};
use aeolus_store::{ScimRequest, StoreError, Unit as _};
use tokio_util::sync::CancellationToken;

use super::uses;
use crate::app::App;

pub(crate) use list::list;

/// Requests that wait to be written.
const WAITING: usize = 1_000;
/// Written in one transaction, which others wait for.
const AT_ONCE: usize = 100;
const EVERY: Duration = Duration::from_secs(1);
/// Requests without a good credential that are kept of a connection in a minute: strangers don't push out the rest.
const STRANGERS: u32 = 20;
const MINUTE: i64 = 60;
/// How long requests are kept, and how many of a connection.
const AGE: Duration = Duration::from_secs(7 * 86_400);
const MOST: u32 = 1_000;

/// What is not written yet.
#[derive(Default)]
pub(crate) struct ScimLog(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    requests: VecDeque<ScimRequest>,
    minute: i64,
    strangers: HashMap<ConnectionId, u32>,
}

impl ScimLog {
    /// Keeps one, if there is room.
    pub(super) fn push(&self, request: ScimRequest, now: Time) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if request.credential.is_empty() {
            let minute = now.secs().div_euclid(MINUTE);
            if waiting.minute != minute {
                waiting.minute = minute;
                waiting.strangers.clear();
            }
            let count = waiting.strangers.entry(request.connection).or_default();
            *count = count.saturating_add(1);
            if *count > STRANGERS {
                return;
            }
        }
        if waiting.requests.len() < WAITING {
            waiting.requests.push_back(request);
        }
    }

    fn take(&self) -> Vec<ScimRequest> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.requests.len().min(AT_ONCE);
        waiting.requests.drain(..count).collect()
    }

    fn give_back(&self, requests: Vec<ScimRequest>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for request in requests.into_iter().rev() {
            if waiting.requests.len() < WAITING {
                waiting.requests.push_front(request);
            }
        }
    }
}

/// Writes until shutdown, and then what is left.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    loop {
        let over = tokio::select! {
            () = shutdown.cancelled() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        if let Err(error) = flush(&app).await {
            tracing::debug!(%error, "requests of provisioning clients could not be noted; trying again");
        }
        if over {
            return;
        }
    }
}

/// Writes what waits, and when credentials were used.
pub(crate) async fn flush(app: &App) -> Result<(), StoreError> {
    uses::write(app).await?;
    loop {
        let some = app.scim.log.take();
        if some.is_empty() {
            return Ok(());
        }
        if let Err(error) = stored(app, &some).await {
            app.scim.log.give_back(some);
            return Err(error);
        }
    }
}

async fn stored(app: &App, some: &[ScimRequest]) -> Result<(), StoreError> {
    let mut write = app.store.write().await?;
    for request in some {
        write.scim_requests().insert(request).await?;
    }
    write.commit().await.map(|_| ())
}

/// Forgets what is old or too much.
pub(crate) async fn forget(app: &App) -> Result<(), StoreError> {
    let before = app.clock.now().minus(AGE);
    let mut write = app.store.write().await?;
    write.scim_requests().forget(before, MOST).await?;
    write.commit().await.map(|_| ())
}
