//! Teams that provisioning clients made: the groups of their connections (note 033).

use aeolus_model::{ConnectionId, OrganizationId, TeamId, Time, UserId};

use super::{fits, grants};
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};
use crate::{Step, StoreError};

macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT team, connection, display_name, name_key, external_id, made_as, tree, version,
            created_at, changed_at FROM scim_groups ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE team = $1");
    BY_NAME = "SELECT team FROM scim_groups WHERE connection = $1 AND name_key = $2";
    BY_EXTERNAL = "SELECT team FROM scim_groups WHERE connection = $1 AND external_id = $2";
    OF_MEMBER = "SELECT scim_groups.team FROM team_members CROSS JOIN scim_groups
        WHERE scim_groups.connection = $1 AND scim_groups.team = team_members.team AND team_members.member = $2";
    SOME = ids!(select!("WHERE connection = $2 AND team IN (SELECT id FROM ids)"));
    WALK = select!("WHERE connection = $1 AND name_key > $2 ORDER BY name_key LIMIT $3");
    WALK_SIZES = "SELECT CAST(octet_length(tree) AS BIGINT) FROM scim_groups
        WHERE connection = $1 AND name_key > $2 ORDER BY name_key LIMIT $3";
    SKIP = select!("WHERE connection = $1 ORDER BY name_key LIMIT $2 OFFSET $3");
    SKIP_SIZES = "SELECT CAST(octet_length(tree) AS BIGINT) FROM scim_groups
        WHERE connection = $1 ORDER BY name_key LIMIT $2 OFFSET $3";
    IN_ORGANIZATION = select!("WHERE team IN (SELECT id FROM teams WHERE organization = $1)
        ORDER BY team");
    COUNT = "SELECT COUNT(*) FROM scim_groups WHERE connection = $1";
    OWNS = "SELECT 1 FROM scim_groups WHERE connection = $1
        AND (external_id = $2 OR name_key = $3 OR name_key = $4) LIMIT 1";
    INSERT = "INSERT INTO scim_groups (team, connection, display_name, name_key, external_id,
        made_as, tree, version, created_at, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)";
    HOLD = "UPDATE scim_groups SET version = version WHERE team = $1 AND connection = $2";
    UPDATE = "UPDATE scim_groups SET display_name = $2, name_key = $3, external_id = $4, tree = $5,
        version = version + 1, changed_at = $6 WHERE team = $1 AND version = $7";
    TOUCH = "UPDATE scim_groups SET version = version + 1, changed_at = $2 WHERE team = $1";
    EMPTY = "SELECT team FROM scim_groups WHERE connection = $1
        AND NOT EXISTS (SELECT 1 FROM team_members WHERE team_members.team = scim_groups.team)";
    FREE_TEAMS = "UPDATE teams SET managed_by = 'api', revision = revision + 1
        WHERE id IN (SELECT team FROM scim_groups WHERE connection = $1)";
    FREE_MEMBERS = "UPDATE team_members SET managed_by = 'api'
        WHERE team IN (SELECT team FROM scim_groups WHERE connection = $1)";
    FREE_GRANTS = "UPDATE grants SET managed_by = 'api' WHERE subject_kind = 'team'
        AND subject IN (SELECT team FROM scim_groups WHERE connection = $1)";
    UNLINK = "DELETE FROM scim_groups WHERE connection = $1";
    DELETE_TEAM = "DELETE FROM teams WHERE id = $1";
}

/// That a team is a group of a provisioning client. The group's id there is the team's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimGroup {
    /// The team, and the id.
    pub team: TeamId,
    /// Whose client made it; never changes.
    pub connection: ConnectionId,
    /// What it is called there, as it was sent.
    pub display_name: String,
    /// The same without regard to case, unique in the connection.
    pub name_key: String,
    /// The client's own id of it. Not unique.
    pub external_id: Option<String>,
    /// What it was called when it was made; never changes.
    pub made_as: String,
    /// What the client keeps of it, but who is in it, as JSON.
    pub tree: String,
    /// Rises with every change of it or of who is in it. Ignored by `insert`.
    pub version: u64,
    /// Since when.
    pub created_at: Time,
    /// When it last changed. Ignored by `insert`.
    pub changed_at: Time,
}

