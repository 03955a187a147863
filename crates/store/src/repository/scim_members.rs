//! Who is in groups of provisioning clients: read and written in sets, so that what a change costs goes by how many it
//! names and never by how many are there (note 033).

use aeolus_model::{ConnectionId, Subject, TeamId, UserId};

use super::{ManagedBy, ScimGroups};
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

/// So many ids are one parameter.
const AT_ONCE: usize = 500;

statements! {
    ADD = ids!("INSERT INTO team_members (team, member, managed_by)
        SELECT teams.id, ids.id, $3 FROM ids, teams WHERE teams.id = $2 ORDER BY ids.at
        ON CONFLICT (team, member) DO NOTHING RETURNING member");
    REMOVE = ids!("DELETE FROM team_members
        WHERE team = $2 AND member IN (SELECT id FROM ids) RETURNING member");
    REMOVE_ONE = "DELETE FROM team_members WHERE team = $2 AND member = $1 RETURNING member";
    KEEP = ids!("DELETE FROM team_members
        WHERE team = $2 AND member NOT IN (SELECT id FROM ids) RETURNING member");
    CLEAR = "DELETE FROM team_members WHERE team = $1 RETURNING member";
    MEMBERS = "SELECT member FROM team_members
        WHERE team = $1 AND member > $2 ORDER BY member LIMIT $3";
    AT_MOST = "SELECT COUNT(*) FROM (SELECT 1 FROM team_members WHERE team = $1 LIMIT $2) AS counted";
    IS_IN = "SELECT 1 FROM team_members WHERE team = $1 AND member = $2";
    UNKNOWN = ids!("SELECT id FROM ids WHERE NOT EXISTS (SELECT 1 FROM scim_users
        WHERE scim_users.connection = $2 AND scim_users.id = ids.id) ORDER BY at LIMIT 1");
    GROUPS_OF = ids!("SELECT scim_groups.connection, team_members.member, scim_groups.team,
        scim_groups.display_name
        FROM ids JOIN team_members ON team_members.member = ids.id
        JOIN scim_groups ON scim_groups.team = team_members.team
        ORDER BY ids.at, scim_groups.name_key");
    GROUPS_OF_ONE = "SELECT scim_groups.connection, team_members.member, scim_groups.team,
        scim_groups.display_name
        FROM team_members JOIN scim_groups ON scim_groups.team = team_members.team
        WHERE team_members.member = $1 ORDER BY scim_groups.name_key";
}

/// A group that somebody is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimGroupOf {
    /// Who.
    pub user: UserId,
    /// The group.
    pub team: TeamId,
    /// What it is called.
    pub display_name: String,
}

impl<U: Unit> ScimGroups<'_, U> {
    /// Everybody in a group, in the order of their ids.
    pub async fn members(&mut self, team: TeamId) -> Result<Vec<UserId>, StoreError> {
        let key = |member: &UserId| bind![*member];
        let first = bind![UserId::from_bytes([0; 16])];
        self.0
            .tx()
            .fetch_all(MEMBERS, bind![team], first, (Row::only, key))
            .await
    }

    /// Whether at most so many are in a group.
    pub async fn has_at_most(&mut self, team: TeamId, most: usize) -> Result<bool, StoreError> {
        let values = bind![team, most.saturating_add(1)];
        let row = self.0.tx().first(AT_MOST, values).await?;
        let count: u64 = row.map_or(Ok(0), |row| row.only())?;
        Ok(usize::try_from(count).is_ok_and(|count| count <= most))
    }

    /// Whether somebody is in a group.
    pub async fn is_member(&mut self, team: TeamId, user: UserId) -> Result<bool, StoreError> {
        let found = self.0.tx().first(IS_IN, bind![team, user]).await?;
        Ok(found.is_some())
    }

    /// The first of these people whom the connection's client didn't make, or doesn't look after.
    pub async fn first_unknown(
        &mut self,
        connection: ConnectionId,
        users: &[UserId],
    ) -> Result<Option<UserId>, StoreError> {
        for part in users.chunks(AT_ONCE) {
            let values = bind![joined(part), connection];
            if let Some(row) = self.0.tx().first(UNKNOWN, values).await? {
                return row.only().map(Some);
            }
        }
        Ok(None)
    }

    /// The groups of a connection that these people are in: theirs together, in the order in which they are named, each by
    /// the groups' names. Whose a group is, is judged here: both engines would begin with all groups of the connection, and
    /// PostgreSQL, where it has no statistics yet, goes through all memberships for an unknown number of people.
    pub async fn of_users(
        &mut self,
        connection: ConnectionId,
        users: &[UserId],
    ) -> Result<Vec<ScimGroupOf>, StoreError> {
        let mut found = Vec::new();
        for part in users.chunks(AT_ONCE) {
            let rows = match part {
                [one] => self.0.tx().fetch(GROUPS_OF_ONE, bind![*one]).await?,
                several => self.0.tx().fetch(GROUPS_OF, bind![joined(several)]).await?,
            };
            for row in &rows {
                let mut fields = row.fields();
                if fields.take::<ConnectionId>()? != connection {
                    continue;
                }
                found.push(ScimGroupOf {
                    user: fields.take()?,
                    team: fields.take()?,
                    display_name: fields.take()?,
                });
            }
        }
        Ok(found)
    }
}

impl ScimGroups<'_, Write> {
    /// Puts people in, who are there, and returns those who weren't in. Rows are taken in the order named: name them by id,
    /// as everybody does.
    pub async fn put_in(
        &mut self,
        team: TeamId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        let mut new = Vec::new();
        for part in users.chunks(AT_ONCE) {
            let values = bind![joined(part), team, ManagedBy::Configuration];
            new.extend(self.moved(ADD, values).await?);
        }
        Ok(new)
    }

    /// Takes people out, and returns those who were in.
    pub async fn take_out(
        &mut self,
        team: TeamId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        let mut out = Vec::new();
        for part in users.chunks(AT_ONCE) {
            out.extend(match part {
                // Where PostgreSQL has no statistics yet it goes through the whole group for an unknown number of people.
                [one] => self.moved(REMOVE_ONE, bind![*one, team]).await?,
                several => self.moved(REMOVE, bind![joined(several), team]).await?,
            });
        }
        Ok(out)
    }

    /// Takes everybody out but these, and returns who was in.
    pub async fn keep_only(
        &mut self,
        team: TeamId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        if users.is_empty() {
            return self.moved(CLEAR, bind![team]).await;
        }
        self.moved(KEEP, bind![joined(users), team]).await
    }

    /// Runs a statement that says whose memberships changed, each of which gates hear of by the person's own record.
    async fn moved(
        &mut self,
        sql: &'static str,
        values: Vec<crate::engine::Value>,
    ) -> Result<Vec<UserId>, StoreError> {
        let rows = self.0.tx().fetch(sql, values).await?;
        let users: Vec<UserId> = rows.iter().map(Row::only).collect::<Result<_, _>>()?;
        for user in &users {
            self.0.has_changed(Subject::User(*user));
        }
        Ok(users)
    }
}

fn joined(users: &[UserId]) -> Vec<u8> {
    users.iter().flat_map(|user| *user.as_bytes()).collect()
}
