//! Organizations, workspaces and deployments; who is in them with which role.

use aeolus_model::{DeploymentId, GrantId, WorkspaceId};
use http::Method;

use super::{Call, Client, ClientError, Wait, escape};
use crate::tenancy::{
    Created, Deployment, DeploymentCreate, Grant, GrantCreate, NamedCreate, Organization, User,
    UserCreate, Workspace,
};
use crate::{Deleted, Page};

impl Client {
    /// Makes an organization.
    pub async fn create_organization(
        &self,
        organization: &NamedCreate,
    ) -> Result<Created<Organization>, ClientError> {
        self.json(Call::json(Method::POST, "/v1/organizations", organization)?)
            .await
    }

    /// Removes one (id or name) that has no deployments.
    pub async fn delete_organization(&self, organization: &str) -> Result<Deleted, ClientError> {
        let path = format!("/v1/organizations/{}", escape(organization));
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Makes a workspace.
    pub async fn create_workspace(
        &self,
        organization: &str,
        workspace: &NamedCreate,
    ) -> Result<Created<Workspace>, ClientError> {
        let path = all(organization, "workspaces");
        self.json(Call::json(Method::POST, &path, workspace)?).await
    }

    /// Removes an empty one.
    pub async fn delete_workspace(
        &self,
        organization: &str,
        id: WorkspaceId,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}/{id}", all(organization, "workspaces"));
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Makes a deployment.
    pub async fn create_deployment(
        &self,
        organization: &str,
        deployment: &DeploymentCreate,
    ) -> Result<Created<Deployment>, ClientError> {
        let path = all(organization, "deployments");
        self.json(Call::json(Method::POST, &path, deployment)?)
            .await
    }

    /// Removes one, and ends the tokens made for it.
    pub async fn delete_deployment(
        &self,
        organization: &str,
        id: DeploymentId,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}/{id}", all(organization, "deployments"));
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Adds somebody to an organization, with a role in it.
    pub async fn add_user(
        &self,
        organization: &str,
        user: &UserCreate,
    ) -> Result<Created<User>, ClientError> {
        let path = all(organization, "users");
        self.json(Call::json(Method::POST, &path, user)?).await
    }

    /// Takes somebody (by id or address) out of an organization.
    pub async fn remove_user(
        &self,
        organization: &str,
        user: &str,
        wait: Wait,
    ) -> Result<Deleted, ClientError> {
        let path = format!(
            "{}/{}{}",
            all(organization, "users"),
            escape(user),
            wait.query()
        );
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Who has which role where, oldest first.
    pub async fn grants(
        &self,
        organization: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Grant>, ClientError> {
        let cursor = cursor.map_or_else(String::new, |c| format!("&cursor={}", escape(c)));
        let path = format!("{}?limit=200{cursor}", all(organization, "grants"));
        self.json(Call::get(&path)).await
    }

    /// Gives somebody a role.
    pub async fn create_grant(
        &self,
        organization: &str,
        grant: &GrantCreate,
    ) -> Result<Created<Grant>, ClientError> {
        let path = all(organization, "grants");
        self.json(Call::json(Method::POST, &path, grant)?).await
    }

    /// Takes a role back.
    pub async fn delete_grant(
        &self,
        organization: &str,
        id: GrantId,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}/{id}", all(organization, "grants"));
        self.json(Call::new(Method::DELETE, &path)).await
    }
}

fn all(organization: &str, what: &str) -> String {
    format!("/v1/organizations/{}/{what}", escape(organization))
}
