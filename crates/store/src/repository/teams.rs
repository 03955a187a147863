//! Teams and who is in them.

use aeolus_model::{OrganizationId, PlaneId, Slug, Subject, TeamId, UserId};

use super::{ManagedBy, grants};
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

statements! {
    GET = "SELECT id, organization, name, description, managed_by, revision FROM teams WHERE id = $1";
    BY_NAME = "SELECT id, organization, name, description, managed_by, revision FROM teams
        WHERE organization = $1 AND name = $2";
    LIST = "SELECT id, organization, name, description, managed_by, revision FROM teams
        WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3";
    OF_USER = "SELECT id, organization, name, description, managed_by, revision FROM teams
        WHERE id IN (SELECT team FROM team_members WHERE member = $1) ORDER BY id";
    ON_PLANE = "SELECT id, organization, name, description, managed_by, revision FROM teams
        WHERE organization IN (SELECT organization FROM deployments WHERE plane = $1)
        OR id IN (SELECT subject FROM grants
            WHERE subject_kind = 'team' AND resource_kind = 'system') ORDER BY id";
    MEMBERS = "SELECT team, member, managed_by FROM team_members WHERE team = $1 ORDER BY member";
    LIST_MEMBERS = "SELECT team, member, managed_by FROM team_members
        WHERE team = $1 AND member > $2 ORDER BY member LIMIT $3";
    COUNT_MEMBERS = "SELECT COUNT(*) FROM team_members WHERE team = $1";
    MEMBERS_ON_PLANE = "SELECT team, member, managed_by FROM team_members
        WHERE (team, member) > ($2, $3) AND team IN (
            SELECT id FROM teams
                WHERE organization IN (SELECT organization FROM deployments WHERE plane = $1)
            UNION SELECT subject FROM grants
                WHERE subject_kind = 'team' AND resource_kind = 'system')
        ORDER BY team, member LIMIT $4";
    INSERT = "INSERT INTO teams (id, organization, name, description, managed_by, revision)
        VALUES ($1, $2, $3, $4, $5, 1)";
    UPDATE = "UPDATE teams SET name = $1, description = $2, managed_by = $3, revision = revision + 1
        WHERE id = $4 AND revision = $5";
    DELETE = "DELETE FROM teams WHERE id = $1";
    ADD = "INSERT INTO team_members (team, member, managed_by) VALUES ($1, $2, $3)
        ON CONFLICT (team, member) DO NOTHING";
    MOVE = "UPDATE team_members SET member = $2, managed_by = $3
        WHERE member = $1 AND NOT EXISTS (SELECT 1 FROM team_members held
            WHERE held.team = team_members.team AND held.member = $2)";
    REMOVE = "DELETE FROM team_members WHERE team = $1 AND member = $2";
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Whose it is; never changes.
    pub organization: OrganizationId,
    /// Its name, unique in the organization.
    pub name: Slug,
    /// What it is for, in people's words.
    pub description: String,
    /// Who looks after it.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub revision: u64,
}

/// That a person is in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The team.
    pub team: TeamId,
    /// The person.
    pub user: UserId,
    /// Who looks after the membership.
    pub managed_by: ManagedBy,
}

