//! `GET /v1/organizations/{o}/users`.

use aeolus_api::Page;
use aeolus_api::tenancy::User;
use aeolus_model::{Permission, Resource, Subject, UserId};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists the people who hold a role anywhere in the organization, in the order of their ids. Whoever was added by
/// their address and hasn't come yet is called what they were called then.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<User>>, ApiError> {
    let page = query.page::<UserId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationUsersGet, &path)?;
    let people = view.grants().people(organization.id, page).await?;
    let mut items = Vec::new();
    for id in people.items {
        let Some(user) = view.users().get(id).await? else {
            continue;
        };
        let introduced = view.introductions().name(organization.id, id).await?;
        let held = view.grants().of(Subject::User(id)).await?;
        let here = held.into_iter().map(|record| record.grant);
        let here = here.filter(|grant| grant.resource == Resource::Organization(organization.id));
        items.push(User {
            id,
            email: user.email,
            name: introduced.unwrap_or(user.name),
            // The highest comes first, and all built-in ones before the organization's own.
            role: here.map(|grant| grant.role.name()).min(),
        });
    }
    Ok(Json(Page {
        items,
        next_cursor: people.next.map(|cursor| cursor.to_string()),
    }))
}
