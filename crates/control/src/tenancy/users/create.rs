//! `POST /v1/organizations/{o}/users`: adds a person to an organization.

use aeolus_api::tenancy::{Created, User, UserCreate};
use aeolus_model::{Action, Grant, GrantId, OrganizationId, Permission, Resource, Subject, UserId};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _, Write};
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;
use crate::people;
use crate::tenancy::roles;

/// Adds somebody with a role in the organization. If the installation has no account with the
/// address yet, one is made, without a password: an administrator sets one by `apply`, or the
/// person comes through an identity provider.
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(body): Json<UserCreate>,
) -> Result<Reply<Created<User>>, ApiError> {
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationIamUpdate, &path)?;
    let resource = Resource::Organization(organization.id);
    let role = roles::resolve(&mut write, organization.id, &body.role, &path).await?;
    authority.require_covers(&role, &path)?;
    let user = find_or_make(&ctx, &mut write, (organization.id, &body)).await?;
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*ctx.app.clock, &*ctx.app.rng),
            subject: Subject::User(user.id),
            role: role.clone(),
            resource,
        },
        organization: Some(organization.id),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&grant).await?;
    write.audit(ctx.event(Action::UserCreate, Some(organization.id), user.id));
    let item = User {
        id: user.id,
        email: user.email,
        name: user.name,
        role: Some(role.name()),
    };
    ctx.created(write, |seq| Created { item, seq }).await
}

async fn find_or_make(
    ctx: &Ctx,
    write: &mut Write,
    (organization, body): (OrganizationId, &UserCreate),
) -> Result<aeolus_store::User, ApiError> {
    if let Some(user) = write.users().by_email(&body.email).await? {
        people::require_proved(write, &user, Some(organization)).await?;
        return Ok(user);
    }
    let name = body.name.clone().unwrap_or_else(|| body.email.to_string());
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(ApiError::field(
            "name",
            "use 1 to 200 characters on one line",
        ));
    }
    let user = aeolus_store::User {
        id: UserId::new(&*ctx.app.clock, &*ctx.app.rng),
        email: body.email.clone(),
        name,
        password_hash: None,
        disabled_at: None,
        created_at: ctx.app.clock.now(),
        managed_by: ManagedBy::Api,
        revision: 0,
    };
    write.users().insert(&user).await?;
    Ok(user)
}
