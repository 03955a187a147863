//! The last requests of each connection: kept in memory until they are written, so that a slow database slows down no
//! request. What there is no room for is not kept.

mod list;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aeolus_model::Time;
use aeolus_store::{ScimRequest, StoreError, Unit as _};
use tokio_util::sync::CancellationToken;

use super::uses;
use crate::app::App;
use crate::minute::PerMinute;

pub(crate) use list::list;

/// Requests that wait to be written.
const WAITING: usize = 1_000;
/// Written in one transaction, which others wait for.
const AT_ONCE: usize = 100;
const EVERY: Duration = Duration::from_secs(1);
/// Requests without a good credential that are kept of a connection in a minute: strangers don't push out the rest.
const STRANGERS: u32 = 20;
/// How long requests are kept, and how many of a connection.
const AGE: Duration = Duration::from_secs(7 * 86_400);
const MOST: u32 = 1_000;

/// Connections whose strangers are told apart in a minute.
const CONNECTIONS: usize = 10_000;

/// What is not written yet.
pub(crate) struct ScimLog {
    waiting: Mutex<VecDeque<ScimRequest>>,
    strangers: PerMinute,
}

impl Default for ScimLog {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            strangers: PerMinute::of(CONNECTIONS),
        }
    }
}

impl ScimLog {
    /// Keeps one, if there is room.
    pub(super) fn push(&self, request: ScimRequest, now: Time) {
        if request.credential.is_empty() {
            let connection = request.connection.to_string();
            if self.strangers.hit(&connection, 1, now) > STRANGERS {
                return;
            }
        }
        let mut waiting = self.waiting();
        if waiting.len() < WAITING {
            waiting.push_back(request);
        }
    }

    fn take(&self) -> Vec<ScimRequest> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(AT_ONCE);
        waiting.drain(..count).collect()
    }

    fn give_back(&self, requests: Vec<ScimRequest>) {
        let mut waiting = self.waiting();
        for request in requests.into_iter().rev() {
            if waiting.len() < WAITING {
                waiting.push_front(request);
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<ScimRequest>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