/// By what groups of a connection are found through an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScimGroupKey {
    /// By id.
    Id(TeamId),
    /// By name, folded.
    Name(String),
    /// By the client's own id.
    External(String),
    /// By somebody who is in them.
    Member(UserId),
}

/// Groups of provisioning clients.
#[derive(Debug)]
pub struct ScimGroups<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> ScimGroups<'_, U> {
    /// Which group a team is; none for one that no client made.
    pub async fn of_team(&mut self, team: TeamId) -> Result<Option<ScimGroup>, StoreError> {
        let row = self.0.tx().first(GET, bind![team]).await?;
        row.as_ref().map(record).transpose()
    }

    /// One of a connection, by id.
    pub async fn get(
        &mut self,
        connection: ConnectionId,
        team: TeamId,
    ) -> Result<Option<ScimGroup>, StoreError> {
        let found = self.of_team(team).await?;
        Ok(found.filter(|found| found.connection == connection))
    }

    /// Those of a connection that have a key: by their ids, because what a client wrote of them may be large.
    pub async fn find(
        &mut self,
        connection: ConnectionId,
        key: &ScimGroupKey,
    ) -> Result<Vec<TeamId>, StoreError> {
        let (sql, values) = match key {
            ScimGroupKey::Id(team) => {
                let found = self.get(connection, *team).await?;
                return Ok(found.into_iter().map(|found| found.team).collect());
            }
            ScimGroupKey::Name(name) => (BY_NAME, bind![connection, name]),
            ScimGroupKey::External(id) => (BY_EXTERNAL, bind![connection, id]),
            ScimGroupKey::Member(user) => (OF_MEMBER, bind![connection, user]),
        };
        let rows = self.0.tx().fetch(sql, values).await?;
        rows.iter().map(Row::only).collect()
    }

    /// Those of these teams, up to 500, that are groups of the connection, in the order of their names. They are ordered here,
    /// because SQLite would go through all groups in that order instead.
    pub async fn some(
        &mut self,
        connection: ConnectionId,
        teams: &[TeamId],
    ) -> Result<Vec<ScimGroup>, StoreError> {
        let ids: Vec<u8> = teams.iter().flat_map(|id| *id.as_bytes()).collect();
        let mut found = self.all(SOME, bind![ids, connection]).await?;
        found.sort_by(|one, other| one.name_key.cmp(&other.name_key));
        Ok(found)
    }

    /// The next ones of a connection after a name, in the order of their names; none after the last.
    pub async fn walk(
        &mut self,
        connection: ConnectionId,
        after: &str,
        step: Step,
    ) -> Result<Vec<ScimGroup>, StoreError> {
        let values = bind![connection, after, step.rows];
        let sizes = self.0.tx().fetch(WALK_SIZES, values).await?;
        let values = bind![connection, after, fits(step, &sizes)?];
        self.all(WALK, values).await
    }

    /// The next ones of a connection from a place on, in the order of their names; none behind the last.
    pub async fn skip(
        &mut self,
        connection: ConnectionId,
        offset: u64,
        step: Step,
    ) -> Result<Vec<ScimGroup>, StoreError> {
        let values = bind![connection, step.rows, offset];
        let sizes = self.0.tx().fetch(SKIP_SIZES, values).await?;
        let values = bind![connection, fits(step, &sizes)?, offset];
        self.all(SKIP, values).await
    }

    /// Those that are teams of an organization.
    pub async fn in_organization(
        &mut self,
        organization: OrganizationId,
    ) -> Result<Vec<ScimGroup>, StoreError> {
        self.all(IN_ORGANIZATION, bind![organization]).await
    }

    /// How many a connection has.
    pub async fn count(&mut self, connection: ConnectionId) -> Result<u64, StoreError> {
        let row = self.0.tx().first(COUNT, bind![connection]).await?;
        row.map_or(Ok(0), |row| row.only())
    }

    /// Whether a client made the group that a sign-in through the connection names by an id, and maybe by a name: one with
    /// that id of its own, or of one of these names, folded.
    pub async fn owns(
        &mut self,
        connection: ConnectionId,
        id: &str,
        keys: [&str; 2],
    ) -> Result<bool, StoreError> {
        let values = bind![connection, id, keys[0], keys[1]];
        Ok(self.0.tx().first(OWNS, values).await?.is_some())
    }

    async fn all(
        &mut self,
        sql: &'static str,
        values: Vec<crate::engine::Value>,
    ) -> Result<Vec<ScimGroup>, StoreError> {
        let rows = self.0.tx().fetch(sql, values).await?;
        rows.iter().map(record).collect()
    }
}

