//! `GET /v1/authorization`: how an nginx asks that was configured for the original (rows I1–I4), for
//! planes that have no gate.
//!
//! The decision is a gate's: the same question, world and judge. What differs is what control has:
//! the newest records, so nothing is ever old; no plane's secret, so a gate's session cookie is
//! nobody's here and a parent domain's is what a browser comes with; and a key of its own for whom it
//! lets in, which an Airflow has to be told to believe.
//!
//! Whoever may ask gets a token that opens an Airflow. The port is everybody's, and behind a reverse
//! proxy every peer looks alike, so the asking proxy proves itself by a secret, wherever it is.

mod answer;
mod minted;
mod worlds;

use std::net::IpAddr;

use aeolus_decide::{
    Decision, Deny, Freshness, Judge, Memory, Reason, Request, SessionCookie, Site, Verified,
    World, canonical_host, forwarded_address, original,
};
use aeolus_keys::PROXY_SECRET_HEADER;
use aeolus_model::{Host, OrganizationId, PlaneId, SessionId, Time};
use aeolus_store::{PlaneStage, Unit as _};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::error::ApiError;

pub(crate) use minted::Minted;
pub(crate) use worlds::Worlds;

const FORWARDED_FOR: &str = "x-forwarded-for";

pub(crate) async fn authorization(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Some(proxies) = &app.asking_proxies else {
        return Err(ApiError::NoEndpoint);
    };
    let shown = headers.get_all(PROXY_SECRET_HEADER).iter();
    let decision = if proxies.know(shown.map(HeaderValue::as_bytes)) {
        decide(&app, &headers).await?
    } else {
        deny(Reason::ProxyUnknown)
    };
    if let Decision::Deny(deny) = &decision {
        tracing::debug!(reason = deny.reason.code(), "a check was refused");
    }
    answer::answer(&app, decision, &headers).await
}

fn deny(reason: Reason) -> Decision {
    Decision::Deny(Deny::because(reason))
}

async fn decide(app: &App, headers: &HeaderMap) -> Result<Decision, ApiError> {
    let lines = headers.iter();
    let lines = lines.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let Some(mut question) = original::question(lines, client(app, headers)) else {
        return Ok(deny(Reason::TargetForm));
    };
    question.parent_cookie = app.parent.as_ref().map(|parent| parent.name.as_str());
    let planes = match question.host.and_then(canonical_host) {
        Some(host) => planes(app, &host).await?,
        None => return Ok(deny(Reason::HostMalformed)),
    };
    let mut found = None;
    for plane in planes {
        let Some(plane) = plane else {
            return Ok(deny(Reason::NoSnapshot));
        };
        let world = app.worlds.of(app, plane).await?;
        let decision = judged(app, &world, &question);
        let elsewhere =
            matches!(&decision, Decision::Deny(deny) if deny.reason == Reason::HostUnknown);
        if elsewhere {
            continue;
        }
        // Two planes that share a host by prefixes of one another: neither knows of the other's.
        if found.replace(decision).is_some() {
            return Ok(deny(Reason::TargetReadingsDiffer));
        }
    }
    Ok(found.unwrap_or_else(|| deny(Reason::HostUnknown)))
}

/// The planes on which a host's deployments live, each once; none in place of one that is shut out.
async fn planes(app: &App, host: &str) -> Result<Vec<Option<PlaneId>>, ApiError> {
    let Ok(host) = Host::parse(host) else {
        return Ok(Vec::new());
    };
    let mut view = app.store.read().await?;
    let mut planes = Vec::new();
    for (id, _) in view.deployments().on_host(&host).await? {
        let deployment = view.deployments().get(id).await?;
        if let Some(deployment) = deployment
            && !planes.contains(&Some(deployment.plane))
        {
            let plane = view.planes().get(deployment.plane).await?;
            let open = |stage: &PlaneStage| !matches!(stage, PlaneStage::Quarantined { .. });
            let plane = plane.filter(|plane| open(&plane.stage));
            planes.push(plane.map(|plane| plane.id));
        }
    }
    Ok(planes)
}

fn judged(app: &App, world: &World, question: &Request<'_>) -> Decision {
    let judge = Judge {
        world,
        memory: &Nothing,
        // The records themselves: nothing can be newer.
        freshness: Freshness {
            age: Some(Duration::ZERO),
        },
        now: app.clock.now(),
    };
    judge.decide(question)
}

/// The client's address in `X-Forwarded-For`: the last that the asking proxy wrote, which has proved to
/// be one, before what control's own trusted hops have added.
fn client(app: &App, headers: &HeaderMap) -> Option<IpAddr> {
    let written = headers.get_all(FORWARDED_FOR).iter();
    let text: Option<Vec<&str>> = written.map(|value| value.to_str().ok()).collect();
    let text = text?;
    let mut hops = text.iter().flat_map(|value| value.split(',')).rev();
    forwarded_address(hops.nth(app.trusted_hops)?.as_bytes())
}

/// What control remembers between checks: nothing that its records don't say.
struct Nothing;

impl Memory for Nothing {
    fn verified(&self, token: &[u8], world: &World, now: Time) -> Result<Arc<Verified>, Reason> {
        world.verify(token, now).map(Arc::new)
    }

    fn opens_sessions(&self) -> bool {
        false
    }

    fn open_session(&self, _: Site<'_>, _: &[u8]) -> Option<SessionCookie> {
        None
    }

    fn renewed(&self, _: SessionId, _: OrganizationId) -> Option<Time> {
        None
    }

    fn ended(&self, _: SessionId, _: OrganizationId) -> bool {
        false
    }
}
