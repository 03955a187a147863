//! Teams of an organization.

use http::Method;

use super::{Call, Client, ClientError, Wait, escape};
use crate::team::{
    TeamAdd, TeamAdded, TeamCreate, TeamMember, TeamShown, TeamsImport, TeamsImported,
};
use crate::tenancy::{Created, Team, TeamChanged, TeamSet};
use crate::{Deleted, Page};

impl Client {
    /// Lists teams, oldest first.
    pub async fn teams(
        &self,
        organization: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Team>, ClientError> {
        let path = page(&all(organization), cursor);
        self.json(Call::get(&path)).await
    }

    /// Makes a team.
    pub async fn create_team(
        &self,
        organization: &str,
        wanted: &TeamCreate,
    ) -> Result<Created<Team>, ClientError> {
        let path = all(organization);
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }

    /// One team, by name or id, with the first of who is in it and with what it has.
    pub async fn team(&self, organization: &str, team: &str) -> Result<TeamShown, ClientError> {
        self.json(Call::get(&one(organization, team))).await
    }

    /// Gives a team another name or description.
    pub async fn set_team(
        &self,
        organization: &str,
        team: &str,
        wanted: &TeamSet,
    ) -> Result<TeamChanged, ClientError> {
        let path = one(organization, team);
        self.json(Call::json(Method::PUT, &path, wanted)?).await
    }

    /// Removes a team with what it has.
    pub async fn delete_team(
        &self,
        organization: &str,
        team: &str,
        wait: Wait,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}{}", one(organization, team), wait.query());
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Lists who is in a team.
    pub async fn team_members(
        &self,
        organization: &str,
        team: &str,
        cursor: Option<&str>,
    ) -> Result<Page<TeamMember>, ClientError> {
        let path = page(&members(organization, team), cursor);
        self.json(Call::get(&path)).await
    }

    /// Puts people into a team, by id or address.
    pub async fn add_to_team(
        &self,
        organization: &str,
        team: &str,
        (wanted, wait): (&TeamAdd, Wait),
    ) -> Result<TeamAdded, ClientError> {
        let path = format!("{}{}", members(organization, team), wait.query());
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }

    /// Takes somebody out of a team, by id or address.
    pub async fn remove_from_team(
        &self,
        organization: &str,
        team: &str,
        (user, wait): (&str, Wait),
    ) -> Result<Deleted, ClientError> {
        let members = members(organization, team);
        let path = format!("{members}/{}{}", escape(user), wait.query());
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Makes teams, puts people in and gives roles, all or nothing; `dry_run` only says what it would be.
    pub async fn import_teams(
        &self,
        organization: &str,
        (wanted, dry_run): (&TeamsImport, bool),
    ) -> Result<TeamsImported, ClientError> {
        let query = if dry_run { "?dry_run=true" } else { "" };
        let path = format!("{}:import{query}", all(organization));
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }
}

fn page(list: &str, cursor: Option<&str>) -> String {
    let cursor = cursor.map_or_else(String::new, |c| format!("&cursor={}", escape(c)));
    format!("{list}?limit=200{cursor}")
}

fn all(organization: &str) -> String {
    format!("/v1/organizations/{}/teams", escape(organization))
}

fn one(organization: &str, team: &str) -> String {
    format!("{}/{}", all(organization), escape(team))
}

fn members(organization: &str, team: &str) -> String {
    format!("{}/members", one(organization, team))
}
