//! `POST /v1/organizations/{o}/tokens`: a new token; its value is in this answer and nowhere else.

use aeolus_api::token::{TokenCreate, TokenCreated, TokenKind as Kind, TokenScope as Reach};
use aeolus_model::{
    Action, ApiToken, OrganizationId, Permission, Role, TokenId, TokenKind, TokenScope, TokenStage,
};
use aeolus_store::Unit as _;
use axum::extract::Path;
use http::StatusCode;

use super::permission::{Deed, permission};
use super::roles::{self, Held};
use super::{bounds, text, value, view};
use crate::authority::{Authority, organization_path, path_within};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::once::{Reply, Wait};
use crate::policy;

/// Makes a token. Nobody can give it more than they hold themselves, judged again inside the
/// transaction that makes it (A9, A11).
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
    Json(body): Json<TokenCreate>,
) -> Result<Reply<TokenCreated>, ApiError> {
    let wait = super::wants_planes(&query)?;
    let creator = super::person(&ctx)?;
    text::name(&body.name)?;
    text::description(&body.description)?;
    let mut write = ctx.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let scope = scope_of(&body, organization.id)?;
    let path = path_within(&mut write, organization.id, scope.resource()).await?;
    let path = path.ok_or(ApiError::NotFound("entity"))?;
    let first = Held::new(first_role(&body)?, scope.resource());
    let mut held = vec![first];
    match body.kind {
        Kind::Standard => authority.require(permission(Deed::Make, scope.resource()), &path)?,
        Kind::DirectAccess => may_make_direct(&authority, organization.id)?,
    }
    authority.require_covers(first.role, &path)?;
    for role in &body.roles {
        held.push(roles::resolve(&mut write, &authority, (scope, organization.id), role).await?);
    }
    let kind = kind_of(&body, first)?;
    let rules = policy::of(&organization)?;
    let quota = ctx.app.meters.of(&organization);
    bounds::room(&mut write, organization.id, (&rules, &quota)).await?;
    let days = bounds::days(&rules, body.scope, body.token_expiry_period_in_days)?;
    let value = value::allocate(&ctx.app, &mut write, organization.id, days).await?;
    let token = ApiToken {
        id: TokenId::new(&*ctx.app.clock, &*ctx.app.rng),
        organization: organization.id,
        name: body.name.clone(),
        description: body.description.clone(),
        scope,
        kind,
        created_by: creator,
        created_at: value.issued_at,
        stage: TokenStage::Active(value),
    };
    write.tokens().insert(&token).await?;
    roles::give(&ctx.app, &mut write, &token, &held).await?;
    let mut event = ctx.event(Action::TokenCreate, Some(organization.id), token.id);
    event.changes = view::created(&token, &held);
    write.audit(event);
    let record = view::view(&mut write, token.id, ctx.app.clock.now()).await?;
    let value = value::sign(&ctx.app, &token, &held)?;
    let wait = wait.then_some(Wait::any(Some(organization.id)));
    let shown = |seq| super::without_value(record, seq);
    let reply = ctx
        .awaited(write, (StatusCode::CREATED, wait), shown)
        .await?;
    Ok(reply.map(|created| super::with_value(created, value)))
}

/// The scope that is asked for.
fn scope_of(body: &TokenCreate, organization: OrganizationId) -> Result<TokenScope, ApiError> {
    let missing = || ApiError::field("entityId", "say which, by its id");
    let entity = body.entity_id.as_deref();
    let id = || entity.ok_or_else(missing);
    Ok(match body.scope {
        Reach::Organization => {
            let same = entity.is_none_or(|id| id == organization.to_string());
            let scope = same.then_some(TokenScope::Organization(organization));
            scope.ok_or(ApiError::NotFound("entity"))?
        }
        Reach::Workspace => TokenScope::Workspace(id()?.parse().map_err(|_| missing())?),
        Reach::Deployment => TokenScope::Deployment(id()?.parse().map_err(|_| missing())?),
    })
}

/// The role at the scope itself.
fn first_role(body: &TokenCreate) -> Result<Role, ApiError> {
    match (body.kind, body.role) {
        (Kind::Standard, None) => Err(ApiError::field("role", "say what it may do there")),
        (Kind::Standard, Some(role)) => roles::fits(role, body.scope).map(|()| role),
        (Kind::DirectAccess, role) => {
            let role = role.unwrap_or(Role::WorkspaceOperator);
            let most = Role::WorkspaceOperator.permissions();
            let within = most.covers(role.permissions()) && !role.permissions().is_empty();
            let what = "a direct access token has at most WORKSPACE_OPERATOR's power on deployments; \
                        use a WORKSPACE_ or DEPLOYMENT_ role within it";
            within
                .then_some(role)
                .ok_or_else(|| ApiError::field("role", what))
        }
    }
}

/// Only those who own the organization (rows X10, N11): being able to hand out its roles one by one
/// is not enough.
fn may_make_direct(authority: &Authority, organization: OrganizationId) -> Result<(), ApiError> {
    let path = organization_path(organization);
    authority.require(Permission::OrganizationDirectTokensCreate, &path)
}

/// Where the authority is kept, and for direct access tokens what is left of it.
fn kind_of(body: &TokenCreate, first: Held) -> Result<TokenKind, ApiError> {
    let wrong = |at, what: &str| Err(ApiError::field(at, what));
    match (body.kind, &body.permissions) {
        (Kind::Standard, None) => Ok(TokenKind::Standard),
        (Kind::Standard, Some(_)) => wrong(
            "permissions",
            "only direct access tokens are narrowed by permissions",
        ),
        (Kind::DirectAccess, _) if !body.roles.is_empty() => wrong(
            "roles",
            "a direct access token has one role; make another token",
        ),
        (Kind::DirectAccess, None) => Ok(TokenKind::Direct { permissions: None }),
        (Kind::DirectAccess, Some(named)) => {
            let own = first.role.permissions();
            let inside = |permission: &Permission| own.contains(*permission);
            if named.is_empty() || !named.iter().all(inside) {
                return wrong("permissions", "name one or more that the role has");
            }
            let mut named = named.clone();
            named.sort_unstable();
            named.dedup();
            Ok(TokenKind::Direct {
                permissions: Some(named),
            })
        }
    }
}
