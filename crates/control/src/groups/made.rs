//! A Team for a group that has none.

use aeolus_model::{Action, Change, ConnectionId, OrganizationId, TeamId};
use aeolus_oidc::{Connection, TeamRules};
use aeolus_store::{GroupTeam, ManagedBy, Page, StoreError, Team, Unit as _, Write};

use super::{Line, MOST_OF_CONNECTION, by_group, kept, named, system};
use crate::app::App;
use crate::connections;

/// A group without a Team.
pub(super) struct New<'a> {
    pub(super) id: &'a str,
    pub(super) name: Option<&'a str>,
    /// The tenant.
    pub(super) place: &'a str,
}

/// Where Teams of a connection are made: the organization that is named, else the only one there is.
pub(super) async fn organization(
    write: &mut Write,
    rules: &TeamRules,
) -> Result<Option<OrganizationId>, StoreError> {
    if let Some(name) = rules.organization() {
        let found = write.organizations().by_name(name).await?;
        return Ok(found.map(|found| found.id));
    }
    let all = write.organizations().list(Page::first(2)).await?;
    Ok(match all.items.as_slice() {
        [only] if all.next.is_none() => Some(only.id),
        _ => None,
    })
}

/// The connection as it is stored, whatever it was when the sign-in began: another replica may have changed its rules
/// meanwhile, and settled by them what its Teams hold. None if it is none any more.
async fn of_now(
    app: &App,
    write: &mut Write,
    connection: ConnectionId,
) -> Result<Option<Connection>, StoreError> {
    let row = write.connections().get(connection).await?;
    let sign_in = row.and_then(|row| connections::sign_in(app, &row));
    Ok(sign_in.map(|sign_in| sign_in.connection))
}

/// Makes Teams for groups. Somebody else may have been faster: what they made is the Team. Those for which there is
/// no room, or no organization, are missing in what is returned.
pub(super) async fn make(
    app: &App,
    write: &mut Write,
    connection: ConnectionId,
    groups: &[New<'_>],
    line: Line<'_>,
) -> Result<Vec<GroupTeam>, StoreError> {
    let mut all = Vec::new();
    if groups.is_empty() {
        return Ok(all);
    }
    write.group_teams().hold(connection).await?;
    let Some(provider) = of_now(app, write, connection).await? else {
        return Ok(all);
    };
    let Some(rules) = provider.teams() else {
        return Ok(all);
    };
    let Some(organization) = organization(write, rules).await? else {
        tracing::warn!(
            %connection,
            "no Teams are made of a connection's groups: set teams.organization to the organization that they are in"
        );
        return Ok(all);
    };
    write.organizations().lock(organization).await?;
    let mut there = write.group_teams().count(connection).await?;
    for group in groups {
        if let Some(found) = by_group(write, connection, group.id).await? {
            all.push(found);
            continue;
        }
        if there >= MOST_OF_CONNECTION {
            tracing::warn!(%connection, "a connection has as many Teams as it may: filter its groups");
            break;
        }
        there += 1;
        let name = group.name.unwrap_or(group.id);
        let name = named::free(write, organization, (connection, group.id), name).await?;
        let team = Team {
            id: TeamId::new(&*app.clock, &*app.rng),
            organization,
            name,
            description: String::new(),
            managed_by: ManagedBy::Configuration,
            revision: 0,
        };
        write.teams().insert(&team).await?;
        let made = GroupTeam {
            team: team.id,
            connection,
            group: group.id.to_owned(),
            place: group.place.to_owned(),
            name: group.name.map(str::to_owned),
            by_id: group.name.is_none(),
            gone_at: None,
        };
        write.group_teams().insert(&made).await?;
        let changes = vec![
            Change::to("name", team.name.to_string()),
            Change::to("connection", connection.to_string()),
            Change::to("group", group.id),
        ];
        write.audit(kept::about(line(Action::TeamCreate), &team, changes));
        let with = (&*app.clock, &*app.rng);
        system::settle(write, with, (&made, Some(rules)), line).await?;
        all.push(made);
    }
    Ok(all)
}
