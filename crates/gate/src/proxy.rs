//! The built-in proxy's listener: our own pages, then a decision, then forwarding.

use std::sync::Arc;

use aeolus_decide::{Allowed, Authority, Decision, Deny, Headers, Reason, Request as Question};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;

use crate::body::Body;
use crate::caller::Caller;
use crate::codec::{Dialect, pairs};
use crate::gate::{Gate, Onward, Verdict};
use crate::limits::{Class, Source, Waiter};
use crate::observe::{RequestId, Via};
use crate::upstream::{Forward, StillGood, Unanswered};
use crate::{answer, session};

/// Serves one request of a client. After a body without a length the connection is closed: should
/// another server have cut it elsewhere, there is no next request to confuse (RFC 9112 §6.1).
pub(crate) async fn serve(
    gate: Arc<Gate>,
    request: Request<Incoming>,
    caller: Caller,
) -> Response<Body> {
    let unsized_body = request.headers().contains_key(TRANSFER_ENCODING);
    let mut answer = answered(gate, request, caller).await;
    if unsized_body {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(CONNECTION, close);
    }
    answer
}

async fn answered(gate: Arc<Gate>, request: Request<Incoming>, caller: Caller) -> Response<Body> {
    if let Err(reason) = well_framed(request.headers()) {
        let judged = gate.refuse(reason, caller.peer, via(request.headers()));
        let mut answer = answer::denied(&Deny::because(reason));
        judged.stamp.put(answer.headers_mut());
        return answer;
    }
    if request.uri().authority().is_none() && request.uri().path().starts_with(session::PREFIX) {
        let (parts, _body) = request.into_parts();
        return session::serve(&gate, &parts, caller).await;
    }
    let asked = Asked::of(&request, caller);
    let judged = gate.check(&asked.question(), via(&asked.headers)).await;
    let stamp = judged.stamp;
    let mut answer = match judged.verdict {
        Verdict::Allow(allowed, onward) => {
            forwarded(&gate, request, asked, (allowed, onward)).await
        }
        Verdict::Deny(deny) if asked.is_navigation() => {
            session::denied(&deny, stamp.request_id.as_ref().map(RequestId::as_str))
        }
        Verdict::Deny(deny) => answer::denied(&deny),
        Verdict::SignIn(sign_in) => answer::to_sign_in(&sign_in),
    };
    stamp.put(answer.headers_mut());
    answer
}

/// Nobody but this listener is in between.
fn via(headers: &HeaderMap) -> Via<'_> {
    Via {
        dialect: Dialect::Proxy,
        lines: headers,
    }
}

async fn forwarded(
    gate: &Arc<Gate>,
    request: Request<Incoming>,
    asked: Asked,
    (allowed, onward): (Allowed, Onward),
) -> Response<Body> {
    let peer = asked.caller.peer;
    let forward = Forward {
        allowed: &allowed,
        onward: &onward,
        peer,
        scheme: asked.scheme(),
        ids: &gate.ids,
    };
    let still_good: StillGood = if request.headers().contains_key(UPGRADE) {
        let gate = Arc::clone(gate);
        Arc::new(move || asked.is_still_allowed(&gate))
    } else {
        Arc::new(|| true)
    };
    let class = match onward {
        Onward::Anonymous => Class::Stranger,
        // Task tokens are Airflow's own, from where the deployment lets them come.
        Onward::PassThrough | Onward::As(_) => Class::Known,
    };
    let most = gate.settings.now().caps.waiting;
    let waiter = Waiter {
        class,
        // On this machine it is a proxy in front of us, with everybody behind it.
        source: peer
            .filter(|peer| !peer.to_canonical().is_loopback())
            .map(Source::of),
        of_deployment: Some(gate.metrics.waiting_for(allowed.deployment())),
    };
    let Some(_wait) = gate.waiting.enter(waiter, most) else {
        return answer::denied(&Deny::because(Reason::Overloaded));
    };
    let answer = gate.upstream.forward(forward, request, still_good).await;
    if let Some(why) = answer.extensions().get::<Unanswered>() {
        gate.metrics.upstream_error(allowed.deployment(), *why);
    }
    answer
}

/// A request that two servers could cut in two places is refused (RFC 9112 §6.1), and so is one
/// with several hosts.
fn well_framed(headers: &HeaderMap) -> Result<(), Reason> {
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        return Err(Reason::Framing);
    }
    match headers.get_all(HOST).iter().count() {
        0 => Err(Reason::HostMissing),
        1 => Ok(()),
        _ => Err(Reason::HostsDiffer),
    }
}

/// What the decision sees of a request; kept for as long as a tunnel is open.
struct Asked {
    method: http::Method,
    target: String,
    headers: HeaderMap,
    caller: Caller,
}

impl Asked {
    fn of(request: &Request<Incoming>, caller: Caller) -> Self {
        Self {
            method: request.method().clone(),
            target: target(request.uri()),
            headers: request.headers().clone(),
            caller,
        }
    }

    fn question(&self) -> Question<'_> {
        Question {
            method: self.method.as_str().as_bytes(),
            host: self.headers.get(HOST).map(HeaderValue::as_bytes),
            target: self.target.as_bytes(),
            peer: self.caller.peer,
            pin: None,
            parent_cookie: None,
            headers: Headers::collect(pairs(&self.headers)),
        }
    }

    /// Whether a person reads the answer.
    fn is_navigation(&self) -> bool {
        let headers = Headers::collect(pairs(&self.headers));
        headers.is_navigation(self.method.is_safe())
    }

    /// As the client sees us.
    fn scheme(&self) -> &'static str {
        let host = self.headers.get(HOST);
        let host = host.and_then(|host| Authority::parse(host.as_bytes()));
        self.caller
            .tls
            .scheme(host.as_ref().map_or("", Authority::host))
    }

    fn is_still_allowed(&self, gate: &Gate) -> bool {
        gate.knowledge.world().is_some_and(|world| {
            let decision = gate.judge(&world).decide(&self.question());
            matches!(decision, Decision::Allow(_))
        })
    }
}

fn target(uri: &Uri) -> String {
    match (uri.scheme(), uri.authority(), uri.path_and_query()) {
        (None, None, Some(path)) => path.as_str().to_owned(),
        _ => uri.to_string(),
    }
}
