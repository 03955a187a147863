//! Teams of an organization.

use http::Method;

use super::{Call, Client, ClientError, escape};
use crate::tenancy::{Team, TeamChanged, TeamSet};
use crate::{Deleted, Page};

impl Client {
    /// Lists teams, oldest first.
    pub async fn teams(
        &self,
        organization: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Team>, ClientError> {
        let cursor = cursor.map_or_else(String::new, |c| format!("&cursor={}", escape(c)));
        let path = format!("{}?limit=200{cursor}", all(organization));
        self.json(Call::get(&path)).await
    }

    /// Gives a team that stands for a group another name.
    pub async fn set_team(
        &self,
        organization: &str,
        team: &str,
        wanted: &TeamSet,
    ) -> Result<TeamChanged, ClientError> {
        let path = one(organization, team);
        self.json(Call::json(Method::PUT, &path, wanted)?).await
    }

    /// Removes such a team.
    pub async fn delete_team(
        &self,
        organization: &str,
        team: &str,
    ) -> Result<Deleted, ClientError> {
        let path = one(organization, team);
        self.json(Call::new(Method::DELETE, &path)).await
    }
}

fn all(organization: &str) -> String {
    format!("/v1/organizations/{}/teams", escape(organization))
}

fn one(organization: &str, team: &str) -> String {
    format!("{}/{}", all(organization), escape(team))
}
