//! `POST /v1/organizations/{o}/tokens`: a new token; its value is in this answer and nowhere else.

use aeolus_api::token::{TokenCreate, TokenCreated, TokenScope as Reach};
use aeolus_keys::claims::{Api, ApiKind};
use aeolus_keys::{Kind, digest};
use aeolus_model::{
    Action, Actor, ApiToken, Grant, GrantId, OrganizationId, Permission, Role, Scope, Subject,
    Time, TokenId, TokenScope, TokenStage, UserId,
};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _, Write};
use axum::extract::Path;
use http::StatusCode;

use super::{policy, view};
use crate::app::App;
use crate::authority::path_within;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::planes::{Change, wait_for};

const DAY: u64 = 86_400;

/// Makes a token. Nobody can give it more than they hold themselves, judged again inside the
/// transaction that makes it (A9, A11).
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
    Json(body): Json<TokenCreate>,
) -> Result<(StatusCode, axum::Json<TokenCreated>), ApiError> {
    let wait = super::list::wants_planes(&query)?;
    let Actor::User(creator) = ctx.actor else {
        let what = "a person's credential: tokens don't make tokens";
        return Err(ApiError::Forbidden(what.to_owned()));
    };
    check_text(&body)?;
    let mut write = ctx.app.store.write().await?;
    let authority = ctx.authority(&mut write).await?;
    let organization = authority.organization(&mut write, &organization).await?;
    let scope = scope_of(&body, organization.id)?;
    let path = path_within(&mut write, organization.id, scope.resource()).await?;
    let path = path.ok_or(ApiError::NotFound("entity"))?;
    authority.require(permission(body.scope), &path)?;
    authority.require_covers(body.role, &path)?;
    let days = policy::days(
        &organization.policy,
        body.scope,
        body.token_expiry_period_in_days,
    )?;
    let token = insert(&ctx, &mut write, &body, (creator, scope, days)).await?;
    let event = ctx.event(Action::TokenCreate, Some(organization.id), token.id);
    write.audit(event);
    let record = view::view(&mut write, &token).await?;
    let value = value(&ctx.app, &token)?;
    let seq = ctx.app.commit(write).await?;
    let planes = if wait {
        let change = Change::Any(seq);
        Some(wait_for(&ctx.app, Some(organization.id), change).await?)
    } else {
        None
    };
    let created = TokenCreated {
        token: value,
        record,
        seq,
        planes,
    };
    Ok((StatusCode::CREATED, axum::Json(created)))
}

fn check_text(body: &TokenCreate) -> Result<(), ApiError> {
    let plain = |text: &str| !text.chars().any(char::is_control);
    let characters = body.name.chars().count();
    if !(1..=120).contains(&characters) || !plain(&body.name) || body.name.trim() != body.name {
        return Err(ApiError::field(
            "name",
            "use 1 to 120 characters on one line",
        ));
    }
    if body.description.chars().count() > 1000 || !plain(&body.description) {
        return Err(ApiError::field(
            "description",
            "use up to 1000 characters on one line",
        ));
    }
    Ok(())
}

/// The scope, and that the role is one that is given there.
fn scope_of(body: &TokenCreate, organization: OrganizationId) -> Result<TokenScope, ApiError> {
    let missing = || ApiError::field("entityId", "say which, by its id");
    let entity = body.entity_id.as_deref();
    let (scope, wanted) = match body.scope {
        Reach::Organization => {
            let same = entity.is_none_or(|id| id == organization.to_string());
            let scope = same.then_some(TokenScope::Organization(organization));
            (
                scope.ok_or(ApiError::NotFound("entity"))?,
                Scope::Organization,
            )
        }
        Reach::Workspace => {
            let id = entity.and_then(|id| id.parse().ok()).ok_or_else(missing)?;
            (TokenScope::Workspace(id), Scope::Workspace)
        }
        Reach::Deployment => {
            let id = entity.and_then(|id| id.parse().ok()).ok_or_else(missing)?;
            (TokenScope::Deployment(id), Scope::Deployment)
        }
    };
    if body.role.scope() == wanted {
        Ok(scope)
    } else {
        Err(ApiError::field("role", wrong_role(body.role, body.scope)))
    }
}

fn wrong_role(role: Role, scope: Reach) -> String {
    let prefix = match scope {
        Reach::Organization => "ORGANIZATION_",
        Reach::Workspace => "WORKSPACE_",
        Reach::Deployment => "DEPLOYMENT_",
    };
    format!(
        "{} is not given there; use a role that begins with {prefix}",
        role.name()
    )
}

const fn permission(scope: Reach) -> Permission {
    match scope {
        Reach::Organization => Permission::OrganizationServiceAccountsCreate,
        Reach::Workspace => Permission::WorkspaceServiceAccountsCreate,
        Reach::Deployment => Permission::DeploymentServiceAccountsCreate,
    }
}

async fn insert(
    ctx: &Ctx,
    write: &mut Write,
    body: &TokenCreate,
    (creator, scope, days): (UserId, TokenScope, u32),
) -> Result<ApiToken, ApiError> {
    let (clock, rng) = (&*ctx.app.clock, &*ctx.app.rng);
    // Whole seconds: what the value says and what the record says are the same moments.
    let now = Time::from_secs(clock.now().secs());
    let organization = match scope {
        TokenScope::Organization(id) => id,
        TokenScope::Workspace(id) => {
            let found = write.workspaces().get(id).await?;
            found.ok_or(ApiError::NotFound("entity"))?.organization
        }
        TokenScope::Deployment(id) => {
            let found = write.deployments().get(id).await?;
            found.ok_or(ApiError::NotFound("entity"))?.organization
        }
    };
    let index = write.revocations().allocate(organization, rng).await?;
    let token = ApiToken {
        id: TokenId::new(clock, rng),
        organization,
        name: body.name.clone(),
        description: body.description.clone(),
        scope,
        created_by: creator,
        created_at: now,
        stage: TokenStage::Active {
            jti: digest::random_token(rng, 16).expose().clone(),
            index,
            expires_at: now.plus(std::time::Duration::from_secs(u64::from(days) * DAY)),
        },
    };
    write.tokens().insert(&token).await?;
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(clock, rng),
            subject: Subject::Token(token.id),
            role: body.role,
            resource: scope.resource(),
        },
        organization: Some(organization),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&grant).await?;
    Ok(token)
}

fn value(app: &App, token: &ApiToken) -> Result<String, ApiError> {
    let TokenStage::Active {
        jti,
        index,
        expires_at,
    } = &token.stage
    else {
        return Err(ApiError::internal("a new token is not active"));
    };
    let claims = Api {
        iss: app.issuer.clone(),
        aud: format!("urn:aeolus:org:{}", token.organization),
        sub: token.id,
        client_id: token.id,
        iat: token.created_at.secs(),
        nbf: token.created_at.secs(),
        exp: expires_at.secs(),
        jti: jti.clone(),
        idx: *index,
        ent: token.scope.resource(),
        surfaces: None,
        kind: ApiKind,
    };
    let signed = app.keys.api().sign(Kind::Api, &claims);
    signed.map_err(ApiError::internal)
}
