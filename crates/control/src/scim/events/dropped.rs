//! What no receiver gets: what has waited too long, what there is no room for, and what waits for nobody.

use std::time::Duration;

use aeolus_model::{Action, AuditEvent, Change, ConnectionId, Outcome, Time};
use aeolus_store::{StoreError, Unit as _, Write};

use super::receiver;
use crate::app::App;

/// So long an event waits.
pub(super) const AGE: Duration = Duration::from_secs(7 * 86_400);
/// So many events of a connection wait.
const MOST: u64 = 100_000;

/// Why they were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Expired,
    Full,
    NoReceiver,
    Refused,
}

impl Why {
    const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Full => "full",
            Self::NoReceiver => "no_receiver",
            Self::Refused => "refused",
        }
    }
}

/// Drops what nobody gets any more, of every connection.
pub(crate) async fn drop_what_is_old(app: &App) -> Result<(), StoreError> {
    let mut view = app.store.read().await?;
    let connections = view.scim_events().connections().await?;
    drop(view);
    for connection in connections {
        of_connection(app, connection).await?;
    }
    Ok(())
}

/// The same of one.
pub(super) async fn of_connection(app: &App, connection: ConnectionId) -> Result<(), StoreError> {
    let before = app.clock.now().minus(AGE);
    let mut write = app.store.write().await?;
    let told = receiver(&mut write, connection).await?.is_some();
    let mut events = write.scim_events();
    events.alone(connection).await?;
    let dropped = if told {
        let expired = events.drop_older(connection, before).await?;
        let full = events.drop_beyond(connection, MOST).await?;
        [(Why::Expired, expired), (Why::Full, full)]
    } else {
        let none = events.drop_beyond(connection, 0).await?;
        [(Why::NoReceiver, none), (Why::Full, None)]
    };
    let mut count = 0;
    for (why, dropped) in dropped {
        if let Some((events, since)) = dropped {
            say(app, &mut write, (connection, why), (events, since, None)).await?;
            count += events;
        }
    }
    app.commit(write).await?;
    if count > 0 {
        tracing::warn!(%connection, count, "SCIM events were dropped; the audit log says why");
    }
    Ok(())
}

/// Says it in the audit log: of which connection how many, since when the oldest waited, and which one where it is one.
pub(super) async fn say(
    app: &App,
    write: &mut Write,
    (connection, why): (ConnectionId, Why),
    (count, since, what): (u64, Time, Option<String>),
) -> Result<(), StoreError> {
    let row = write.connections().get(connection).await?;
    let name = row.map_or_else(|| connection.to_string(), |row| row.name.to_string());
    app.metrics.scim_events(&name, "dropped", count);
    let mut changes = vec![
        Change::from("events", count.to_string()),
        Change::from("since", since.secs().to_string()),
    ];
    changes.extend(what.map(|what| Change::from("event", what)));
    write.audit(AuditEvent {
        target: name,
        outcome: Outcome::Failure,
        reason: why.name().to_owned(),
        changes,
        ..AuditEvent::of_system(app.clock.now(), Action::ScimEventsDrop)
    });
    Ok(())
}
