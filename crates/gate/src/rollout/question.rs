//! What control is told of a request: what the decision needs, and no cookie.

use aeolus_api::Base64Bytes;
use aeolus_api::plane::CheckRequest;
use aeolus_decide::{Once, Request, Shown, Upgrade};
use aeolus_model::DeploymentId;

/// The question about a request that leads to a deployment, with its credential as the gate read it.
pub(crate) fn question(
    request: &Request<'_>,
    deployment: DeploymentId,
    shown: Shown<'_>,
) -> CheckRequest {
    let bytes = |value: &[u8]| Base64Bytes(value.to_vec());
    let once = |line: Once<'_>| match line {
        Once::One(value) => Some(bytes(value)),
        Once::Absent | Once::Many => None,
    };
    let (mut authorization, mut session, mut parent) = (None, None, None);
    match shown {
        Shown::Nothing => {}
        Shown::Bearer(line) => authorization = Some(bytes(line)),
        Shown::Session(cookie) => session = Some(Base64Bytes(cookie.encode())),
        Shown::Parent(value) => parent = Some(bytes(value)),
    }
    let headers = &request.headers;
    let host = request.host.and_then(|host| str::from_utf8(host).ok());
    CheckRequest {
        method: String::from_utf8_lossy(request.method).into_owned(),
        host: host.map(str::to_owned),
        target: bytes(request.target),
        peer: request.peer,
        deployment,
        authorization,
        session,
        parent,
        origin: once(headers.origin),
        fetch_site: once(headers.fetch_site),
        websocket: headers.upgrade == Upgrade::Websocket,
    }
}
