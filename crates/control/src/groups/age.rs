//! How long a provider's word counts that somebody is in a group. Who signs in another way, and is in the group no
//! more, would keep the Team for good.

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_model::{Action, Actor, AuditEvent, ConnectionId, Time, UserId};
use aeolus_oidc::TeamSettings;
use aeolus_store::{Connection, StoreError, Unit as _, Write};

use super::{Line, follow};
use crate::app::App;
use crate::connections::Settings;
use crate::ctx::RequestInfo;

/// What the audit log says of a membership that ends so.
const REASON: &str = "not_confirmed";
/// People looked for at a time.
const AT_ONCE: u32 = 200;
/// A round notes no confirmation that is newer than this part of what it counts for: each is a write.
const PARTS: u32 = 30;

/// Since when nobody need be confirmed again by a round.
pub(super) fn recent(now: Time, within: Duration) -> Time {
    now.minus(within / PARTS)
}

/// Ends the memberships of somebody who signs in that nobody has confirmed for too long. Their record is held.
pub(crate) async fn end_stale(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    user: UserId,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let line = |action| info.event(app, Actor::System, action);
    for connection in write.group_teams().connections_of(user).await? {
        let Some(row) = write.connections().get(connection).await? else {
            continue;
        };
        end(write, (connection, user), stale_before(&row, now), &line).await?;
    }
    Ok(())
}

/// The same of everybody. Replicas that do it at once end each membership once.
pub(crate) async fn end_all_stale(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut write = app.store.write().await?;
    write.group_teams().begin_ages(now).await?;
    app.commit(write).await?;
    let mut view = app.store.read().await?;
    let rows = view.connections().list().await?;
    drop(view);
    let line = |action| AuditEvent::of_system(now, action);
    for row in &rows {
        let before = stale_before(row, now);
        loop {
            let mut view = app.store.read().await?;
            let found = view.group_teams().stale(row.id, before, AT_ONCE).await?;
            drop(view);
            for user in &found {
                let mut write = app.store.write().await?;
                write.users().hold(*user).await?;
                end(&mut write, (row.id, *user), before, &line).await?;
                app.commit(write).await?;
            }
            if found.len() < AT_ONCE as usize {
                break;
            }
        }
    }
    Ok(())
}

/// A connection that imports groups no more confirms nothing, either.
fn stale_before(row: &Connection, now: Time) -> Time {
    let settings = Settings::of(row).and_then(|settings| settings.sign_in.teams);
    let within = settings.as_ref().map(TeamSettings::confirm_within);
    now.minus(within.unwrap_or_else(|| TeamSettings::default().confirm_within()))
}

async fn end(
    write: &mut Write,
    (connection, user): (ConnectionId, UserId),
    before: Time,
    line: Line<'_>,
) -> Result<(), StoreError> {
    let of = (connection, user);
    let mut changes = BTreeMap::new();
    for team in write.group_teams().stale_of(of, before).await? {
        if write.teams().remove(team, user).await? {
            changes.insert(team, false);
        }
    }
    if !changes.is_empty() {
        let event = AuditEvent {
            reason: REASON.to_owned(),
            ..line(Action::TeamMembers)
        };
        let event = follow::changed(write, event, user, &changes).await?;
        write.audit(event);
    }
    Ok(())
}
