//! What an apply once made and the document no longer mentions.

use aeolus_api::fleet::{Fleet, Organization as Wanted};
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{OrganizationId, TokenScope, WorkspaceId};
use aeolus_store::{ManagedBy, Organization, Page, PlaneStage, TokenFilter, Unit as _};

use super::Run;
use crate::error::ApiError;

/// Lists of one organization are read whole: an apply sees everything or nothing.
const ALL: u32 = 1_000_000;

impl Run<'_> {
    /// Inside an organization that the document mentions.
    pub(super) async fn prune_organization(
        &mut self,
        wanted: &Wanted,
        organization: OrganizationId,
    ) -> Result<(), ApiError> {
        let workspaces = self
            .write
            .workspaces()
            .list(organization, Page::first(ALL))
            .await?;
        for workspace in workspaces.items {
            let path = format!("{}/{}", wanted.name, workspace.name);
            let named = wanted.workspaces.iter().find(|w| w.name == workspace.name);
            let deployments = self
                .write
                .deployments()
                .list(workspace.id, Page::first(ALL))
                .await?;
            let mut left = 0_usize;
            for deployment in deployments.items {
                let mentioned =
                    named.is_some_and(|w| w.deployments.iter().any(|d| d.name == deployment.name));
                let path = format!("{path}/{}", deployment.name);
                if !mentioned && self.dispose(deployment.managed_by, "deployment", &path) {
                    self.write
                        .deployments()
                        .delete(deployment.id, self.now)
                        .await?;
                } else {
                    left += 1;
                }
            }
            if named.is_some() {
                continue;
            }
            if left > 0 {
                if workspace.managed_by == ManagedBy::Apply {
                    self.note(
                        ChangeOp::Keep,
                        "workspace",
                        &path,
                        "it still has deployments",
                    );
                }
            } else if self.dispose(workspace.managed_by, "workspace", &path) {
                self.end_tokens(workspace.id).await?;
                self.write.workspaces().delete(workspace.id).await?;
            }
        }
        let teams = self
            .write
            .teams()
            .list(organization, Page::first(ALL))
            .await?;
        for team in teams.items {
            let mentioned = wanted.teams.iter().any(|w| w.name == team.name);
            let path = format!("{}/{}", wanted.name, team.name);
            if !mentioned && self.dispose(team.managed_by, "team", &path) {
                self.write.teams().delete(team.id).await?;
            }
        }
        Ok(())
    }

    async fn end_tokens(&mut self, workspace: WorkspaceId) -> Result<(), ApiError> {
        let scope = TokenScope::Workspace(workspace);
        let tokens = self
            .write
            .tokens()
            .list_scope(scope, Page::first(ALL))
            .await?;
        for record in tokens.items {
            self.write
                .tokens()
                .delete(record.token.id, self.now)
                .await?;
        }
        Ok(())
    }

    /// Whole organizations and planes.
    pub(super) async fn prune_rest(&mut self, fleet: &Fleet) -> Result<(), ApiError> {
        let organizations = self.write.organizations().list(Page::first(ALL)).await?;
        for organization in organizations.items {
            let mentioned = fleet
                .organizations
                .iter()
                .any(|w| w.name == organization.name);
            if !mentioned && organization.managed_by == ManagedBy::Apply {
                self.dispose_organization(organization).await?;
            }
        }
        for plane in self.write.planes().list().await? {
            if fleet.planes.iter().any(|w| w.name == plane.name) {
                continue;
            }
            if plane.managed_by != ManagedBy::Apply {
                continue;
            }
            let used = !self
                .write
                .deployments()
                .on_plane(plane.id)
                .await?
                .is_empty();
            let declared = matches!(plane.stage, PlaneStage::Declared);
            if used || !declared {
                let detail = "it has deployments or gates";
                self.note(ChangeOp::Keep, "plane", plane.name.as_str(), detail);
            } else if self.dispose(plane.managed_by, "plane", plane.name.as_str()) {
                self.write.planes().delete(plane.id).await?;
            }
        }
        Ok(())
    }

    /// An organization goes only if nothing in it was made by others.
    async fn dispose_organization(&mut self, organization: Organization) -> Result<(), ApiError> {
        let id = organization.id;
        let path = organization.name.as_str();
        let deployments = self
            .write
            .deployments()
            .in_organization(id, Page::first(ALL))
            .await?;
        let workspaces = self.write.workspaces().list(id, Page::first(ALL)).await?;
        let tokens = self
            .write
            .tokens()
            .list(id, &TokenFilter::default(), Page::first(1))
            .await?;
        let roles = self.write.roles().list(id, Page::first(ALL)).await?;
        let foreign = deployments
            .items
            .iter()
            .any(|d| d.managed_by != ManagedBy::Apply)
            || workspaces
                .items
                .iter()
                .any(|w| w.managed_by != ManagedBy::Apply)
            || roles.items.iter().any(|r| r.managed_by != ManagedBy::Apply)
            || !tokens.items.is_empty();
        if foreign {
            let detail = "it holds things that no apply made";
            self.note(ChangeOp::Keep, "organization", path, detail);
        } else if self.dispose(organization.managed_by, "organization", path) {
            self.write.organizations().delete(id).await?;
        }
        Ok(())
    }
}
