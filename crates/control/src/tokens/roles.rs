//! `POST /v1/organizations/{o}/tokens/{id}/roles`: what a token may do, and where.

use aeolus_api::token::{Token, TokenRole, TokenRoles, TokenScope as Reach};
use aeolus_model::{
    Action, ApiToken, Change, Grant, GrantId, OrganizationId, Resource, Role, Scope, Subject,
    TokenKind, TokenScope,
};
use aeolus_store::{GrantRecord, ManagedBy, Unit, Write};
use axum::extract::Path;

use super::get::{find, may_change, require_read};
use super::view;
use crate::app::App;
use crate::authority::{Authority, path_within};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;

/// A role that a token has somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) role: Role,
    pub(super) resource: Resource,
}

impl Held {
    pub(super) const fn new(role: Role, resource: Resource) -> Self {
        Self { role, resource }
    }

    pub(super) const fn of(record: &GrantRecord) -> Self {
        Self::new(record.grant.role, record.grant.resource)
    }
}

/// Gives a token these roles and no others. What it has already is left alone, so who takes a role
/// away need not hold it; what is new must be held by who gives it.
pub(crate) async fn set(
    ctx: Ctx,
    Path((organization, token)): Path<(String, String)>,
    Json(body): Json<TokenRoles>,
) -> Result<Reply<Token>, ApiError> {
    let by = super::person(&ctx)?;
    let now = ctx.app.clock.now();
    let mut write = ctx.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
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
    let mut wanted = Vec::new();
    for role in &body.roles {
        let held = Held::new(role.role, resource_of(organization.id, role)?);
        if !before.iter().any(|record| Held::of(record) == held) {
            let within = (token.scope, organization.id);
            resolve(&mut write, &authority, within, role).await?;
        }
        if !wanted.contains(&held) {
            wanted.push(held);
        }
    }
    let mut changes = Vec::new();
    for record in &before {
        if !wanted.contains(&Held::of(record)) {
            write.grants().delete(record.grant.id).await?;
            changes.push(Change::from("role", view::role_text(Held::of(record))));
        }
    }
    wanted.retain(|held| !before.iter().any(|record| Held::of(record) == *held));
    give(&ctx.app, &mut write, &token, &wanted).await?;
    changes.extend(
        wanted
            .iter()
            .map(|held| Change::to("role", view::role_text(*held))),
    );
    if !changes.is_empty() {
        let mut event = ctx.event(Action::TokenRoles, Some(organization.id), token.id);
        event.changes = changes;
        write.audit(event);
    }
    let shown = view::view(&mut write, token.id, now).await?;
    ctx.done(write, |_| shown).await
}

/// A role that is asked for, if it fits its place, the place lies in the token's scope, and the actor
/// holds as much there.
pub(super) async fn resolve(
    unit: &mut impl Unit,
    authority: &Authority,
    (scope, organization): (TokenScope, OrganizationId),
    asked: &TokenRole,
) -> Result<Held, ApiError> {
    let resource = resource_of(organization, asked)?;
    fits(asked.role, asked.entity_type)?;
    let path = path_within(unit, organization, resource).await?;
    let path = path.ok_or(ApiError::NotFound("entity"))?;
    if !path.contains(&scope.resource()) {
        return Err(ApiError::field(
            "roles",
            "it lies outside the token's scope",
        ));
    }
    authority.require_covers(asked.role, &path)?;
    Ok(Held::new(asked.role, resource))
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

/// Refuses a role at a place it isn't given at.
pub(super) fn fits(role: Role, place: Reach) -> Result<(), ApiError> {
    let (scope, prefix) = match place {
        Reach::Organization => (Scope::Organization, "ORGANIZATION_"),
        Reach::Workspace => (Scope::Workspace, "WORKSPACE_"),
        Reach::Deployment => (Scope::Deployment, "DEPLOYMENT_"),
    };
    if role.scope() == scope {
        return Ok(());
    }
    let what = format!(
        "{} is not given there; use a role that begins with {prefix}",
        role.name()
    );
    Err(ApiError::field("role", what))
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
                role: held.role,
                resource: held.resource,
            },
            organization: Some(token.organization),
            managed_by: ManagedBy::Api,
        };
        write.grants().insert(&grant).await?;
    }
    Ok(())
}
