//! How sure it is that people are in the groups that teams stand for (note 029).

use aeolus_model::{ConnectionId, OrganizationId, TeamId, Time, UserId};

use super::GroupTeams;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    CONFIRM = "UPDATE team_members SET confirmed_at = $3 WHERE team = $1 AND member = $2";
    CONFIRM_ALL = "UPDATE team_members SET confirmed_at = $3 WHERE member = $2
        AND team IN (SELECT team FROM group_teams WHERE connection = $1)";
    CONFIRM_TEAM = "UPDATE team_members SET confirmed_at = $2
        WHERE team = $1 AND (confirmed_at IS NULL OR confirmed_at < $3)";
    WANTS = "SELECT 1 FROM team_members
        WHERE team = $1 AND (confirmed_at IS NULL OR confirmed_at < $2) LIMIT 1";
    BEGIN = "UPDATE team_members SET confirmed_at = $1
        WHERE confirmed_at IS NULL AND team IN (SELECT team FROM group_teams)";
    STALE = "SELECT DISTINCT member FROM team_members WHERE confirmed_at < $2
        AND team IN (SELECT team FROM group_teams WHERE connection = $1)
        ORDER BY member LIMIT $3";
    STALE_OF = "SELECT team FROM team_members WHERE member = $2 AND confirmed_at < $3
        AND team IN (SELECT team FROM group_teams WHERE connection = $1) ORDER BY team";
    WHERE_IN = "SELECT DISTINCT connection FROM group_teams
        WHERE team IN (SELECT team FROM team_members WHERE member = $1) ORDER BY connection";
    IS_OUT = "SELECT 1 FROM shown_out WHERE organization = $1 AND member = $2";
    SHOW_OUT = "INSERT INTO shown_out (organization, member) VALUES ($1, $2)
        ON CONFLICT (organization, member) DO NOTHING";
    COME_BACK = "DELETE FROM shown_out WHERE organization = $1 AND member = $2";
}

impl<U: Unit> GroupTeams<'_, U> {
    /// Whether somebody in a team was last confirmed before a time, or never.
    pub async fn wants_confirming(
        &mut self,
        team: TeamId,
        before: Time,
    ) -> Result<bool, StoreError> {
        let found = self.0.tx().first(WANTS, bind![team, before]).await?;
        Ok(found.is_some())
    }

    /// So many of those who were in a team of a connection when that was last confirmed before a time.
    pub async fn stale(
        &mut self,
        connection: ConnectionId,
        before: Time,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        let values = bind![connection, before, limit];
        let rows = self.0.tx().fetch(STALE, values).await?;
        rows.iter().map(Row::only).collect()
    }

    /// The teams of a connection in which somebody was last confirmed before a time.
    pub async fn stale_of(
        &mut self,
        (connection, member): (ConnectionId, UserId),
        before: Time,
    ) -> Result<Vec<TeamId>, StoreError> {
        let values = bind![connection, member, before];
        let rows = self.0.tx().fetch(STALE_OF, values).await?;
        rows.iter().map(Row::only).collect()
    }

    /// The connections in whose teams somebody is.
    pub async fn connections_of(
        &mut self,
        member: UserId,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        let rows = self.0.tx().fetch(WHERE_IN, bind![member]).await?;
        rows.iter().map(Row::only).collect()
    }

    /// Whether somebody was shown out of an organization and hasn't come with a group of it since.
    pub async fn is_shown_out(
        &mut self,
        organization: OrganizationId,
        member: UserId,
    ) -> Result<bool, StoreError> {
        let values = bind![organization, member];
        Ok(self.0.tx().first(IS_OUT, values).await?.is_some())
    }
}

impl GroupTeams<'_, Write> {
    /// Notes that somebody is in a team by their provider's word of now.
    pub async fn confirm(
        &mut self,
        (team, member): (TeamId, UserId),
        now: Time,
    ) -> Result<(), StoreError> {
        let values = bind![team, member, now];
        self.0.note(CONFIRM, values).await.map(|_| ())
    }

    /// The same of all teams of a connection that somebody is in.
    pub async fn confirm_all(
        &mut self,
        (connection, member): (ConnectionId, UserId),
        now: Time,
    ) -> Result<(), StoreError> {
        let values = bind![connection, member, now];
        self.0.note(CONFIRM_ALL, values).await.map(|_| ())
    }

    /// The same of everybody in a team who was last confirmed before a time, or never.
    pub async fn confirm_team(
        &mut self,
        team: TeamId,
        (now, before): (Time, Time),
    ) -> Result<(), StoreError> {
        let values = bind![team, now, before];
        self.0.note(CONFIRM_TEAM, values).await.map(|_| ())
    }

    /// Lets the age of memberships that a program put in which knows none begin now.
    pub async fn begin_ages(&mut self, now: Time) -> Result<(), StoreError> {
        self.0.note(BEGIN, bind![now]).await.map(|_| ())
    }

    /// Keeps somebody out of the teams of an organization's groups until they come with one.
    pub async fn show_out(
        &mut self,
        organization: OrganizationId,
        member: UserId,
    ) -> Result<(), StoreError> {
        let values = bind![organization, member];
        self.0.note(SHOW_OUT, values).await.map(|_| ())
    }

    /// They have come with one.
    pub async fn come_back(
        &mut self,
        organization: OrganizationId,
        member: UserId,
    ) -> Result<(), StoreError> {
        let values = bind![organization, member];
        self.0.note(COME_BACK, values).await.map(|_| ())
    }
}
