//! `POST /v1/organizations/{o}/tokens`: a new token; its value is in this answer and nowhere else.

use aeolus_api::token::{TokenCreate, TokenCreated, TokenKind as Kind, TokenScope as Reach};
use aeolus_model::{
    Action, ApiToken, BuiltIns, GrantedRole, OrganizationId, Permission, Resource, Role, RoleName,
    TokenId, TokenKind, TokenScope, TokenStage, direct_ceiling,
};
use aeolus_store::{Unit as _, Write};
use axum::extract::Path;
use http::StatusCode;

use super::permission::{Deed, permission};
use super::roles::{self, Held};
use super::{bounds, text, value, view};
use crate::authority::{Authority, path_within};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::once::Reply;
use crate::planes::Wait;
use crate::{policy, tenancy};

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
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let scope = scope_of(&body, organization.id)?;
    let path = path_within(&mut write, organization.id, scope.resource()).await?;
    let path = path.ok_or(ApiError::NotFound("entity"))?;
    let role = first_role(&authority, &mut write, &body, (organization.id, &path)).await?;
    authority.require_covers(&role, &path)?;
    let mut held = vec![Held::new(role, scope.resource())];
    match body.kind {
        Kind::Standard => authority.require(permission(Deed::Make, scope.resource()), &path)?,
        Kind::DirectAccess => authority.require_owner(organization.id)?,
    }
    for role in &body.roles {
        let (more, path) = roles::resolve(&mut write, (scope, organization.id), role).await?;
        authority.require_covers(&more.role, &path)?;
        held.push(more);
    }
    let kind = kind_of(&body, &held, authority.built_ins())?;
    let rules = policy::of(&organization)?;
    let quota = ctx.app.meters.of(&organization, ctx.app.clock.now());
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
async fn first_role(
    authority: &Authority,
    write: &mut Write,
    body: &TokenCreate,
    (organization, path): (OrganizationId, &[Resource]),
) -> Result<GrantedRole, ApiError> {
    let wrong = |what: &str| Err(ApiError::field("role", what));
    match (body.kind, &body.role) {
        (Kind::Standard, None) => wrong("say what it may do there"),
        (Kind::Standard, Some(role)) => {
            tenancy::roles::resolve(write, organization, role, path).await
        }
        (Kind::DirectAccess, Some(RoleName::Custom(_))) => wrong(
            "gates judge a direct access token by itself, and know no organization's own roles: use a \
             built-in role, narrowed by `permissions`",
        ),
        (Kind::DirectAccess, Some(RoleName::BuiltIn(role))) => direct_role(authority, *role),
        (Kind::DirectAccess, None) => direct_role(authority, Role::WorkspaceOperator),
    }
}

fn direct_role(authority: &Authority, role: Role) -> Result<GrantedRole, ApiError> {
    let allows = authority.built_ins().of(role);
    let most = direct_ceiling(None);
    let what = "a direct access token has at most WORKSPACE_OPERATOR's power on deployments; use a \
                WORKSPACE_ or DEPLOYMENT_ role within it";
    (most.covers(allows) && !allows.is_empty())
        .then_some(GrantedRole::BuiltIn(role))
        .ok_or_else(|| ApiError::field("role", what))
}

/// Where the authority is kept, and for direct access tokens what is left of it: gates know their roles
/// as they are shipped, so where one was customised its permissions are named.
fn kind_of(body: &TokenCreate, held: &[Held], built_ins: &BuiltIns) -> Result<TokenKind, ApiError> {
    let wrong = |at, what: &str| Err(ApiError::field(at, what));
    let mut own = held.iter().map(|held| held.role.permissions(built_ins));
    let own = own.next().unwrap_or_default();
    let customised = held.iter().any(|held| match held.role {
        GrantedRole::BuiltIn(role) => built_ins.is_customised(role),
        GrantedRole::Custom(_) => true,
    });
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
        (Kind::DirectAccess, None) => Ok(TokenKind::Direct {
            permissions: customised.then(|| own.iter().collect()),
        }),
        (Kind::DirectAccess, Some(named)) => {
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
