//! `POST /v1/planes/self/check`: the central path. A gate that allows a request asks whether control
//! has anything against it.
//!
//! Judged by the same code as at the gate, over the newest records. What a cookie says comes from the
//! gate, which alone can open it; an enrolled plane could seal any cookie anyway.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::plane::{CheckAnswer, CheckRequest};
use aeolus_decide::{
    Decision, Freshness, Headers, Judge, Memory, Once, Reason, Request, SessionCookie, Site,
    Upgrade, Verified, World,
};
use aeolus_model::{OrganizationId, SessionId, Time};
use axum::Json;

use super::PlaneCtx;
use crate::error::ApiError;
use crate::extract;

/// The session's cookie by both of its names. The value stands for what the gate has read in the real
/// one.
const SESSION: &[u8] = b"aeolus=session; __Host-aeolus=session";
/// The parent domain's cookie is called otherwise at each plane; here it is called this.
const PARENT: &str = "aeolus-parent";

/// Judges a request.
pub(crate) async fn check(
    ctx: PlaneCtx,
    extract::Json(asked): extract::Json<CheckRequest>,
) -> Result<Json<CheckAnswer>, ApiError> {
    let session = asked.session.as_ref();
    let session = session.map(|bytes| {
        let cookie = SessionCookie::decode(&bytes.0);
        cookie.ok_or_else(|| ApiError::field("session", "this is no session"))
    });
    let session = session.transpose()?;
    let world = ctx.app.worlds.of(&ctx.app, ctx.plane.id).await?;
    let judge = Judge {
        world: &world,
        memory: &Told(session),
        // The records themselves: nothing can be newer.
        freshness: Freshness {
            age: Some(Duration::ZERO),
        },
        now: ctx.app.clock.now(),
    };
    let parent = asked.parent.as_ref();
    let parent = parent.map(|value| [PARENT.as_bytes(), b"=", &value.0].concat());
    let decision = judge.decide(&question(&asked, parent.as_deref()));
    let verdict = match decision {
        Decision::Allow(_) => CheckAnswer::ALLOW,
        Decision::Deny(deny) => deny.reason.code(),
        Decision::SignIn(sign_in) => sign_in.reason.code(),
    };
    Ok(Json(CheckAnswer {
        verdict: verdict.to_owned(),
    }))
}

fn question<'a>(asked: &'a CheckRequest, parent: Option<&'a [u8]>) -> Request<'a> {
    let once = |value: &'a Option<aeolus_api::Base64Bytes>| match value {
        Some(value) => Once::One(value.0.as_slice()),
        None => Once::Absent,
    };
    let mut headers = Headers {
        authorization: once(&asked.authorization),
        origin: once(&asked.origin),
        fetch_site: once(&asked.fetch_site),
        ..Headers::default()
    };
    if asked.websocket {
        headers.upgrade = Upgrade::Websocket;
    }
    if asked.session.is_some() {
        headers.cookies.push(SESSION);
    }
    headers.cookies.extend(parent);
    Request {
        method: asked.method.as_bytes(),
        host: asked.host.as_deref().map(str::as_bytes),
        target: &asked.target.0,
        peer: asked.peer,
        pin: Some(asked.deployment),
        parent_cookie: parent.is_some().then_some(PARENT),
        headers,
    }
}

/// The memory of one question: the session that the gate has read, if it has read one.
struct Told(Option<SessionCookie>);

impl Memory for Told {
    fn verified(&self, token: &[u8], world: &World, now: Time) -> Result<Arc<Verified>, Reason> {
        world.verify(token, now).map(Arc::new)
    }

    fn open_session(&self, _: Site<'_>, _: &[u8]) -> Option<SessionCookie> {
        self.0
    }

    fn renewed(&self, _: SessionId, _: OrganizationId) -> Option<Time> {
        None
    }

    fn ended(&self, _: SessionId, _: OrganizationId) -> bool {
        false
    }
}
