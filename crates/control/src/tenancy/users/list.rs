//! `GET /v1/organizations/{o}/users`.

use std::collections::BTreeMap;

use aeolus_api::Page;
use aeolus_api::tenancy::User;
use aeolus_model::{Permission, Resource, RoleName, Subject, UserId};
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
    let mut people: BTreeMap<UserId, Option<RoleName>> = BTreeMap::new();
    for record in view.grants().in_organization(organization.id).await? {
        if let Subject::User(id) = record.grant.subject {
            let role = people.entry(id).or_default();
            if let Resource::Organization(_) = record.grant.resource {
                // The highest comes first, and all built-in ones before the organization's own.
                let name = record.grant.role.name();
                *role = Some(role.take().map_or(name.clone(), |held| held.min(name)));
            }
        }
    }
    let mut names = view.introductions().names(organization.id).await?;
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let after = |id: &UserId| page.after.is_none_or(|after| *id > after);
    let mut ids = people.into_iter().filter(|(id, _)| after(id));
    let mut items = Vec::new();
    for (id, role) in ids.by_ref().take(limit) {
        if let Some(user) = view.users().get(id).await? {
            items.push(User {
                id,
                email: user.email,
                name: names.remove(&id).unwrap_or(user.name),
                role,
            });
        }
    }
    let more = ids.next().is_some();
    let last = items.last().map(|user| user.id.to_string());
    Ok(Json(Page {
        next_cursor: last.filter(|_| more),
        items,
    }))
}
