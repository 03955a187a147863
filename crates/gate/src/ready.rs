//! `/readyz`: whether requests can be decided, and by which knowledge.

use http::header::ACCEPT;
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;

use crate::answer;
use crate::body::Body;
use crate::gate::Gate;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    ready: bool,
    #[serde(skip_serializing_if = "is_false")]
    draining: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_disk: Option<bool>,
    /// Seconds; absent while the time can't be trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Ready to decide as soon as there is a snapshot, from wherever: a gate that waited for control
/// would take its plane down with it. Not once it is about to stop. A line of text, or JSON for those who accept only that.
pub(crate) fn ready(gate: &Gate, headers: &HeaderMap) -> Response<Body> {
    let loaded = gate.knowledge.world().is_some();
    let standing = gate.knowledge.standing().filter(|_| loaded);
    let age = gate.knowledge.age().filter(|_| loaded);
    let state = State {
        ready: loaded && !gate.is_draining(),
        draining: gate.is_draining(),
        from_disk: standing.map(|standing| standing.from_disk),
        age: age.map(|age| age.as_secs()),
        epoch: standing.map(|standing| standing.position.epoch),
        seq: standing.map(|standing| standing.position.seq),
    };
    let status = if state.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("application/json")) {
        // A few numbers always make JSON.
        return answer::json(status, serde_json::to_vec(&state).unwrap_or_default());
    }
    let text = match (loaded, state.from_disk, state.age) {
        _ if state.draining => "draining\n".to_owned(),
        (false, ..) => "no snapshot yet\n".to_owned(),
        (true, Some(true), Some(age)) => format!("ready (from disk, age {age} s)\n"),
        (true, Some(true), None) => "ready (from disk, age unknown)\n".to_owned(),
        (true, ..) => "ready\n".to_owned(),
    };
    answer::text(status, text)
}