impl ScimGroups<'_, Write> {
    /// Notes that a team is a group; [`crate::Taken::ScimGroup`] if the connection has one of this name. Names and versions
    /// are in no snapshot, so the feed moves only for what is audited.
    pub async fn insert(&mut self, new: &ScimGroup) -> Result<(), StoreError> {
        let values = bind![
            new.team,
            new.connection,
            new.display_name,
            new.name_key,
            new.external_id,
            new.made_as,
            new.tree,
            new.created_at
        ];
        taken!(self.0.note(INSERT, values).await, ScimGroup).map(|_| ())
    }

    /// One of a connection, as it is until this transaction ends: whoever else changes it, or who is in it, waits.
    pub async fn hold(
        &mut self,
        connection: ConnectionId,
        team: TeamId,
    ) -> Result<Option<ScimGroup>, StoreError> {
        self.0.note(HOLD, bind![team, connection]).await?;
        self.get(connection, team).await
    }

    /// Stores another name, id or tree; [`StoreError::Conflict`] if it isn't the version that was read,
    /// [`crate::Taken::ScimGroup`] if another group has the name. Returns the version that it has now.
    pub async fn update(&mut self, changed: &ScimGroup, now: Time) -> Result<u64, StoreError> {
        let ScimGroup {
            team,
            display_name,
            name_key,
            external_id,
            tree,
            version,
            ..
        } = changed;
        let values = bind![
            team,
            display_name,
            name_key,
            external_id,
            tree,
            now,
            version
        ];
        match taken!(self.0.note(UPDATE, values).await, ScimGroup)? {
            0 => Err(StoreError::Conflict),
            _ => Ok(version + 1),
        }
    }

    /// Lets it have another version: others are in it.
    pub async fn touch(&mut self, team: TeamId, now: Time) -> Result<(), StoreError> {
        self.0.note(TOUCH, bind![team, now]).await.map(|_| ())
    }

    /// The client says no more who is in these teams: those in which nobody is are removed with their roles, the others are
    /// ordinary ones from now on. Returns which were removed.
    pub async fn unlink(&mut self, connection: ConnectionId) -> Result<Vec<TeamId>, StoreError> {
        let rows = self.0.tx().fetch(EMPTY, bind![connection]).await?;
        let empty: Vec<TeamId> = rows.iter().map(Row::only).collect::<Result<_, _>>()?;
        for team in &empty {
            grants::delete_of(self.0, aeolus_model::Subject::Team(*team)).await?;
            self.0.change(DELETE_TEAM, bind![*team]).await?;
        }
        for sql in [FREE_TEAMS, FREE_MEMBERS, FREE_GRANTS, UNLINK] {
            self.0.note(sql, bind![connection]).await?;
        }
        Ok(empty)
    }
}

fn record(row: &Row) -> Result<ScimGroup, StoreError> {
    let mut fields = row.fields();
    Ok(ScimGroup {
        team: fields.take()?,
        connection: fields.take()?,
        display_name: fields.take()?,
        name_key: fields.take()?,
        external_id: fields.maybe()?,
        made_as: fields.take()?,
        tree: fields.take()?,
        version: fields.take()?,
        created_at: fields.take()?,
        changed_at: fields.take()?,
    })
}
