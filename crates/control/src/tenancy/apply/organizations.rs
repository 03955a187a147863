//! Organizations and workspaces of a document.

use std::collections::BTreeSet;

use aeolus_api::fleet::{Fleet, Organization as Wanted, Workspace as WantedWorkspace};
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{Action, OrganizationId, Resource, WorkspaceId};
use aeolus_store::{ManagedBy, Organization, Unit as _, Workspace};

use super::Run;
use super::grants::Held;
use super::passwords::Passwords;
use crate::error::ApiError;
use crate::policy;
use crate::tenancy::owners::Owners;

impl Run<'_> {
    pub(super) async fn organizations(
        &mut self,
        fleet: &Fleet,
        passwords: &Passwords,
    ) -> Result<(), ApiError> {
        for (index, wanted) in fleet.organizations.iter().enumerate() {
            let found = self.organization(wanted).await?;
            let owners = Owners::of(&mut self.write, &found).await?;
            let organization = found.id;
            let people = self.people(wanted, passwords).await?;
            let teams = self.teams(wanted, organization, &people).await?;
            let held = Held { people, teams };
            let mut workspaces = Vec::new();
            for workspace in &wanted.workspaces {
                let id = self.workspace((organization, wanted), workspace).await?;
                workspaces.push((id, workspace));
            }
            // Roles may be for some workspaces alone, and are there before anybody is given one.
            let at = format!("organizations[{index}]");
            self.own_roles(&at, wanted, organization).await?;
            self.roles(wanted, organization, &held).await?;
            for workspace in workspaces {
                self.inside((organization, wanted), workspace, &held)
                    .await?;
            }
            self.prune_organization(wanted, organization).await?;
            self.settle_roles(wanted, organization).await?;
            owners.require_one_left(&mut self.write).await?;
        }
        Ok(())
    }

    /// Keeps others waiting who change what is in the document's organizations.
    pub(super) async fn lock(&mut self, fleet: &Fleet) -> Result<(), ApiError> {
        let mut there = BTreeSet::new();
        for wanted in &fleet.organizations {
            let found = self.write.organizations().by_name(&wanted.name).await?;
            there.extend(found.map(|found| found.id));
        }
        for id in there {
            self.write.organizations().lock(id).await?;
        }
        Ok(())
    }

    async fn organization(&mut self, wanted: &Wanted) -> Result<Organization, ApiError> {
        let text = match &wanted.policy {
            None => String::new(),
            Some(policy) => serde_json::to_string(policy).map_err(ApiError::internal)?,
        };
        let Some(found) = self.write.organizations().by_name(&wanted.name).await? else {
            let organization = Organization {
                id: OrganizationId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
                name: wanted.name.clone(),
                policy: text,
                quota: String::new(),
                managed_by: ManagedBy::Apply,
                revision: 0,
            };
            self.write.organizations().insert(&organization).await?;
            self.note(ChangeOp::Create, "organization", wanted.name.as_str(), "");
            return Ok(organization);
        };
        if wanted.policy.is_some() && found.policy != text {
            let changed = Organization {
                policy: text,
                ..found.clone()
            };
            self.write.organizations().update(&changed).await?;
            let rules = wanted.policy.clone().unwrap_or_default();
            let app = &self.ctx.app;
            let ended = policy::tighten(app, &mut self.write, found.id, &rules).await?;
            let id = found.id;
            let mut event = self.ctx.event(Action::PolicySet, Some(id), id);
            event.changes = policy::changes(&policy::of(&found)?, &rules, &ended)?;
            self.write.audit(event);
            let detail = format!("policy{}", ended.text());
            let path = wanted.name.as_str();
            self.note(ChangeOp::Update, "organization", path, detail);
        }
        Ok(found)
    }

    async fn workspace(
        &mut self,
        (organization, parent): (OrganizationId, &Wanted),
        wanted: &WantedWorkspace,
    ) -> Result<WorkspaceId, ApiError> {
        let path = format!("{}/{}", parent.name, wanted.name);
        let found = self
            .write
            .workspaces()
            .by_name(organization, &wanted.name)
            .await?;
        if let Some(found) = found {
            return Ok(found.id);
        }
        let workspace = Workspace {
            id: WorkspaceId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
            organization,
            name: wanted.name.clone(),
            managed_by: ManagedBy::Apply,
            revision: 0,
        };
        self.write.workspaces().insert(&workspace).await?;
        self.note(ChangeOp::Create, "workspace", &path, "");
        Ok(workspace.id)
    }

    /// What is in a workspace, and who may do what there.
    async fn inside(
        &mut self,
        (organization, parent): (OrganizationId, &Wanted),
        (id, wanted): (WorkspaceId, &WantedWorkspace),
        held: &Held,
    ) -> Result<(), ApiError> {
        let path = format!("{}/{}", parent.name, wanted.name);
        let grants = held.resolve(&wanted.grants);
        self.grants((organization, Resource::Workspace(id)), &path, grants)
            .await?;
        for deployment in &wanted.deployments {
            let place = (organization, id);
            let deployed = self.deployment(place, &path, deployment).await?;
            let path = format!("{path}/{}", deployment.name);
            let grants = held.resolve(&deployment.grants);
            let at = (organization, Resource::Deployment(deployed));
            self.grants(at, &path, grants).await?;
        }
        Ok(())
    }
}
