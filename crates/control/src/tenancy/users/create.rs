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
use crate::policy;
use crate::sessions::belongs;
use crate::tenancy::roles;

/// Adds somebody with a role in the organization. If the installation has no account with the
/// address yet, one is made, without a password: an administrator sets one by `apply`, or the
/// person comes through an identity provider. Whether there was one shows neither in the answer nor later: the
/// person is called what the caller calls them until they come, and who has the address at their own word alone is
/// not taken for them (A1).
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
    policy::refuse_for_people(&organization)?;
    let name = name_of(&body)?;
    let (id, is_new_here) = find_or_make(&ctx, &mut write, (organization.id, &body)).await?;
    let name = if is_new_here {
        let whose = (organization.id, id);
        write.introductions().insert(whose, &name).await?;
        name
    } else {
        let user = write.users().get(id).await?;
        let own = user.map_or(name, |user| user.name);
        let introduced = write.introductions().name(organization.id, id).await?;
        introduced.unwrap_or(own)
    };
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*ctx.app.clock, &*ctx.app.rng),
            subject: Subject::User(id),
            role: role.clone(),
            resource,
        },
        organization: Some(organization.id),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&grant).await?;
    write.audit(ctx.event(Action::UserCreate, Some(organization.id), id));
    let item = User {
        id,
        email: body.email,
        name,
        role: Some(role.name()),
    };
    ctx.created(write, |seq| Created { item, seq }).await
}

/// What the caller calls somebody. It is judged before anybody is looked for.
fn name_of(body: &UserCreate) -> Result<String, ApiError> {
    let name = body.name.clone().unwrap_or_else(|| body.email.to_string());
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(ApiError::field(
            "name",
            "use 1 to 200 characters on one line",
        ));
    }
    Ok(name)
}

/// The account of an address, and whether its person has held nothing in the organization until now.
async fn find_or_make(
    ctx: &Ctx,
    write: &mut Write,
    (organization, body): (OrganizationId, &UserCreate),
) -> Result<(UserId, bool), ApiError> {
    let new = aeolus_store::User {
        id: UserId::random(&*ctx.app.rng),
        email: body.email.clone(),
        name: name_of(body)?,
        password_hash: None,
        disabled_at: None,
        created_at: ctx.app.clock.now(),
        managed_by: ManagedBy::Api,
        revision: 0,
    };
    let user = people::waiting::add(&ctx.app, write, organization, new).await?;
    let inside = belongs(write, organization, user.id).await?;
    Ok((user.id, !inside))
}
