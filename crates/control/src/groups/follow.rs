//! What a sign-in says of somebody's groups.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::{Action, AuditEvent, Change, ConnectionId, TeamId, UserId};
use aeolus_oidc::{Connection, GroupList, Groups, Identity, SubjectClaim, TeamRules};
use aeolus_store::{GroupTeam, ManagedBy, StoreError, Unit, Write};

use super::made::{self, New};
use super::{Line, MOST_OF_PERSON, kept};
use crate::app::App;
use crate::ctx::RequestInfo;

/// Somebody, at one connection.
pub(crate) struct Member<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) provider: &'a Connection,
    pub(crate) identity: &'a Identity,
    pub(crate) user: UserId,
}

/// Lets somebody be in the Teams of a connection that the provider says, and in no others of it. What it doesn't
/// say for sure takes nobody out.
pub(crate) async fn follow(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    member: &Member<'_>,
) -> Result<(), StoreError> {
    let (Some(rules), Groups::Listed(list)) = (member.provider.teams(), &member.identity.groups)
    else {
        return Ok(());
    };
    let line = |action| AuditEvent {
        source: info.source.clone(),
        request_id: info.id.clone(),
        ..AuditEvent::of_system(app.clock.now(), action)
    };
    let (wanted, whole) = counted(rules, list);
    let held = write
        .group_teams()
        .of_member(member.connection, member.user)
        .await?;
    let teams = teams(app, write, (member, rules), &wanted, &line).await?;
    let mut changes = BTreeMap::new();
    for team in &teams {
        let new = aeolus_store::Member {
            team: team.team,
            user: member.user,
            managed_by: ManagedBy::Configuration,
        };
        if write.teams().add(&new).await? {
            changes.insert(team.team, true);
        }
    }
    for team in &held {
        let stays = !whole || teams.iter().any(|there| there.team == team.team);
        if !stays && write.teams().remove(team.team, member.user).await? {
            changes.insert(team.team, false);
        }
    }
    if !changes.is_empty() {
        let event = changed(write, line(Action::TeamMembers), member.user, &changes).await?;
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

/// What a provider should be asked beside its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing.
    None,
    /// What the groups are called: it names one by its id that nobody knows here.
    Names,
    /// Which groups there are.
    Groups,
    /// Which of these the person is still in: it doesn't say.
    Still(BTreeSet<String>),
}

/// What is missing in what a provider says of somebody's groups.
pub(crate) async fn news(
    unit: &mut impl Unit,
    (connection, provider): (ConnectionId, &Connection),
    identity: &Identity,
) -> Result<News, StoreError> {
    let Some(rules) = provider.teams() else {
        return Ok(News::None);
    };
    let list = match &identity.groups {
        Groups::AskGraph => return Ok(News::Groups),
        Groups::Unknown => {
            let mut links = unit.identities();
            let link = links
                .find(connection, &identity.issuer, &identity.subject)
                .await?;
            let Some(link) = link else {
                return Ok(News::None);
            };
            let held = unit.group_teams().of_member(connection, link.user).await?;
            let held: BTreeSet<String> = held.into_iter().map(|team| team.group).collect();
            return Ok(if held.is_empty() {
                News::None
            } else {
                News::Still(held)
            });
        }
        Groups::Listed(list) => list,
    };
    for (id, name) in counted(rules, list).0 {
        let mut groups = unit.group_teams();
        if name.is_none() && groups.by_group(connection, id).await?.is_none() {
            return Ok(News::Names);
        }
    }
    Ok(News::None)
}

/// Those that become Teams, and whether that is all of them.
fn counted<'l>(rules: &TeamRules, list: &'l GroupList) -> (Vec<(&'l str, Option<&'l str>)>, bool) {
    let taken = list.iter().filter(|(id, name)| rules.take(id, *name));
    let mut wanted: Vec<_> = taken.take(MOST_OF_PERSON + 1).collect();
    let whole = list.is_whole() && wanted.len() <= MOST_OF_PERSON;
    wanted.truncate(MOST_OF_PERSON);
    (wanted, whole)
}

async fn teams(
    app: &App,
    write: &mut Write,
    (member, rules): (&Member<'_>, &TeamRules),
    wanted: &[(&str, Option<&str>)],
    line: Line<'_>,
) -> Result<Vec<GroupTeam>, StoreError> {
    let subject = member.identity.subject.as_str();
    let tenants = member.provider.profile().subject == SubjectClaim::TidOid;
    let place = subject.split_once('/').filter(|_| tenants);
    let place = place.map_or("", |(tenant, _)| tenant);
    let (mut teams, mut missing) = (Vec::new(), Vec::new());
    for (id, name) in wanted {
        let mut groups = write.group_teams();
        match groups.by_group(member.connection, id).await? {
            Some(found) => {
                let known = kept::there(write, found, *name, line).await?;
                // The name may be one that only the schedule has learnt.
                if rules.take(id, known.name.as_deref()) {
                    teams.push(known);
                }
            }
            None => missing.push(New {
                id,
                name: *name,
                place,
            }),
        }
    }
    let by = (member.connection, rules);
    teams.extend(made::make(app, write, by, &missing, line).await?);
    Ok(teams)
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
