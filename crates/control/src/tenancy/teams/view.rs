//! Teams and who is in them, as they travel; and who may see that.

use aeolus_api::team::TeamMember;
use aeolus_api::tenancy::TeamGroup;
use aeolus_model::{OrganizationId, Permission, Resource, Slug, Subject, TeamId, Time};
use aeolus_store::{GrantRecord, ManagedBy, Member, Team, Unit};

use super::{Found, Group, find};
use crate::authority::{Authority, organization_path, path_within};
use crate::error::ApiError;

/// A team.
pub(super) async fn team(
    unit: &mut impl Unit,
    team: Team,
    group: &Group,
) -> Result<aeolus_api::tenancy::Team, ApiError> {
    let connection = match group {
        Group::None => None,
        Group::SignIn(group) => unit.connections().get(group.connection).await?,
        Group::Scim(group) => unit.connections().get(group.connection).await?,
    };
    Ok(aeolus_api::tenancy::Team {
        id: team.id,
        organization_id: team.organization,
        name: team.name,
        description: team.description,
        in_document: team.managed_by == ManagedBy::Apply,
        group: connection.and_then(|connection| shown(group, connection.name)),
    })
}

fn shown(group: &Group, connection: Slug) -> Option<TeamGroup> {
    match group {
        Group::None => None,
        Group::SignIn(group) => Some(TeamGroup {
            connection,
            id: group.group.clone(),
            name: group.name.clone(),
            gone_at: group.gone_at.map(Time::secs),
            provisioned: false,
        }),
        Group::Scim(group) => Some(TeamGroup {
            connection,
            id: group
                .external_id
                .clone()
                .unwrap_or_else(|| group.team.to_string()),
            name: Some(group.display_name.clone()),
            gone_at: None,
            provisioned: true,
        }),
    }
}

/// Those who are in one. Whoever was added to the organization by their address and hasn't come yet is called
/// what they were called then, and nothing is told of their account (A1).
pub(super) async fn members(
    unit: &mut impl Unit,
    organization: OrganizationId,
    members: Vec<Member>,
) -> Result<Vec<TeamMember>, ApiError> {
    let mut shown = Vec::new();
    for member in members {
        let Some(user) = unit.users().get(member.user).await? else {
            continue;
        };
        let introduced = unit.introductions().name(organization, user.id).await?;
        shown.push(TeamMember {
            id: user.id,
            email: user.email,
            disabled: user.disabled_at.is_some() && introduced.is_none(),
            name: introduced.unwrap_or(user.name),
            in_document: member.managed_by == ManagedBy::Apply,
        });
    }
    Ok(shown)
}

/// What of a team somebody may see beside that there is one.
pub(super) struct Sight {
    /// Whether that is who is in it.
    pub(super) members: bool,
    /// What it has, as far as they may see that.
    pub(super) roles: Vec<GrantRecord>,
}

/// Whoever sees the organization's people and their roles sees all; whoever sees teams at a workspace or deployment
/// (rows F2 and F5) what the team has there, and who comes by it.
async fn sight(
    unit: &mut impl Unit,
    (authority, organization): (&Authority, OrganizationId),
    team: TeamId,
) -> Result<Sight, ApiError> {
    let held = unit.grants().of(Subject::Team(team)).await?;
    let path = organization_path(organization);
    if authority.may(Permission::OrganizationUsersGet, &path) {
        return Ok(Sight {
            members: true,
            roles: held,
        });
    }
    let mut roles = Vec::new();
    for record in held {
        let permission = match record.grant.resource {
            Resource::Workspace(_) => Permission::WorkspaceTeamsGet,
            Resource::Deployment(_) => Permission::DeploymentTeamsGet,
            Resource::System | Resource::Organization(_) => continue,
        };
        let path = path_within(unit, organization, record.grant.resource).await?;
        if path.is_some_and(|path| authority.may(permission, &path)) {
            roles.push(record);
        }
    }
    Ok(Sight {
        members: !roles.is_empty(),
        roles,
    })
}

/// A team by id or name, with what somebody may see of it. Whoever sees nothing of it doesn't learn either whether
/// there is such a team.
pub(super) async fn seen(
    unit: &mut impl Unit,
    (authority, organization): (&Authority, OrganizationId),
    text: &str,
) -> Result<(Found, Sight), ApiError> {
    let path = organization_path(organization);
    let all = authority.require(Permission::OrganizationTeamsGet, &path);
    let found = match (find(unit, organization, text).await, all.is_ok()) {
        (Ok(found), _) => found,
        (Err(ApiError::NotFound(_)), false) => {
            return Err(all.err().unwrap_or(ApiError::NotFound("team")));
        }
        (Err(error), _) => return Err(error),
    };
    let sight = sight(unit, (authority, organization), found.team.id).await?;
    if !sight.members {
        all?;
    }
    Ok((found, sight))
}
