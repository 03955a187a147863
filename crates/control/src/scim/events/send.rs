//! Pushing events to receivers (RFC 8935): each connection's in order, at least once, by one replica at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::egress::{Bounds, Egress, EgressError, Reach};
use aeolus_model::{ConnectionId, Time};
use aeolus_store::{Connection, ScimEventWaiting, ScimHold, ScimReceiver, StoreError, Unit as _};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::answer::{self, Judged};
use super::dropped::{self, Why};
use super::token::Claims;
use crate::app::App;
use crate::connections::Settings;
use crate::connections::receiver::Receiver;
use crate::keys;

/// How often is looked for connections that have a receiver.
const LOOK: Duration = Duration::from_secs(2);
/// How often for events that other replicas noted.
const POLL: Duration = Duration::from_secs(1);
/// How long a receiver belongs to a replica that isn't heard of. An answer is waited for a third of it.
const LEASE: Duration = Duration::from_secs(30);
const BOUNDS: Bounds = Bounds {
    bytes: 16 * 1024,
    time: Duration::from_secs(10),
};
/// After a failure, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// So many are read together.
const AT_ONCE: u32 = 50;
const AGENT: &str = concat!("aeolus/", env!("CARGO_PKG_VERSION"));

/// Sends until shutdown: to each receiver beside the others, so that none waits for a slow one.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let egress = match Egress::by(&app.egress, BOUNDS) {
        Ok(egress) => Arc::new(egress),
        Err(error) => {
            tracing::error!(%error, "SCIM events can't be sent: there are no trust anchors");
            return;
        }
    };
    let mut senders = JoinSet::new();
    let mut busy: HashMap<Id, ConnectionId> = HashMap::new();
    loop {
        while let Some(done) = senders.try_join_next_with_id() {
            let id = match done {
                Ok((id, ())) => id,
                Err(error) => error.id(),
            };
            busy.remove(&id);
        }
        match told(&app).await {
            Ok(all) => {
                for connection in all {
                    if busy.values().any(|at| *at == connection) {
                        continue;
                    }
                    let sending =
                        keep_sending(app.clone(), connection, egress.clone(), shutdown.clone());
                    busy.insert(senders.spawn(sending).id(), connection);
                }
            }
            Err(error) => {
                tracing::debug!(%error, "receivers of SCIM events can't be read; trying again");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    while senders.join_next().await.is_some() {}
}

/// The connections that have a receiver.
async fn told(app: &App) -> Result<Vec<ConnectionId>, StoreError> {
    let mut view = app.store.read().await?;
    let all = view.connections().list().await?;
    let told = all
        .into_iter()
        .filter(|row| Settings::of(row).is_some_and(|settings| settings.scim_events.is_some()));
    Ok(told.map(|row| row.id).collect())
}

/// What a round came to.
enum Round {
    /// There is no receiver any more.
    Gone,
    /// There may be more.
    Sent,
    /// Nothing to do for so long, unless there is news.
    Idle,
    /// Nothing to do for so long, whatever is noted.
    Wait(Duration),
}

async fn keep_sending(
    app: App,
    connection: ConnectionId,
    egress: Arc<Egress>,
    shutdown: CancellationToken,
) {
    let holder = aeolus_keys::digest::random_token(&*app.rng, 16);
    let hold = ScimHold {
        connection,
        holder: holder.expose(),
        lasts: LEASE,
    };
    let mut news = app.feed.subscribe();
    loop {
        news.mark_unchanged();
        // What is cut short at shutdown is sent again at the next start.
        let done = tokio::select! {
            () = shutdown.cancelled() => break,
            done = round(&app, &egress, hold) => done,
        };
        let (pause, listens) = match done {
            Ok(Round::Gone) => break,
            Ok(Round::Sent) => continue,
            Ok(Round::Idle) => (POLL, true),
            Ok(Round::Wait(pause)) => (pause, false),
            Err(error) => {
                tracing::warn!(%connection, %error, "SCIM events can't be sent; trying again");
                (POLL, false)
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
            _ = news.changed(), if listens => {}
        }
    }
    let released = async {
        let mut write = app.store.write().await?;
        write.scim_events().release(hold).await?;
        write.commit().await
    };
    if let Err(error) = released.await {
        tracing::debug!(%error, "another replica has to wait for the lease to end");
    }
}

/// Sends what waits, if nobody else does at this moment.
async fn round(app: &App, egress: &Egress, hold: ScimHold<'_>) -> Result<Round, StoreError> {
    let mut view = app.store.read().await?;
    let row = view.connections().get(hold.connection).await?;
    let settings = row.as_ref().and_then(Settings::of);
    let to = settings.and_then(|settings| settings.scim_events);
    let (Some(row), Some(to)) = (row, to) else {
        return Ok(Round::Gone);
    };
    let waiting = view.scim_events().count(hold.connection).await?;
    let sent = view.scim_events().receiver(hold.connection).await?;
    drop(view);
    app.metrics.scim_events_waiting(row.name.as_str(), waiting);
    if let Err(error) = keys::for_events(app).await {
        tracing::error!(%error, "there is no key for SCIM events; trying again");
        return Ok(Round::Wait(LOOK));
    }
    if waiting == 0 {
        return Ok(Round::Idle);
    }
    let now = app.clock.now();
    if sent.is_some_and(|sent| waits(&sent, now)) {
        return Ok(Round::Wait(POLL));
    }
    let mut write = app.store.write().await?;
    let held = write.scim_events().hold(hold, now).await?;
    // As it is now that nobody else sends.
    let batch = write.scim_events().next(hold.connection, AT_ONCE).await?;
    let sent = write.scim_events().receiver(hold.connection).await?;
    write.commit().await?;
    let sent = sent.unwrap_or_default();
    if !held || waits(&sent, now) {
        return Ok(Round::Wait(POLL));
    }
    let sender = Sender {
        app,
        egress,
        hold,
        row: &row,
        to: &to,
    };
    sender.all(batch, sent).await
}

/// Whether it is too early. Nobody waits for what was written by a clock that is ahead.
fn waits(sent: &ScimReceiver, now: Time) -> bool {
    sent.next_at > now && sent.next_at <= now.plus(answer::LONGEST)
}

/// With what a batch is sent.
struct Sender<'a> {
    app: &'a App,
    egress: &'a Egress,
    hold: ScimHold<'a>,
    row: &'a Connection,
    to: &'a Receiver,
}

impl Sender<'_> {
    async fn all(
        &self,
        batch: Vec<ScimEventWaiting>,
        mut sent: ScimReceiver,
    ) -> Result<Round, StoreError> {
        for waiting in batch {
            if self.app.clock.now().since(waiting.event.at) > dropped::AGE {
                dropped::of_connection(self.app, self.hold.connection).await?;
                return Ok(Round::Sent);
            }
            let judged = self.push(&waiting).await;
            let still_ours = self.note(&waiting, &judged, sent.failures).await?;
            if !still_ours || matches!(judged, Judged::Later(..)) {
                return Ok(Round::Wait(POLL));
            }
            sent.failures = 0;
        }
        Ok(Round::Sent)
    }

    /// Pushes one.
    async fn push(&self, waiting: &ScimEventWaiting) -> Judged {
        let later = |why: String| Judged::Later(why, None);
        let request = match self.request(waiting).await {
            Ok(request) => request,
            Err(why) => return later(why),
        };
        match self.egress.exchange(request, Reach::Configured).await {
            Ok(answer) => answer::judge(&answer),
            // Whatever it says besides.
            Err(EgressError::Unread(StatusCode::ACCEPTED)) => Judged::Taken,
            Err(error) => later(answer::shown(&error.to_string())),
        }
    }

    async fn request(&self, waiting: &ScimEventWaiting) -> Result<Request<Bytes>, String> {
        let between = (self.app.issuer.as_str(), self.to.audience());
        let claims = Claims::new(waiting, between).map_err(|error| error.to_string())?;
        let token = self.app.keys.sign_event(claims).await;
        let token = token.map_err(|error| format!("it can't be signed: {error}"))?;
        let mut request = Request::post(self.to.endpoint.as_str())
            .header(CONTENT_TYPE, "application/secevent+jwt")
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, AGENT);
        let header = self.to.authorization(&self.app.master, self.row.id);
        if let Some(header) = header.map_err(|error| error.to_string())? {
            let value = HeaderValue::try_from(header.expose().as_str());
            let mut value = value.map_err(|_| "its authorization is no header".to_owned())?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Bytes::from(token));
        request.map_err(|_| "its endpoint is no URL".to_owned())
    }

    /// Notes what became of one; says whether this process was still the one that sends.
    async fn note(
        &self,
        waiting: &ScimEventWaiting,
        judged: &Judged,
        failures: u32,
    ) -> Result<bool, StoreError> {
        let (app, name) = (self.app, self.row.name.as_str());
        let now = app.clock.now();
        let event = &waiting.event;
        let mut write = app.store.write().await?;
        let mut events = write.scim_events();
        let (noted, result) = match judged {
            Judged::Taken => (
                events.delivered(self.hold, waiting, now).await?,
                Some("delivered"),
            ),
            Judged::Refused(why) => {
                tracing::warn!(connection = name, event = %event.id, why, "a receiver never takes a SCIM event: it is dropped");
                let noted = events.refused(self.hold, (waiting, why), now).await?;
                if noted {
                    let what = Some(format!("{} {}: {why}", event.id, event.subject));
                    let one = (self.hold.connection, Why::Refused);
                    dropped::say(app, &mut write, one, (1, event.at, what)).await?;
                }
                (noted, None)
            }
            Judged::Later(why, after) => {
                let next_at = next_try(now, failures, *after);
                tracing::warn!(connection = name, event = %event.id, why, "a receiver doesn't take SCIM events; trying again");
                (
                    events.failed(self.hold, (why, next_at), now).await?,
                    Some("failed"),
                )
            }
        };
        app.commit(write).await?;
        if let Some(result) = result.filter(|_| noted) {
            app.metrics.scim_events(name, result, 1);
        }
        Ok(noted)
    }
}

/// When it is tried again after so many failures and one more.
fn next_try(now: Time, failures: u32, asked: Option<Duration>) -> Time {
    let doubled = BACKOFF
        .0
        .saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
    now.plus(asked.unwrap_or(Duration::ZERO).max(doubled.min(BACKOFF.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scim_a_receiver_is_asked_less_and_less_often_and_never_forgotten() {
        let now = Time::from_secs(1_800_000_000);
        let after = |failures, asked| next_try(now, failures, asked).since(now).as_secs();
        let wanted = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
        for (failures, wanted) in wanted.into_iter().enumerate() {
            assert_eq!(after(u32::try_from(failures).unwrap(), None), wanted);
        }
        assert_eq!(after(u32::MAX, None), 300);
        assert_eq!(after(0, Some(Duration::from_secs(40))), 40);
        assert_eq!(after(9, Some(Duration::from_secs(40))), 300);
    }
}
