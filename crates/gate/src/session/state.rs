//! Sign-ins on their way: a sealed ring of three, so that several tabs can sign in at once and a
//! browser that never finishes doesn't pile up cookies.

use std::time::Duration;

use aeolus_keys::digest;
use aeolus_keys::seal::Purpose;
use aeolus_model::{ConnectionId, DeploymentId, Time};
use serde::{Deserialize, Serialize};

use super::{Visit, cookies};
use crate::gate::Gate;

/// How long a sign-in may take.
pub(super) const LIFE: Duration = Duration::from_secs(600);

const RING: usize = 3;

/// One sign-in that was begun.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    #[serde(rename = "s")]
    pub(super) state: String,
    #[serde(rename = "n")]
    pub(super) nonce: String,
    #[serde(rename = "v")]
    pub(super) verifier: String,
    #[serde(rename = "p")]
    pub(super) next: String,
    #[serde(rename = "d")]
    pub(super) deployment: DeploymentId,
    #[serde(rename = "t")]
    pub(super) begun: i64,
    /// At which provider, where the plane signs the person in by itself.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<ConnectionId>,
}

/// The sign-ins that a browser has begun at this host and may still finish.
pub(super) fn open(gate: &Gate, visit: &Visit<'_>) -> Vec<Pending> {
    let name = cookies::state_cookie_name(&visit.host);
    let Ok(Some(value)) = aeolus_decide::find_cookie(&visit.headers.cookies, name) else {
        return Vec::new();
    };
    let secret = gate.memory.secret.load();
    let sealer = secret.as_ref().map(|secret| &secret.sealer);
    let opened = sealer.and_then(|s| s.open(Purpose::SignInState, &visit.host, value));
    let ring: Option<Vec<Pending>> =
        opened.and_then(|opened| serde_json::from_slice(opened.expose()).ok());
    let mut ring = ring.unwrap_or_default();
    ring.retain(|pending| visit.now <= Time::from_secs(pending.begun).plus(LIFE));
    ring
}

/// The cookie that carries the ring, the newest three of it.
pub(super) fn seal(gate: &Gate, visit: &Visit<'_>, mut ring: Vec<Pending>) -> Option<String> {
    let name = cookies::state_cookie_name(&visit.host);
    if ring.is_empty() {
        return Some(cookies::clear(name, &visit.host));
    }
    let excess = ring.len().saturating_sub(RING);
    ring.drain(..excess);
    let plain = serde_json::to_vec(&ring).ok()?;
    let secret = gate.memory.secret.load();
    let sealer = &secret.as_ref()?.sealer;
    let sealed = sealer.seal(Purpose::SignInState, &visit.host, &plain, &*gate.rng);
    Some(cookies::write(name, &sealed.ok()?, &visit.host, LIFE))
}

/// Takes the sign-in of this state out of the ring.
pub(super) fn take(ring: &mut Vec<Pending>, state: &str) -> Option<Pending> {
    let found = ring
        .iter()
        .position(|pending| digest::eq(pending.state.as_bytes(), state.as_bytes()))?;
    Some(ring.remove(found))
}
