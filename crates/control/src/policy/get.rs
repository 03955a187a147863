//! `GET /v1/organizations/{o}/policy`.

use aeolus_api::policy::PolicyShown;
use aeolus_model::Permission;
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::seen::{Tag, Tagged};

/// Shows the rules, with the revision that a change has to name.
pub(crate) async fn get(
    ctx: Ctx,
    Path(organization): Path<String>,
) -> Result<Tagged<PolicyShown>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationConfigGet, &path)?;
    let shown = PolicyShown {
        policy: super::of(&organization)?,
        revision: organization.revision,
    };
    Ok(Tagged(Tag::of_revision(shown.revision), shown))
}
