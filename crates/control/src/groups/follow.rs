//! What a sign-in says of somebody's groups.

use std::collections::BTreeMap;

use aeolus_model::{Action, Actor, AuditEvent, Change, ConnectionId, TeamId, UserId};
use aeolus_store::{ManagedBy, Member, StoreError, Unit as _, Write};

use super::{Line, Said};
use crate::app::App;
use crate::ctx::RequestInfo;

/// Lets somebody be in the Teams of a connection that the provider says, and in no others of it. What it doesn't
/// say for sure takes nobody out, and confirms nobody. Their record is held.
pub(crate) async fn follow(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (said, user): (&Said, UserId),
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let of = (said.connection, user);
    let held = write.group_teams().of_member(said.connection, user).await?;
    let mut changes = BTreeMap::new();
    for team in &said.teams {
        let new = Member {
            team: team.team,
            user,
            managed_by: ManagedBy::Configuration,
        };
        if write.teams().add(&new).await? {
            changes.insert(team.team, true);
            if let Some(team) = write.teams().get(team.team).await? {
                // Whoever comes with a group is meant, although they were shown out once.
                let mut groups = write.group_teams();
                groups.come_back(team.organization, user).await?;
            }
        }
        if !said.whole {
            write.group_teams().confirm((team.team, user), now).await?;
        }
    }
    for team in &held {
        let stays = !said.whole || said.teams.iter().any(|there| there.team == team.team);
        if !stays && write.teams().remove(team.team, user).await? {
            changes.insert(team.team, false);
        }
    }
    if said.whole && !said.teams.is_empty() {
        write.group_teams().confirm_all(of, now).await?;
    }
    if !changes.is_empty() {
        let line = info.event(app, Actor::System, Action::TeamMembers);
        let event = changed(write, line, user, &changes).await?;
        write.audit(event);
    }
    Ok(())
}

/// Takes somebody out of all Teams of a connection: it knows them no more, so nobody would say when they leave
/// a group.
pub(crate) async fn leave(
    write: &mut Write,
    (connection, user): (ConnectionId, UserId),
    line: Line<'_>,
) -> Result<(), StoreError> {
    let mut changes = BTreeMap::new();
    for team in write.group_teams().of_member(connection, user).await? {
        if write.teams().remove(team.team, user).await? {
            changes.insert(team.team, false);
        }
    }
    if !changes.is_empty() {
        let event = changed(write, line(Action::TeamMembers), user, &changes).await?;
        write.audit(event);
    }
    Ok(())
}

/// Who is in which Teams from now on, and in which no more.
pub(super) async fn changed(
    write: &mut Write,
    line: AuditEvent,
    user: UserId,
    changes: &BTreeMap<TeamId, bool>,
) -> Result<AuditEvent, StoreError> {
    let mut event = AuditEvent {
        target: user.to_string(),
        ..line
    };
    for (team, is_in) in changes {
        let Some(team) = write.teams().get(*team).await? else {
            continue;
        };
        event.organization = Some(team.organization);
        let name = team.name.to_string();
        event.changes.push(if *is_in {
            Change::to("team", name)
        } else {
            Change::from("team", name)
        });
    }
    Ok(event)
}
