//! Workspaces of an organization.

mod create;
mod delete;
mod get;
mod list;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;

use aeolus_model::OrganizationId;
use aeolus_store::{Unit, Workspace};

use crate::error::ApiError;

fn shown(workspace: Workspace) -> aeolus_api::tenancy::Workspace {
    aeolus_api::tenancy::Workspace {
        id: workspace.id,
        organization_id: workspace.organization,
        name: workspace.name,
    }
}

/// A workspace by id or name.
async fn find(
    unit: &mut impl Unit,
    organization: OrganizationId,
    text: &str,
) -> Result<Workspace, ApiError> {
    let found = match text.parse() {
        Ok(id) => crate::authority::workspace_in(unit, organization, id).await?,
        Err(_) => match text.parse() {
            Ok(name) => unit.workspaces().by_name(organization, &name).await?,
            Err(_) => None,
        },
    };
    found.ok_or(ApiError::NotFound("workspace"))
}
