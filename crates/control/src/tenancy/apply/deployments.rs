//! Deployments of a document.

use aeolus_api::fleet::Deployment as Wanted;
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{DeploymentId, HostPattern, OrganizationId, PathPrefix, WorkspaceId};
use aeolus_store::{Deployment, ManagedBy, Route, Unit as _};

use super::Run;
use crate::error::ApiError;

impl Run<'_> {
    pub(super) async fn deployment(
        &mut self,
        (organization, workspace): (OrganizationId, WorkspaceId),
        parent: &str,
        wanted: &Wanted,
    ) -> Result<DeploymentId, ApiError> {
        let path = format!("{parent}/{}", wanted.name);
        let plane = self.write.planes().by_name(&wanted.plane).await?;
        let plane = plane.ok_or_else(|| {
            let text = format!(
                "there is no plane {:?}; name it under planes",
                wanted.plane.as_str()
            );
            ApiError::field(&path, text)
        })?;
        let staleness = wanted.staleness();
        let staleness = staleness.map_err(|error| ApiError::field(&path, error.to_string()))?;
        let found = self
            .write
            .deployments()
            .by_name(workspace, &wanted.name)
            .await?;
        let new_id = DeploymentId::new(&*self.ctx.app.clock, &*self.ctx.app.rng);
        let execution = wanted.task_execution.as_ref();
        let deployment = Deployment {
            id: found.as_ref().map_or(new_id, |found| found.id),
            organization,
            workspace,
            plane: plane.id,
            name: wanted.name.clone(),
            routes: routes(wanted).map_err(|error| ApiError::field(&path, error))?,
            upstream: wanted.upstream.clone(),
            profile: wanted.profile,
            staleness,
            rules: wanted.rules.clone(),
            task_execution_from: execution.map(|t| t.allow_from.clone()).unwrap_or_default(),
            managed_by: found
                .as_ref()
                .map_or(ManagedBy::Apply, |found| found.managed_by),
            revision: found.as_ref().map_or(0, |found| found.revision),
        };
        match found {
            None => {
                self.write.deployments().insert(&deployment).await?;
                self.note(ChangeOp::Create, "deployment", path, "");
            }
            Some(found) if found != deployment => {
                self.write.deployments().update(&deployment).await?;
                let detail = difference(&found, &deployment);
                self.note(ChangeOp::Update, "deployment", path, detail);
            }
            Some(_) => {}
        }
        Ok(deployment.id)
    }
}

fn routes(wanted: &Wanted) -> Result<Vec<Route>, String> {
    let parse = |route: aeolus_api::tenancy::Route| {
        let host = HostPattern::parse(&route.host).map_err(|error| error.to_string())?;
        let prefix = route
            .path_prefix
            .as_deref()
            .map(PathPrefix::parse)
            .transpose();
        let path_prefix = prefix.map_err(|error| error.to_string())?;
        Ok(Route { host, path_prefix })
    };
    wanted.routes().into_iter().map(parse).collect()
}

fn difference(old: &Deployment, new: &Deployment) -> String {
    let parts = [
        ("plane", old.plane != new.plane),
        ("hosts", old.routes != new.routes),
        ("upstream", old.upstream != new.upstream),
        ("profile", old.profile != new.profile),
        ("staleness", old.staleness != new.staleness),
        ("rules", old.rules != new.rules),
        (
            "taskExecution",
            old.task_execution_from != new.task_execution_from,
        ),
    ];
    let changed = parts.iter().filter(|(_, differs)| *differs);
    changed
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}
