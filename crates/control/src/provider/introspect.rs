//! `POST /oauth2/introspect` (RFC 7662): whether a token is good at this moment and what it says, for
//! those who may know. Everybody else learns the same as of a token that never was (O19).

use aeolus_api::oauth::{Introspection, REFRESH_TOKEN_PREFIX};
use aeolus_keys::claims::{Access, Api};
use aeolus_keys::{Kind, jws};
use aeolus_model::{Actor, FamilyStage, OrganizationId, PlaneId, RefreshToken, TokenId, UserId};
use aeolus_store::{Read, Unit as _};
use axum::Json;
use axum::extract::{Request, State};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::client::Client;
use super::failure::OAuthFailure;
use super::params::Params;
use super::refresh;
use super::token::{authenticate, read_form};
use crate::app::App;
use crate::auth;
use crate::authority::Authority;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::signin::session;
use crate::tokens::may_see;

/// Who asks.
enum Caller {
    /// A client of the provider. The command line proves nothing: it learns of refresh tokens alone,
    /// with which it could do more than ask.
    Client(Client),
    /// A person, by an access token for control.
    User(UserId),
    /// A program, by an API token.
    Token(TokenId),
}

/// Introspects. `token_type_hint` is not needed: a token's form says what it is.
pub(crate) async fn introspect(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Introspection>, OAuthFailure> {
    let form = read_form(request).await?;
    let caller = caller(&app, &info, (&headers, &form)).await?;
    let token = form.get("token");
    let token = token.ok_or(OAuthFailure::Request("there is no token"))?;
    let mut view = app.store.read().await?;
    let said = if token.starts_with(REFRESH_TOKEN_PREFIX) {
        of_refresh(&app, &mut view, &caller, token).await
    } else {
        of_signed(&app, &mut view, &caller, token).await
    };
    match said {
        Ok(said) => Ok(Json(said.unwrap_or_default())),
        Err(ApiError::BadCredential(_)) => Ok(Json(Introspection::default())),
        Err(error) => Err(error.into()),
    }
}

/// A bearer or a client, never both (RFC 6749 §2.3).
async fn caller(
    app: &App,
    info: &RequestInfo,
    (headers, form): (&HeaderMap, &Params),
) -> Result<Caller, OAuthFailure> {
    if !headers.contains_key(AUTHORIZATION) {
        return authenticate(app, info, form).await.map(Caller::Client);
    }
    if form.get("client_id").is_some() || form.get("client_assertion").is_some() {
        return Err(OAuthFailure::Request("authenticate in one way only"));
    }
    match auth::bearer(app, headers).await {
        Ok((Actor::User(id), _)) => Ok(Caller::User(id)),
        Ok((Actor::Token(id), _)) => Ok(Caller::Token(id)),
        Ok(_) | Err(ApiError::NoCredential | ApiError::BadCredential(_)) => {
            Err(OAuthFailure::Client)
        }
        Err(error) => Err(error.into()),
    }
}

async fn of_signed(
    app: &App,
    view: &mut Read,
    caller: &Caller,
    token: &str,
) -> Result<Option<Introspection>, ApiError> {
    let Ok(token) = jws::parse(token.as_bytes()) else {
        return Ok(None);
    };
    let ring = app.keys.ring();
    let Some(kind) = ring.kind_of(&token.kid(), &[Kind::Access, Kind::Api]) else {
        return Ok(None);
    };
    let Ok(verified) = ring.verify(kind, token) else {
        return Ok(None);
    };
    if kind == Kind::Access {
        match verified.claims::<Access>() {
            Ok(claims) => of_access(app, view, caller, claims).await,
            Err(_) => Ok(None),
        }
    } else {
        match verified.claims::<Api>() {
            Ok(claims) => of_api(app, view, caller, claims).await,
            Err(_) => Ok(None),
        }
    }
}

/// Access tokens are shown to the person whose they are, and to planes that host their organization.
async fn of_access(
    app: &App,
    view: &mut Read,
    caller: &Caller,
    claims: Access,
) -> Result<Option<Introspection>, ApiError> {
    auth::live_session(app, view, &claims, &claims.aud).await?;
    let over = match claims.org {
        Some(organization) => view.sessions().is_over_in(claims.sid, organization).await?,
        None => false,
    };
    if over || is_past(app, claims.exp) {
        return Ok(None);
    }
    let seen = match (caller, claims.org) {
        (Caller::User(id), _) => *id == claims.sub,
        (Caller::Client(Client::Plane(plane)), Some(organization)) => {
            hosts(view, *plane, organization).await?
        }
        (Caller::Client(_) | Caller::Token(_), _) => false,
    };
    Ok(seen.then(|| Introspection {
        active: true,
        client_id: Some(claims.client_id),
        sub: Some(claims.sub.to_string()),
        aud: Some(claims.aud),
        iss: Some(claims.iss),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        jti: Some(claims.jti),
        token_type: Some("Bearer".to_owned()),
        auth_time: Some(claims.auth_time),
        acr: claims.acr,
        amr: claims.amr,
        ..Introspection::default()
    }))
}

/// API tokens are shown to themselves, to those that may see their kind where they reach, and to planes
/// that host their organization.
async fn of_api(
    app: &App,
    view: &mut Read,
    caller: &Caller,
    claims: Api,
) -> Result<Option<Introspection>, ApiError> {
    let token = auth::live_token(app, view, &claims).await?;
    if is_past(app, claims.exp) {
        return Ok(None);
    }
    let seen = match caller {
        Caller::Token(id) if *id == token.id => true,
        Caller::Token(id) => {
            let authority = Authority::load(app, view, &Actor::Token(*id)).await?;
            let place = (token.organization, token.scope.resource());
            may_see(view, &authority, place).await?
        }
        Caller::Client(Client::Plane(plane)) => hosts(view, *plane, token.organization).await?,
        Caller::Client(Client::Cli) | Caller::User(_) => false,
    };
    Ok(seen.then(|| Introspection {
        active: true,
        client_id: Some(claims.client_id.to_string()),
        sub: Some(claims.sub.to_string()),
        aud: Some(claims.aud),
        iss: Some(claims.iss),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        nbf: Some(claims.nbf),
        jti: Some(claims.jti),
        token_type: Some("Bearer".to_owned()),
        ..Introspection::default()
    }))
}

/// Refresh tokens are shown to their own client. One that was spent is not good, and asking about it is no
/// use of it.
async fn of_refresh(
    app: &App,
    view: &mut Read,
    caller: &Caller,
    token: &str,
) -> Result<Option<Introspection>, ApiError> {
    let (Caller::Client(client), Some(RefreshToken::Current { family, .. })) =
        (caller, refresh::find(view, token).await?)
    else {
        return Ok(None);
    };
    if family.client_id != client.id() || family.stage != FamilyStage::Alive {
        return Ok(None);
    }
    let alive = session::alive(app, view, family.session).await?;
    Ok(alive.map(|(session, _)| Introspection {
        active: true,
        client_id: Some(family.client_id),
        sub: Some(session.user.to_string()),
        aud: Some(family.audience),
        iss: Some(app.issuer.clone()),
        exp: Some(session.absolute_end.secs()),
        scope: Some(family.scope),
        ..Introspection::default()
    }))
}

/// Whoever asks acts on the answer, so the leeway that other machines' clocks get has no place here.
fn is_past(app: &App, exp: i64) -> bool {
    exp <= app.clock.now().secs()
}

async fn hosts(
    view: &mut Read,
    plane: PlaneId,
    organization: OrganizationId,
) -> Result<bool, ApiError> {
    let hosted = view.deployments().on_plane(plane).await?;
    Ok(hosted.iter().any(|d| d.organization == organization))
}
