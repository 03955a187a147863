//! `POST /v1/organizations/{o}/workspaces`.

use aeolus_api::tenancy::{Created, NamedCreate, Workspace};
use aeolus_model::{Action, Permission, WorkspaceId};
use aeolus_store::{ManagedBy, Unit as _};
use axum::extract::Path;
use http::StatusCode;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;

/// Makes a workspace.
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(body): Json<NamedCreate>,
) -> Result<(StatusCode, axum::Json<Created<Workspace>>), ApiError> {
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
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
    let seq = ctx.app.commit(write).await?;
    let item = super::shown(workspace);
    Ok((StatusCode::CREATED, axum::Json(Created { item, seq })))
}
