//! `POST /v1/organizations/{o}/workspaces`.

use aeolus_api::tenancy::{Created, NamedCreate, Workspace};
use aeolus_model::{Action, Permission, WorkspaceId};
use aeolus_store::{ManagedBy, Unit as _};
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;

/// Makes a workspace.
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(body): Json<NamedCreate>,
) -> Result<Reply<Created<Workspace>>, ApiError> {
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationWorkspacesCreate, &path)?;
    let workspace = aeolus_store::Workspace {
        id: WorkspaceId::new(&*ctx.app.clock, &*ctx.app.rng),
        organization: organization.id,
        name: body.name,
        managed_by: ManagedBy::Api,
        revision: 0,
    };
    write.workspaces().insert(&workspace).await?;
    write.audit(ctx.event(Action::WorkspaceCreate, Some(organization.id), workspace.id));
    let item = super::shown(workspace);
    ctx.created(write, |seq| Created { item, seq }).await
}
