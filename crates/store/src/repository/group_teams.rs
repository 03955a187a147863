//! Teams that stand for groups of identity providers (note 029).

use aeolus_model::{ConnectionId, OrganizationId, TeamId, Time, UserId};

use super::Teams;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT team, connection, group_id, place, group_name, by_id, gone_at FROM group_teams ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE team = $1");
    BY_GROUP = select!("WHERE connection = $1 AND group_id = $2");
    OF_CONNECTION = select!("WHERE connection = $1 ORDER BY team");
    OF_MEMBER = select!("WHERE connection = $1
        AND team IN (SELECT team FROM team_members WHERE member = $2) ORDER BY team");
    IN_ORGANIZATION = select!("WHERE team IN (SELECT id FROM teams WHERE organization = $1)
        ORDER BY team");
    GONE = select!("WHERE gone_at < $1 ORDER BY team");
    COUNT = "SELECT COUNT(*) FROM group_teams WHERE connection = $1";
    HOLD = "INSERT INTO group_refreshes (connection, next_at) VALUES ($1, 0)
        ON CONFLICT (connection) DO UPDATE SET next_at = group_refreshes.next_at";
    CLAIM = "UPDATE group_refreshes SET next_at = $3 WHERE connection = $1 AND next_at <= $2";
    DUE = "SELECT next_at FROM group_refreshes WHERE connection = $1";
    POSTPONE = "UPDATE group_refreshes SET next_at = $2 WHERE connection = $1";
    INSERT = "INSERT INTO group_teams (team, connection, group_id, place, group_name, by_id, gone_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    UPDATE = "UPDATE group_teams SET place = $2, group_name = $3, by_id = $4, gone_at = $5
        WHERE team = $1";
    NAMED = "UPDATE group_teams SET by_id = 0 WHERE team = $1";
    SET_GONE = "UPDATE group_teams SET gone_at = $2 WHERE team = $1";
}

/// That a team stands for a group. The group is (connection, id), never its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTeam {
    /// The team.
    pub team: TeamId,
    /// Whose group; never changes.
    pub connection: ConnectionId,
    /// What names it there for good; never changes.
    pub group: String,
    /// In which tenant, at providers that have several.
    pub place: String,
    /// What it is called there, if that is known.
    pub name: Option<String>,
    /// Whether the team is named by the id, for want of anything better.
    pub by_id: bool,
    /// Since when the provider has it no more.
    pub gone_at: Option<Time>,
}

/// Teams that stand for groups.
#[derive(Debug)]
pub struct GroupTeams<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> GroupTeams<'_, U> {
    /// Which group a team stands for; none for a team of one's own.
    pub async fn get(&mut self, team: TeamId) -> Result<Option<GroupTeam>, StoreError> {
        let row = self.0.tx().first(GET, bind![team]).await?;
        row.as_ref().map(record).transpose()
    }

    /// The team that stands for a group.
    pub async fn by_group(
        &mut self,
        connection: ConnectionId,
        group: &str,
    ) -> Result<Option<GroupTeam>, StoreError> {
        let values = bind![connection, group];
        let row = self.0.tx().first(BY_GROUP, values).await?;
        row.as_ref().map(record).transpose()
    }

    /// Those of a connection, by age.
    pub async fn of_connection(
        &mut self,
        connection: ConnectionId,
    ) -> Result<Vec<GroupTeam>, StoreError> {
        let rows = self.0.tx().fetch(OF_CONNECTION, bind![connection]).await?;
        rows.iter().map(record).collect()
    }

    /// Those of a connection that a person is in.
    pub async fn of_member(
        &mut self,
        connection: ConnectionId,
        member: UserId,
    ) -> Result<Vec<GroupTeam>, StoreError> {
        let values = bind![connection, member];
        let rows = self.0.tx().fetch(OF_MEMBER, values).await?;
        rows.iter().map(record).collect()
    }

    /// Those of an organization.
    pub async fn in_organization(
        &mut self,
        organization: OrganizationId,
    ) -> Result<Vec<GroupTeam>, StoreError> {
        let values = bind![organization];
        let rows = self.0.tx().fetch(IN_ORGANIZATION, values).await?;
        rows.iter().map(record).collect()
    }

    /// Those whose group is gone since before a time.
    pub async fn gone_before(&mut self, before: Time) -> Result<Vec<GroupTeam>, StoreError> {
        let rows = self.0.tx().fetch(GONE, bind![before]).await?;
        rows.iter().map(record).collect()
    }

    /// How many a connection has.
    pub async fn count(&mut self, connection: ConnectionId) -> Result<u64, StoreError> {
        let row = self.0.tx().first(COUNT, bind![connection]).await?;
        row.map_or(Ok(0), |row| row.only())
    }

    /// When a connection's groups are to be asked for again; none: they never were.
    pub async fn due(&mut self, connection: ConnectionId) -> Result<Option<Time>, StoreError> {
        let row = self.0.tx().first(DUE, bind![connection]).await?;
        row.map(|row| row.only()).transpose()
    }
}

