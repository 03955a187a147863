//! `POST /v1/organizations/{o}/tokens/{id}/roles`: what a token may do, and where.

use aeolus_api::token::{Token, TokenRole, TokenRoles, TokenScope as Reach};
use aeolus_model::{
    Action, ApiToken, Change, Grant, GrantId, GrantedRole, OrganizationId, Resource, Subject,
    TokenKind, TokenScope,
};
use aeolus_store::{GrantRecord, ManagedBy, Unit, Write};
use axum::extract::Path as Params;

use super::get::{find, may_change, require_read};
use super::view;
use crate::app::App;
use crate::authority::{Path, path_within};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;
use crate::tenancy::roles;

/// A role that a token has somewhere.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) role: GrantedRole,
    pub(super) resource: Resource,
}

impl Held {
    pub(super) const fn new(role: GrantedRole, resource: Resource) -> Self {
        Self { role, resource }
    }

    pub(super) fn of(record: &GrantRecord) -> Self {
        Self::new(record.grant.role.clone(), record.grant.resource)
    }

    fn is(&self, other: &Self) -> bool {
        self.role.is(&other.role) && self.resource == other.resource
    }

    fn is_among(&self, all: &[Self]) -> bool {
        all.iter().any(|held| held.is(self))
    }
}

/// Gives a token these roles and no others. What it has already is left alone, so who takes a role
/// away need not hold it; what is new must be held by who gives it.
pub(crate) async fn set(
    ctx: Ctx,
    Params((organization, token)): Params<(String, String)>,
    Json(body): Json<TokenRoles>,
) -> Result<Reply<Token>, ApiError> {
    let by = super::person(&ctx)?;
    let now = ctx.app.clock.now();
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let token = find(&mut write, &authority, (organization.id, &token)).await?;
    may_change(&mut write, &authority, &token).await?;
    require_read(&ctx, &mut write, token.id).await?;
    if token.kind != TokenKind::Standard {
        let what = "the roles of a direct access token are in its values; make another token";
        return Err(ApiError::Conflict(what.to_owned()));
    }
    if body.roles.is_empty() {
        let what = "name at least one; delete a token that shall do nothing";
        return Err(ApiError::field("roles", what));
    }
    // From here on nobody else changes it, so these roles are all that it has in the end.
    write.tokens().touch(&token, (now, by)).await?;
    let before = write.grants().of(Subject::Token(token.id)).await?;
    let had: Vec<Held> = before.iter().map(Held::of).collect();
    let mut wanted: Vec<Held> = Vec::new();
    for role in &body.roles {
        let (held, path) = resolve(&mut write, (token.scope, organization.id), role).await?;
        if !held.is_among(&had) {
            authority.require_covers(&held.role, &path)?;
        }
        if !held.is_among(&wanted) {
            wanted.push(held);
        }
    }
    let mut changes = Vec::new();
    for (record, held) in before.iter().zip(&had) {
        if !held.is_among(&wanted) {
            write.grants().delete(record.grant.id).await?;
            changes.push(Change::from("role", view::role_text(held)));
        }
    }
    wanted.retain(|held| !held.is_among(&had));
    give(&ctx.app, &mut write, &token, &wanted).await?;
    let new = wanted.iter().map(view::role_text);
    changes.extend(new.map(|text| Change::to("role", text)));
    if !changes.is_empty() {
        let mut event = ctx.event(Action::TokenRoles, Some(organization.id), token.id);
        event.changes = changes;
        write.audit(event);
    }
    let shown = view::view(&mut write, token.id, now).await?;
    ctx.done(write, |_| shown).await
}

/// A role that is asked for, and the path of where, if it fits its place and that lies in the token's
/// scope.
pub(super) async fn resolve(
    unit: &mut impl Unit,
    (scope, organization): (TokenScope, OrganizationId),
    asked: &TokenRole,
) -> Result<(Held, Path), ApiError> {
    let resource = resource_of(organization, asked)?;
    let path = path_within(unit, organization, resource).await?;
    let path = path.ok_or(ApiError::NotFound("entity"))?;
    if !path.contains(&scope.resource()) {
        return Err(ApiError::field(
            "roles",
            "it lies outside the token's scope",
        ));
    }
    let role = roles::resolve(unit, organization, &asked.role, &path).await?;
    Ok((Held::new(role, resource), path))
}

fn resource_of(organization: OrganizationId, role: &TokenRole) -> Result<Resource, ApiError> {
    let wrong = || ApiError::field("roles", "say of what, by its entityId");
    Ok(match role.entity_type {
        Reach::Organization if role.entity_id == organization.to_string() => {
            Resource::Organization(organization)
        }
        Reach::Organization => return Err(ApiError::NotFound("entity")),
        Reach::Workspace => Resource::Workspace(role.entity_id.parse().map_err(|_| wrong())?),
        Reach::Deployment => Resource::Deployment(role.entity_id.parse().map_err(|_| wrong())?),
    })
}

/// Stores roles of a token.
pub(super) async fn give(
    app: &App,
    write: &mut Write,
    token: &ApiToken,
    roles: &[Held],
) -> Result<(), ApiError> {
    for held in roles {
        let grant = GrantRecord {
            grant: Grant {
                id: GrantId::new(&*app.clock, &*app.rng),
                subject: Subject::Token(token.id),
                role: held.role.clone(),
                resource: held.resource,
            },
            organization: Some(token.organization),
            managed_by: ManagedBy::Api,
        };
        write.grants().insert(&grant).await?;
    }
    Ok(())
}
