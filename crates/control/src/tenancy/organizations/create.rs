//! `POST /v1/organizations`.

use aeolus_api::tenancy::{Created, NamedCreate, Organization};
use aeolus_model::{Action, OrganizationId, Permission};
use aeolus_store::{ManagedBy, Unit as _};

use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;

/// Makes an organization.
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<NamedCreate>,
) -> Result<Reply<Created<Organization>>, ApiError> {
    let mut write = ctx.write_for(Permission::SystemOrganizationsCreate).await?;
    let organization = aeolus_store::Organization {
        id: OrganizationId::new(&*ctx.app.clock, &*ctx.app.rng),
        name: body.name,
        policy: String::new(),
        quota: String::new(),
        managed_by: ManagedBy::Api,
        revision: 0,
    };
    write.organizations().insert(&organization).await?;
    let id = organization.id;
    write.audit(ctx.event(Action::OrganizationCreate, Some(id), id));
    let item = super::shown(organization);
    ctx.created(write, |seq| Created { item, seq }).await
}
