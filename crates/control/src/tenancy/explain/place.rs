//! Where, by id or by names.

use aeolus_model::{OrganizationId, Resource, Scope};
use aeolus_store::{Deployment, Read, Unit, Workspace};

use crate::authority::{Authority, Path, deployment_path, organization_path, workspace_path};
use crate::error::ApiError;

/// An organization, or something in one.
pub(super) struct Place {
    pub(super) organization: OrganizationId,
    /// Itself and what is above, nearest first.
    pub(super) path: Path,
    /// The names of those.
    names: Vec<String>,
}

impl Place {
    /// `acme/sales/etl`, as far down as is meant, or an id. Whoever may not know of the organization is
    /// told that there is no such resource.
    pub(super) async fn find(
        view: &mut Read,
        authority: &Authority,
        text: &str,
    ) -> Result<Self, ApiError> {
        let by_id = by_id(view, text).await?;
        let (above, below) = text.split_once('/').unwrap_or((text, ""));
        let organization = match &by_id {
            Some((workspace, _)) => workspace.organization.to_string(),
            None => above.to_owned(),
        };
        let organization = authority.organization(view, &organization).await;
        let organization = organization.map_err(|error| match error {
            ApiError::NotFound(_) => ApiError::NotFound("resource"),
            other => other,
        })?;
        let name = organization.name.to_string();
        let found = match by_id {
            None if below.is_empty() => None,
            None => Some(by_names(view, organization.id, below).await?),
            found => found,
        };
        let (path, mut names) = match found {
            None => (organization_path(organization.id), Vec::new()),
            Some((workspace, deployment)) => {
                let inside = format!("{name}/{}", workspace.name);
                match deployment {
                    None => (workspace_path(&workspace), vec![inside]),
                    Some(deployment) => {
                        let itself = format!("{inside}/{}", deployment.name);
                        (deployment_path(&deployment), vec![itself, inside])
                    }
                }
            }
        };
        names.push(name);
        Ok(Self {
            organization: organization.id,
            path,
            names,
        })
    }

    pub(super) fn resource(&self) -> Resource {
        self.path.first().copied().unwrap_or(Resource::System)
    }

    pub(super) fn scope(&self) -> Scope {
        self.resource().scope()
    }

    /// What is so many steps above it, by name.
    pub(super) fn name(&self, steps: usize) -> String {
        self.names.get(steps).map_or("*", String::as_str).to_owned()
    }
}

type Inside = (Workspace, Option<Deployment>);

/// A workspace or deployment by its id.
async fn by_id(view: &mut Read, text: &str) -> Result<Option<Inside>, ApiError> {
    let (Ok(deployment), Ok(workspace)) = (text.parse(), text.parse()) else {
        return Ok(None);
    };
    let deployment = view.deployments().get(deployment).await?;
    let workspace = deployment.as_ref().map_or(workspace, |d| d.workspace);
    let workspace = view.workspaces().get(workspace).await?;
    Ok(workspace.map(|workspace| (workspace, deployment)))
}

/// `sales` or `sales/etl`.
pub(in crate::tenancy) async fn by_names(
    view: &mut impl Unit,
    organization: OrganizationId,
    text: &str,
) -> Result<Inside, ApiError> {
    let none = || ApiError::NotFound("resource");
    let (workspace, deployment) = match text.split_once('/') {
        None => (text, None),
        Some((workspace, deployment)) => (workspace, Some(deployment)),
    };
    let workspace = workspace.parse().map_err(|_| none())?;
    let workspace = view.workspaces().by_name(organization, &workspace).await?;
    let workspace = workspace.ok_or_else(none)?;
    let Some(deployment) = deployment else {
        return Ok((workspace, None));
    };
    let deployment = deployment.parse().map_err(|_| none())?;
    let found = view
        .deployments()
        .by_name(workspace.id, &deployment)
        .await?;
    Ok((workspace, Some(found.ok_or_else(none)?)))
}
