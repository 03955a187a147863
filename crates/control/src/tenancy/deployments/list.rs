//! `GET /v1/organizations/{o}/deployments`.

use aeolus_api::Page;
use aeolus_api::tenancy::Deployment;
use aeolus_model::{DeploymentId, Permission};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::deployment_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists the deployments whose configuration the actor may see, oldest first.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Deployment>>, ApiError> {
    let page = query.page::<DeploymentId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let listing = view
        .deployments()
        .in_organization(organization.id, page)
        .await?;
    let seen = listing.items.into_iter().filter(|deployment| {
        authority.may(
            Permission::DeploymentConfigGet,
            &deployment_path(deployment),
        )
    });
    Ok(Json(Page {
        items: seen.map(super::shown).collect(),
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}
