//! How a gate proves its plane: a signed statement of at most 60 s (RFC 7523 §3).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aeolus_keys::claims::{PlaneAssertion, Registered as _};
use aeolus_keys::{Kind, PublicKey, jws};
use aeolus_model::{Actor, PlaneId, Time};
use aeolus_store::{Plane, PlaneStage, StoreError, Unit as _};
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::secured::Shown;

/// A longer life is refused: an assertion that leaks must be worthless soon.
const MAX_LIFE: i64 = 60;
/// Remembered at most; beyond it the endpoint refuses until some expire.
const MAX_SEEN: usize = 100_000;

/// The assertions that were used as client credentials, until they expire by themselves.
///
/// Kept per process: a code is good once in the whole fleet of replicas anyway, so a replay at
/// another replica finds nothing to take.
#[derive(Default)]
pub(crate) struct Assertions(Mutex<HashMap<(PlaneId, String), Time>>);

impl Assertions {
    fn first_use(&self, plane: PlaneId, jti: &str, until: Time, now: Time) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_SEEN {
            seen.retain(|_, until| *until > now);
        }
        seen.len() < MAX_SEEN && seen.insert((plane, jti.to_owned()), until).is_none()
    }
}

/// A request of an enrolled gate.
pub(crate) struct PlaneCtx {
    pub(crate) app: App,
    pub(crate) plane: Plane,
    pub(crate) request: RequestInfo,
}

impl FromRequestParts<App> for PlaneCtx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let text = crate::auth::bearer_text(&parts.headers)?;
        let request = RequestInfo::of(parts);
        let (plane, _) = prove(app, &request, text.expose()).await?;
        Ok(Self::new(request, app, plane))
    }
}

impl PlaneCtx {
    fn new(request: RequestInfo, app: &App, plane: Plane) -> Self {
        request.note_actor(&Actor::Plane(plane.id));
        Self {
            app: app.clone(),
            plane,
            request,
        }
    }
}

/// A request of an enrolled gate for what was published for it, which is answered while the database is away too
/// (F43).
pub(crate) struct Poll {
    pub(crate) ctx: PlaneCtx,
    /// Whether the plane is as it was last known: it is told what was known then, and nothing newer.
    pub(crate) from_memory: bool,
}

impl FromRequestParts<App> for Poll {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let text = crate::auth::bearer_text(&parts.headers)?;
        let request = RequestInfo::of(parts);
        let shown = app.tls.shown(&request.chain, app.clock.now())?;
        let named = named(text.expose())?;
        let read = read(app, &named).await;
        let from_memory = read.is_err();
        let plane = app.last_known.plane(named.id, read)?;
        let (plane, _) = proven(app, &shown, named, plane)?;
        Ok(Self {
            ctx: PlaneCtx::new(request, app, plane),
            from_memory,
        })
    }
}

/// An assertion, and which plane it says that it is of.
struct Named<'t> {
    token: jws::Unverified<'t>,
    id: PlaneId,
}

fn named(text: &str) -> Result<Named<'_>, ApiError> {
    let bad = ApiError::BadCredential;
    let token = jws::parse(text.as_bytes()).map_err(|_| bad("form"))?;
    let claims: PlaneAssertion = token.unverified_claims().map_err(|_| bad("claims"))?;
    let id = claims.plane().ok_or(bad("not a plane"))?;
    Ok(Named { token, id })
}

async fn read(app: &App, named: &Named<'_>) -> Result<Option<Plane>, StoreError> {
    app.store.read().await?.planes().get(named.id).await
}

/// The plane that an assertion proves, beside the certificate that its request has shown.
async fn prove(
    app: &App,
    request: &RequestInfo,
    text: &str,
) -> Result<(Plane, PlaneAssertion), ApiError> {
    let shown = app.tls.shown(&request.chain, app.clock.now())?;
    let named = named(text)?;
    let plane = read(app, &named).await?;
    proven(app, &shown, named, plane)
}

/// The same of a plane that was read.
fn proven(
    app: &App,
    shown: &Shown,
    Named { token, id }: Named<'_>,
    plane: Option<Plane>,
) -> Result<(Plane, PlaneAssertion), ApiError> {
    let bad = ApiError::BadCredential;
    let plane = plane.ok_or(bad("no such plane"))?;
    let (identity, quarantined) = match &plane.stage {
        PlaneStage::Enrolled { identity, .. } => (identity, false),
        PlaneStage::Quarantined {
            identity: Some(identity),
            ..
        } => (identity, true),
        _ => return Err(bad("the plane is not enrolled")),
    };
    let key = PublicKey::from_jwk_json(identity).map_err(ApiError::internal)?;
    let verified = token.verify(Kind::PlaneAssertion, &key);
    let claims: PlaneAssertion = verified
        .and_then(|verified| verified.claims())
        .map_err(|_| bad("signature"))?;
    claims
        .check(&format!("plane:{id}"), &app.issuer, app.clock.now())
        .map_err(|_| bad("issuer, audience or time"))?;
    if claims.exp.saturating_sub(claims.iat) > MAX_LIFE {
        return Err(bad("it lives too long"));
    }
    shown.require(&plane)?;
    if quarantined {
        return Err(ApiError::Forbidden(
            "a plane that is not quarantined".to_owned(),
        ));
    }
    Ok((plane, claims))
}

/// The same for a client credential: each assertion is good once.
pub(crate) async fn prove_once(
    app: &App,
    request: &RequestInfo,
    text: &str,
) -> Result<Plane, ApiError> {
    let (plane, claims) = prove(app, request, text).await?;
    let now = app.clock.now();
    // Accepted for a minute past its end, so remembered for as long.
    let until = Time::from_secs(claims.exp.saturating_add(MAX_LIFE + 1));
    if app.assertions.first_use(plane.id, &claims.jti, until, now) {
        Ok(plane)
    } else {
        Err(ApiError::BadCredential("used before"))
    }
}
