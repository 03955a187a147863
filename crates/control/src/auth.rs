//! From a bearer credential to an actor. Control has the records, so it asks them too: what was
//! revoked a moment ago is refused here at once.

use aeolus_keys::claims::{Access, Api, Registered as _, Surface};
use aeolus_keys::{Kind, jws};
use aeolus_model::{Actor, ApiToken, Secret, Session, Subject, Time};
use aeolus_store::{Unit, ValueRecord};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::app::App;
use crate::error::ApiError;

/// The one bearer credential of a request. Two `Authorization` headers are refused: a proxy in
/// between might have judged the other one.
pub(crate) fn bearer_text(headers: &HeaderMap) -> Result<Secret<String>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(ApiError::NoCredential),
        (Some(_), Some(_)) => return Err(ApiError::BadCredential("two Authorization headers")),
        (Some(value), None) => value.as_bytes(),
    };
    let (scheme, token) = value.split_at_checked(7).unwrap_or((value, b""));
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(ApiError::BadCredential("not a Bearer credential"));
    }
    let token = std::str::from_utf8(token).map_err(|_| ApiError::BadCredential("not text"))?;
    Ok(Secret::new(token.to_owned()))
}

/// Who a credential is of, and until when it is good by itself.
pub(crate) struct Known {
    pub(crate) actor: Actor,
    /// A person's session.
    pub(crate) session: Option<Session>,
    pub(crate) until: Time,
}

/// Who a bearer credential is: a person with an access token for control, or an API token.
pub(crate) async fn bearer(
    app: &App,
    headers: &HeaderMap,
) -> Result<(Actor, Option<Session>), ApiError> {
    let known = known(app, &bearer_text(headers)?).await?;
    Ok((known.actor, known.session))
}

/// The same, of a credential without what is around it.
pub(crate) async fn known(app: &App, text: &Secret<String>) -> Result<Known, ApiError> {
    let token =
        jws::parse(text.expose().as_bytes()).map_err(|_| ApiError::BadCredential("form"))?;
    let kind = app
        .keys
        .ring()
        .kind_of(&token.kid(), &[Kind::Access, Kind::Api]);
    let kind = kind.ok_or(ApiError::BadCredential("unknown key or kind"))?;
    let verified = app
        .keys
        .ring()
        .verify(kind, token)
        .map_err(|_| ApiError::BadCredential("signature"))?;
    if kind == Kind::Access {
        let claims = verified.claims();
        let claims = claims.map_err(|_| ApiError::BadCredential("claims"))?;
        person(app, &claims).await
    } else {
        let claims = verified.claims();
        let claims = claims.map_err(|_| ApiError::BadCredential("claims"))?;
        program(app, &claims).await
    }
}

async fn person(app: &App, claims: &Access) -> Result<Known, ApiError> {
    let mut view = app.store.read().await?;
    let session = live_session(app, &mut view, claims, &app.issuer).await?;
    app.seen.note(session.id, app.clock.now());
    Ok(Known {
        actor: Actor::User(session.user),
        session: Some(session),
        until: Time::from_secs(claims.exp),
    })
}

async fn program(app: &App, claims: &Api) -> Result<Known, ApiError> {
    let mut view = app.store.read().await?;
    let token = live_token(app, &mut view, claims).await?;
    let here = |surfaces: &Vec<Surface>| surfaces.contains(&Surface::Control);
    if !claims.surfaces.as_ref().is_none_or(here) {
        return Err(ApiError::BadCredential("not for control"));
    }
    let place = (token.organization, claims.idx);
    app.uses.seen(token.id, place, app.clock.now());
    Ok(Known {
        actor: Actor::Token(token.id),
        session: None,
        until: Time::from_secs(claims.exp),
    })
}

/// The session of an access token for an audience, if both it and its person are good at this moment.
pub(crate) async fn live_session(
    app: &App,
    view: &mut impl Unit,
    claims: &Access,
    audience: &str,
) -> Result<Session, ApiError> {
    let now = app.clock.now();
    claims
        .check(&app.issuer, audience, now)
        .map_err(|_| ApiError::BadCredential("issuer, audience or time"))?;
    let session = view.sessions().get(claims.sid).await?;
    let alive = session.filter(|session| session.is_alive(now) && session.user == claims.sub);
    let session = alive.ok_or(ApiError::BadCredential("the session has ended"))?;
    let user = view.users().get(session.user).await?;
    if user.is_none_or(|user| user.disabled_at.is_some()) {
        return Err(ApiError::BadCredential("the user is gone or disabled"));
    }
    Ok(session)
}

/// The record of an API token's value, if that is good at this moment, wherever it may be used.
pub(crate) async fn live_token(
    app: &App,
    view: &mut impl Unit,
    claims: &Api,
) -> Result<ApiToken, ApiError> {
    let now = app.clock.now();
    let record = view.tokens().get(claims.sub).await?;
    let token = record
        .ok_or(ApiError::BadCredential("no such token"))?
        .token;
    let audience = format!("urn:aeolus:org:{}", token.organization);
    claims
        .check(&app.issuer, &audience, now)
        .map_err(|_| ApiError::BadCredential("issuer, audience or time"))?;
    let mut tokens = view.tokens();
    let found = tokens.value(token.organization, claims.idx).await?;
    let of_it = |found: &ValueRecord| claims.is_of(&found.value.jti);
    let same = |found: &ValueRecord| found.token == token.id && of_it(found);
    let value = found.filter(same);
    let value = value.ok_or(ApiError::BadCredential("no such value"))?;
    let ended = value.revoked_at.is_some() || value.ends_at.is_some_and(|end| end <= now);
    let issued = Time::from_secs(claims.iat);
    let (organization, subject) = (token.organization, Subject::Token(token.id));
    let mut revocations = view.revocations();
    let marked = revocations.is_marked(organization, subject, issued).await?;
    if token.value().is_none() || ended || marked {
        return Err(ApiError::BadCredential("revoked"));
    }
    Ok(token)
}
