//! The group that a team stands for: who says who is in it.

use aeolus_model::{ConnectionId, Slug, TeamId};
use aeolus_store::{GroupTeam, ScimGroup, StoreError, Unit};

use crate::connections::Settings;
use crate::error::ApiError;

/// Whose word it is who is in a team.
pub(in crate::tenancy) enum Group {
    /// The organization's own.
    None,
    /// That of a provider at people's sign-ins, and on its schedule (note 029).
    SignIn(GroupTeam),
    /// That of a provider's provisioning client (note 033).
    Scim(ScimGroup),
}

impl Group {
    /// Of a team.
    pub(in crate::tenancy) async fn of(
        unit: &mut impl Unit,
        team: TeamId,
    ) -> Result<Self, StoreError> {
        if let Some(group) = unit.group_teams().get(team).await? {
            return Ok(Self::SignIn(group));
        }
        let scim = unit.scim_groups().of_team(team).await?;
        Ok(scim.map_or(Self::None, Self::Scim))
    }

    /// Refuses to say who is in the team where a provider does.
    pub(in crate::tenancy) async fn refuse_members(
        &self,
        unit: &mut impl Unit,
        team: &Slug,
    ) -> Result<(), ApiError> {
        match self {
            Self::None => Ok(()),
            Self::SignIn(group) => {
                let connection = name(unit, group.connection).await?;
                Err(ApiError::Conflict(format!(
                    "Who is in {team} is said by the group {} of {connection}: change the group there.",
                    group.group
                )))
            }
            Self::Scim(group) => {
                let Some(connection) = provisions(unit, group).await? else {
                    return Ok(());
                };
                Err(ApiError::Provisioned(format!(
                    "Who is in {team} is said by the group {:?} of {connection}.",
                    group.display_name
                )))
            }
        }
    }

    /// Refuses to rename or delete the team where a provisioning client made it.
    pub(in crate::tenancy) async fn refuse_provisioned(
        &self,
        unit: &mut impl Unit,
        team: &Slug,
    ) -> Result<(), ApiError> {
        let Self::Scim(group) = self else {
            return Ok(());
        };
        let Some(connection) = provisions(unit, group).await? else {
            return Ok(());
        };
        Err(ApiError::Provisioned(format!(
            "{team} is the group {:?} of {connection}, which makes and removes it.",
            group.display_name
        )))
    }
}

/// The connection whose client says who is in a group; none where nobody does any more, because the connection has left
/// the configuration, or has nothing left that a client could show.
async fn provisions(unit: &mut impl Unit, group: &ScimGroup) -> Result<Option<Slug>, StoreError> {
    let Some(row) = unit.connections().get(group.connection).await? else {
        return Ok(None);
    };
    // Of what can't be read nobody knows that it is over.
    if let Some(settings) = Settings::of(&row) {
        let over = settings.has_left()
            || settings.scim_code.is_none()
                && unit.scim_credentials().list(row.id).await?.is_empty();
        if over {
            return Ok(None);
        }
    }
    Ok(Some(row.name))
}

async fn name(unit: &mut impl Unit, connection: ConnectionId) -> Result<String, StoreError> {
    let row = unit.connections().get(connection).await?;
    Ok(row.map_or_else(String::new, |row| row.name.to_string()))
}