/// Teams.
#[derive(Debug)]
pub struct Teams<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Teams<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: TeamId) -> Result<Option<Team>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// By name in an organization.
    pub async fn by_name(
        &mut self,
        organization: OrganizationId,
        name: &Slug,
    ) -> Result<Option<Team>, StoreError> {
        let row = self
            .0
            .tx()
            .first(BY_NAME, bind![organization, name])
            .await?;
        row.as_ref().map(record).transpose()
    }

    /// Those of an organization, by age.
    pub async fn list(
        &mut self,
        organization: OrganizationId,
        page: Page<TeamId>,
    ) -> Result<Listing<Team, TeamId>, StoreError> {
        let after = page.after.unwrap_or(TeamId::from_bytes([0; 16]));
        let values = bind![organization, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST, values).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record| record.id))
    }

    /// Those a person is in.
    pub async fn of(&mut self, user: UserId) -> Result<Vec<Team>, StoreError> {
        let rows = self.0.tx().fetch(OF_USER, bind![user]).await?;
        rows.iter().map(record).collect()
    }

    /// Those of the organizations that have a deployment on the plane, and those with a role on the
    /// whole system.
    pub async fn on_plane(&mut self, plane: PlaneId) -> Result<Vec<Team>, StoreError> {
        let rows = self.0.tx().fetch(ON_PLANE, bind![plane]).await?;
        rows.iter().map(record).collect()
    }

    /// Who is in a team.
    pub async fn members(&mut self, team: TeamId) -> Result<Vec<Member>, StoreError> {
        let rows = self.0.tx().fetch(MEMBERS, bind![team]).await?;
        rows.iter().map(member).collect()
    }

    /// Who is in a team, in the order of their ids.
    pub async fn list_members(
        &mut self,
        team: TeamId,
        page: Page<UserId>,
    ) -> Result<Listing<Member, UserId>, StoreError> {
        let after = page.after.unwrap_or(UserId::from_bytes([0; 16]));
        let values = bind![team, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST_MEMBERS, values).await?;
        let items = rows.iter().map(member).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |member| member.user))
    }

    /// How many are in a team.
    pub async fn count_members(&mut self, team: TeamId) -> Result<u64, StoreError> {
        let row = self.0.tx().first(COUNT_MEMBERS, bind![team]).await?;
        row.map_or(Ok(0), |row| row.only())
    }

    /// Who is in the teams of [`Teams::on_plane`].
    pub async fn members_on_plane(&mut self, plane: PlaneId) -> Result<Vec<Member>, StoreError> {
        let key = |member: &Member| bind![member.team, member.user];
        let none = [0; 16];
        let first = bind![TeamId::from_bytes(none), UserId::from_bytes(none)];
        self.0
            .tx()
            .fetch_all(MEMBERS_ON_PLANE, bind![plane], first, (member, key))
            .await
    }
}

impl Teams<'_, Write> {
    /// Adds a team.
    pub async fn insert(&mut self, new: &Team) -> Result<(), StoreError> {
        let values = bind![
            new.id,
            new.organization,
            new.name,
            new.description,
            new.managed_by
        ];
        taken!(self.0.change(INSERT, values).await, Team).map(|_| ())
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the revision that was read.
    pub async fn update(&mut self, changed: &Team) -> Result<(), StoreError> {
        let Team {
            id,
            name,
            description,
            managed_by,
            revision,
            ..
        } = changed;
        let values = bind![name, description, managed_by, id, revision];
        taken!(self.0.change_one(UPDATE, values).await, Team)
    }

    /// Removes a team with its memberships and grants.
    pub async fn delete(&mut self, id: TeamId) -> Result<bool, StoreError> {
        grants::delete_of(self.0, Subject::Team(id)).await?;
        Ok(self.0.change(DELETE, bind![id]).await? > 0)
    }

    /// Puts a person in; says whether they weren't already.
    pub async fn add(&mut self, member: &Member) -> Result<bool, StoreError> {
        let values = bind![member.team, member.user, member.managed_by];
        let whose = Subject::User(member.user);
        Ok(self.0.change_of(whose, ADD, values).await? > 0)
    }

    /// Puts a person in wherever another one is, who is out then.
    pub async fn move_all(
        &mut self,
        (from, to): (UserId, UserId),
        managed_by: ManagedBy,
    ) -> Result<(), StoreError> {
        let values = bind![from, to, managed_by];
        let moved = self.0.change_of(Subject::User(to), MOVE, values).await;
        if taken!(moved, Record)? > 0 {
            self.0.has_changed(Subject::User(from));
        }
        Ok(())
    }

    /// Takes a person out; says whether they were in.
    pub async fn remove(&mut self, team: TeamId, user: UserId) -> Result<bool, StoreError> {
        let whose = Subject::User(user);
        let values = bind![team, user];
        Ok(self.0.change_of(whose, REMOVE, values).await? > 0)
    }
}

fn record(row: &Row) -> Result<Team, StoreError> {
    let mut fields = row.fields();
    Ok(Team {
        id: fields.take()?,
        organization: fields.take()?,
        name: fields.take()?,
        description: fields.take()?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}

fn member(row: &Row) -> Result<Member, StoreError> {
    let mut fields = row.fields();
    Ok(Member {
        team: fields.take()?,
        user: fields.take()?,
        managed_by: fields.take()?,
    })
}
