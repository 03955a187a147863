//! Teams of an organization. Who is in one of a group's is the provider's to say (note 029).

mod delete;
mod list;
mod set;

pub(crate) use delete::delete;
pub(crate) use list::list;
pub(crate) use set::set;

use aeolus_api::tenancy::TeamGroup;
use aeolus_model::OrganizationId;
use aeolus_store::{GroupTeam, Team, Unit};

use crate::error::ApiError;

/// A team by id or name, with the group that it stands for.
async fn find(
    unit: &mut impl Unit,
    organization: OrganizationId,
    text: &str,
) -> Result<(Team, GroupTeam), ApiError> {
    let found = match text.parse() {
        Ok(id) => unit.teams().get(id).await?,
        Err(_) => match text.parse() {
            Ok(name) => unit.teams().by_name(organization, &name).await?,
            Err(_) => None,
        },
    };
    let found = found.filter(|team| team.organization == organization);
    let team = found.ok_or(ApiError::NotFound("team"))?;
    match unit.group_teams().get(team.id).await? {
        Some(group) => Ok((team, group)),
        None => Err(ApiError::Conflict(format!(
            "{} stands for no group of an identity provider: change it in the fleet document that has it.",
            team.name
        ))),
    }
}

async fn shown(
    unit: &mut impl Unit,
    team: Team,
    group: Option<&GroupTeam>,
) -> Result<aeolus_api::tenancy::Team, ApiError> {
    let connection = match group {
        Some(group) => unit.connections().get(group.connection).await?,
        None => None,
    };
    Ok(aeolus_api::tenancy::Team {
        id: team.id,
        organization_id: team.organization,
        name: team.name,
        group: group.zip(connection).map(|(group, connection)| TeamGroup {
            connection: connection.name,
            id: group.group.clone(),
            name: group.name.clone(),
            gone_at: group.gone_at.map(aeolus_model::Time::secs),
        }),
    })
}