impl GroupTeams<'_, Write> {
    /// Waits for everybody else who makes teams of this connection's groups, or says what they hold in the whole
    /// installation, until this transaction ends: two could make one each of the same group. Before any
    /// organization, and after the installation ([`super::GrantRepository::lock_system`]).
    pub async fn hold(&mut self, connection: ConnectionId) -> Result<(), StoreError> {
        self.0.note(HOLD, bind![connection]).await.map(|_| ())
    }

    /// Takes what is due by `now` for one's own, and says whether that worked: whoever else asks finds it due at
    /// `next`.
    pub async fn claim(
        &mut self,
        connection: ConnectionId,
        (now, next): (Time, Time),
    ) -> Result<bool, StoreError> {
        self.hold(connection).await?;
        let values = bind![connection, now, next];
        Ok(self.0.note(CLAIM, values).await? > 0)
    }

    /// Lets it be due at another time.
    pub async fn postpone(
        &mut self,
        connection: ConnectionId,
        next: Time,
    ) -> Result<(), StoreError> {
        let values = bind![connection, next];
        self.0.note(POSTPONE, values).await.map(|_| ())
    }

    /// Notes which group a team stands for.
    pub async fn insert(&mut self, new: &GroupTeam) -> Result<(), StoreError> {
        let GroupTeam {
            team,
            connection,
            group,
            place,
            name,
            by_id,
            gone_at,
        } = new;
        let by_id = i64::from(*by_id);
        let values = bind![team, connection, group, place, name, by_id, gone_at];
        self.0.note(INSERT, values).await.map(|_| ())
    }

    /// Notes that the team has a name that somebody chose, and nothing else: the group may be changing.
    pub async fn named(&mut self, team: TeamId) -> Result<(), StoreError> {
        self.0.note(NAMED, bind![team]).await.map(|_| ())
    }

    /// Notes that the provider has the group no more, and nothing else: somebody may be naming the team.
    pub async fn gone(&mut self, team: TeamId, since: Time) -> Result<(), StoreError> {
        self.0.note(SET_GONE, bind![team, since]).await.map(|_| ())
    }

    /// Notes what has become of the group. Only with the organization locked, where others name the team.
    pub async fn update(&mut self, changed: &GroupTeam) -> Result<(), StoreError> {
        let GroupTeam {
            team,
            place,
            name,
            by_id,
            gone_at,
            ..
        } = changed;
        let by_id = i64::from(*by_id);
        let values = bind![team, place, name, by_id, gone_at];
        self.0.note(UPDATE, values).await.map(|_| ())
    }
}

/// Removes the teams of a connection with all that they hold.
pub(super) async fn delete_of(
    unit: &mut Write,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    for held in GroupTeams(unit).of_connection(connection).await? {
        Teams(unit).delete(held.team).await?;
    }
    Ok(())
}

fn record(row: &Row) -> Result<GroupTeam, StoreError> {
    let mut fields = row.fields();
    Ok(GroupTeam {
        team: fields.take()?,
        connection: fields.take()?,
        group: fields.take()?,
        place: fields.take()?,
        name: fields.maybe()?,
        by_id: fields.take::<i64>()? != 0,
        gone_at: fields.maybe()?,
    })
}
