//! The check listener: proxies ask here, and Airflow fetches its keys. Local only.

use std::net::IpAddr;
use std::sync::Arc;

use aeolus_decide::{Deny, Reason};
use aeolus_model::DeploymentId;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::answer;
use crate::body::Body;
use crate::caller::{Caller, TlsEnd};
use crate::codec::{self, Check, Dialect};
use crate::forwarded::forwarded_for;
use crate::gate::{Asking, Checking, Gate, Judged};
use crate::observe::Via;
use crate::ready::ready;
use crate::server::Answering;
use crate::session;

/// Answers one request of a proxy or an Airflow. The query is never read.
pub fn serve(gate: &Arc<Gate>, request: Request<Incoming>, peer: Option<IpAddr>) -> Answering {
    let (parts, _body) = request.into_parts();
    let path = parts.uri.path();
    let check = Check::of(path);
    let asks =
        check.is_some() || path.starts_with(codec::PREFIX) || path.starts_with(session::PREFIX);
    let admitted = {
        let proxies = &gate.settings.now().proxies;
        if asks {
            proxies.may_ask(peer, &parts.headers)
        } else {
            proxies.may_read(peer)
        }
    };
    if !admitted {
        return Answering::Now(turned_away(gate, check, &parts.headers, peer));
    }
    if let Some(check) = check {
        return match begun(gate, check, &parts) {
            Ok(judged) => Answering::Now(answered(check, &judged, &parts)),
            Err(asking) => Answering::Later(Box::pin(asked(Arc::clone(gate), *asking, parts))),
        };
    }
    if path.starts_with(session::PREFIX) {
        let caller = Caller {
            peer: forwarded_for(&parts.headers),
            tls: TlsEnd::InFront,
        };
        let gate = Arc::clone(gate);
        let page = async move { session::serve(&gate, &parts, caller).await };
        return Answering::Later(Box::pin(page));
    }
    Answering::Now(read(gate, &parts))
}

/// Whoever may not ask here.
fn turned_away(
    gate: &Gate,
    check: Option<Check<'_>>,
    lines: &HeaderMap,
    peer: Option<IpAddr>,
) -> Response<Body> {
    let via = Via {
        dialect: check.map_or(Dialect::Proxy, |check| check.dialect),
        lines,
    };
    let judged = gate.refuse(Reason::ProxyUnknown, peer, via);
    let mut answer = answer::denied(&Deny::because(Reason::ProxyUnknown));
    judged.stamp.put(answer.headers_mut());
    answer
}

/// A check as far as it goes without waiting.
fn begun(gate: &Gate, check: Check<'_>, parts: &Parts) -> Result<Judged, Box<Asking>> {
    let via = via(check, parts);
    let Some(mut question) = codec::parse(check, parts) else {
        let peer = forwarded_for(&parts.headers);
        return Ok(gate.refuse(Reason::TargetForm, peer, via));
    };
    let settings = gate.settings.now();
    if check.dialect == Dialect::Authorization {
        question.parent_cookie = settings.parent_cookie.as_deref();
    }
    match gate.begin(&question, via) {
        Checking::Done(judged) => Ok(judged),
        Checking::Asks(asking) => Err(Box::new(asking)),
    }
}

/// The rest of one that control has to be asked about.
async fn asked(gate: Arc<Gate>, asking: Asking, parts: Parts) -> Response<Body> {
    let parent = gate.settings.now().parent_cookie.clone();
    let check = Check::of(parts.uri.path());
    let question = check.and_then(|check| Some((check, codec::parse(check, &parts)?)));
    let Some((check, mut question)) = question else {
        // It was read before, so it can be read again.
        return answer::denied(&Deny::because(Reason::Internal));
    };
    if check.dialect == Dialect::Authorization {
        question.parent_cookie = parent.as_deref();
    }
    let judged = gate.ask(asking, &question, via(check, &parts)).await;
    answered(check, &judged, &parts)
}

fn via<'a>(check: Check<'_>, parts: &'a Parts) -> Via<'a> {
    Via {
        dialect: check.dialect,
        lines: &parts.headers,
    }
}

/// A check's answer.
fn answered(check: Check<'_>, judged: &Judged, parts: &Parts) -> Response<Body> {
    let mut answer = codec::render(check.dialect, &judged.verdict, &parts.headers);
    judged.stamp.put(answer.headers_mut());
    answer
}

/// What is only read here: health, and Airflow's keys.
fn read(gate: &Gate, parts: &Parts) -> Response<Body> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return answer::text(
            StatusCode::METHOD_NOT_ALLOWED,
            "This method is not allowed.\n",
        );
    }
    match parts.uri.path() {
        "/livez" => answer::text(StatusCode::OK, "ok\n"),
        "/readyz" => ready(gate, &parts.headers),
        path => {
            let id = path
                .strip_prefix("/deployments/")
                .and_then(|rest| rest.strip_suffix("/jwks.json"))
                .and_then(|id| id.parse().ok());
            match id {
                Some(id) => jwks(gate, id),
                None => answer::text(StatusCode::NOT_FOUND, "Nothing is served here.\n"),
            }
        }
    }
}

/// The keys that a deployment's Airflow verifies its tokens with.
fn jwks(gate: &Gate, id: DeploymentId) -> Response<Body> {
    let world = gate.knowledge.world();
    let Some(world) = world else {
        return answer::text(StatusCode::SERVICE_UNAVAILABLE, "no snapshot yet\n");
    };
    let Some(deployment) = world.deployment(id) else {
        return answer::text(StatusCode::NOT_FOUND, "no such deployment\n");
    };
    match gate.exchange.jwks(deployment) {
        Ok(keys) => {
            let mut answer = answer::json(StatusCode::OK, keys);
            let minute = HeaderValue::from_static("max-age=60");
            answer.headers_mut().insert(CACHE_CONTROL, minute);
            answer
        }
        Err(error) => {
            tracing::error!(deployment = %id, %error, "the deployment's keys can't be derived");
            answer::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the keys can't be derived\n",
            )
        }
    }
}
