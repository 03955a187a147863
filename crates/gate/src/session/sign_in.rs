//! `GET /.aeolus/sign-in?next=/path`: sends the browser to control with PKCE (RFC 7636).

use std::sync::Arc;

use aeolus_decide::{AWAY, Deployment, is_local_path};
use aeolus_keys::digest::{random_token, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Response;

use super::state::{self, Pending};
use super::{Visit, outage, pages};
use crate::answer;
use crate::body::Body;
use crate::gate::Gate;

/// The longest path that is gone back to; three of them and their secrets fit a cookie.
const MAX_NEXT: usize = 512;

pub(super) fn begin(gate: &Gate, visit: &Visit<'_>) -> Response<Body> {
    let next = visit.parameter("next").unwrap_or_default();
    let next = if is_local_path(&next) && next.len() <= MAX_NEXT && !is_ours(&next) {
        next
    } else {
        "/".to_owned()
    };
    let age = gate.knowledge.age();
    if gate.tokens.is_none() || age.is_none_or(|age| age > AWAY) {
        return outage::begin(gate, visit, next, age);
    }
    let world = &visit.world;
    let Some(deployment) = wanted(visit, &next) else {
        return pages::failed("This address is not served by this gate.");
    };
    let pending = pending(gate, visit, next, deployment);
    let challenge = challenge(&pending);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &client_id(gate))
        .append_pair("redirect_uri", &redirect_uri(visit))
        .append_pair("scope", "openid")
        .append_pair("state", &pending.state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("resource", &deployment.audience())
        .finish();
    let mut ring = state::open(gate, visit);
    ring.push(pending);
    let Some(cookie) = state::seal(gate, visit, ring) else {
        return pages::failed("The sign-in could not be begun.");
    };
    let location = format!("{}/oauth2/authorize?{query}", world.issuer());
    answer::with_cookie(answer::redirect(&location), &cookie)
}

/// The deployment that a sign-in is for.
pub(super) fn wanted<'a>(visit: &'a Visit<'_>, next: &str) -> Option<&'a Arc<Deployment>> {
    let world = &visit.world;
    let wanted = world.deployment_at(&visit.host, next);
    wanted.or_else(|| world.any_deployment_of(&visit.host))
}

/// A new sign-in at control.
pub(super) fn pending(
    gate: &Gate,
    visit: &Visit<'_>,
    next: String,
    deployment: &Deployment,
) -> Pending {
    let token = |bytes| random_token(&*gate.rng, bytes).expose().clone();
    Pending {
        state: token(16),
        nonce: token(16),
        verifier: token(32),
        next,
        deployment: deployment.id,
        begun: visit.now.secs(),
        provider: None,
    }
}

/// What PKCE shows of the verifier (S256).
pub(super) fn challenge(pending: &Pending) -> String {
    URL_SAFE_NO_PAD.encode(sha256(pending.verifier.as_bytes()))
}

/// Going back to our own pages would only lead in a circle.
fn is_ours(next: &str) -> bool {
    next.starts_with(super::PREFIX)
}

/// Control knows the gates of a plane as one client.
pub(super) fn client_id(gate: &Gate) -> String {
    format!("urn:aeolus:plane:{}", gate.plane)
}

/// Where control sends the browser back to. It is made from the host that the snapshot names,
/// never from what a header claims beyond it.
pub(super) fn redirect_uri(visit: &Visit<'_>) -> String {
    format!("{}{}", visit.base(), aeolus_api::oauth::GATE_CALLBACK_PATH)
}
