//! The gate's own pages on every deployment host: `/.aeolus/{sign-in,callback,refresh,sign-out,
//! session}`, and on the plane's auth host `/.aeolus/{callback,jwks/CONNECTION}`. Proxies route them here
//! without a check; each decides for itself.

mod callback;
mod cookies;
mod info;
mod outage;
mod pages;
mod sign_in;
mod sign_out;
mod state;

use std::sync::Arc;

use aeolus_api::oauth::GATE_CLIENT_KEYS_PATH;
use aeolus_decide::{Authority, Headers, Request as Question, Site, World};
use aeolus_model::{Method, Time};
use http::header::HOST;
use http::request::Parts;
use http::{Response, StatusCode};

use crate::answer;
use crate::body::Body;
use crate::caller::{Caller, TlsEnd};
use crate::codec::pairs;
use crate::gate::Gate;
use crate::limits::{Class, Source, Waiter};
use crate::observe::RequestId;

pub(crate) use outage::Spent;
pub(crate) use pages::denied;

/// Where the pages live.
pub const PREFIX: &str = "/.aeolus/";

/// A request to one of the pages.
pub(crate) struct Visit<'a> {
    pub(crate) method: Method,
    /// The host in canonical form, to which cookies are bound.
    pub(crate) host: String,
    /// The port in the request's host, where there is one.
    pub(crate) port: Option<u16>,
    /// Where TLS ends for whoever asks.
    pub(crate) tls: TlsEnd,
    pub(crate) query: &'a str,
    pub(crate) headers: Headers<'a>,
    /// The same request as the decision would see it.
    question: Question<'a>,
    pub(crate) world: Arc<World>,
    pub(crate) now: Time,
}

impl Visit<'_> {
    /// What URLs of the host begin with, as the client knows it.
    pub(crate) fn base(&self) -> String {
        self.tls.base(&self.host, self.port)
    }

    /// Whether a page of this host sent the browser here.
    pub(crate) fn is_same_origin(&self) -> bool {
        aeolus_decide::is_same_origin(&self.question)
    }

    /// How the host is served.
    pub(crate) fn site(&self) -> Option<Site<'_>> {
        self.world.site(&self.host)
    }

    /// A query parameter that is there exactly once.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut all = url::form_urlencoded::parse(self.query.as_bytes());
        let mut matching = all.by_ref().filter(|(n, _)| n == name);
        let (_, value) = matching.next()?;
        matching.next().is_none().then(|| value.into_owned())
    }
}

/// Answers a request below [`PREFIX`].
pub(crate) async fn serve(gate: &Gate, parts: &Parts, caller: Caller) -> Response<Body> {
    let answer = served(gate, parts, caller).await;
    pages::with_reference(answer, &RequestId::of(&parts.headers, &gate.ids))
}

async fn served(gate: &Gate, parts: &Parts, caller: Caller) -> Response<Body> {
    let Some(world) = gate.knowledge.world() else {
        return pages::not_ready();
    };
    let Some(visit) = visit(gate, parts, caller, world) else {
        return answer::text(StatusCode::BAD_REQUEST, "The request is malformed.\n");
    };
    if visit.world.auth_host() == Some(&*visit.host) {
        let path = parts.uri.path();
        return match (path.strip_prefix(GATE_CLIENT_KEYS_PATH), visit.method) {
            (None, Method::Get) if path == "/.aeolus/callback" => outage::relay(gate, &visit),
            (Some(name), Method::Get | Method::Head) => outage::keys(gate, &visit, name),
            _ => answer::text(StatusCode::NOT_FOUND, "Nothing is served here.\n"),
        };
    }
    if visit.world.any_deployment_of(&visit.host).is_none() {
        return answer::text(StatusCode::NOT_FOUND, "Nothing is served here.\n");
    }
    let most = gate.settings.now().caps.waiting;
    let waiter = Waiter {
        class: Class::SignIn,
        source: caller.peer.map(Source::of),
        of_deployment: None,
    };
    let enter = || gate.waiting.enter(waiter, most);
    match (parts.uri.path(), visit.method) {
        ("/.aeolus/sign-in", Method::Get | Method::Head) => match enter() {
            Some(_wait) => sign_in::begin(gate, &visit),
            None => pages::busy(),
        },
        ("/.aeolus/callback", Method::Get) => match enter() {
            Some(_wait) => match visit.parameter("ticket") {
                Some(ticket) => outage::finish(gate, &visit, &ticket).await,
                None => callback::finish(gate, &visit).await,
            },
            None => pages::busy(),
        },
        ("/.aeolus/refresh", Method::Get) => info::refresh(gate, &visit),
        ("/.aeolus/session", Method::Get) => info::session(gate, &visit),
        ("/.aeolus/sign-out", Method::Get | Method::Post) => sign_out::end(gate, &visit),
        (
            "/.aeolus/sign-in" | "/.aeolus/callback" | "/.aeolus/refresh" | "/.aeolus/session"
            | "/.aeolus/sign-out",
            _,
        ) => answer::text(
            StatusCode::METHOD_NOT_ALLOWED,
            "This method is not allowed.\n",
        ),
        _ => answer::text(StatusCode::NOT_FOUND, "Nothing is served here.\n"),
    }
}

fn visit<'a>(
    gate: &Gate,
    parts: &'a Parts,
    caller: Caller,
    world: Arc<World>,
) -> Option<Visit<'a>> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let written = hosts.next().filter(|_| hosts.next().is_none())?;
    let authority = Authority::parse(written.as_bytes())?;
    let target = parts.uri.path_and_query()?.as_str().as_bytes();
    let headers = Headers::collect(pairs(&parts.headers));
    let question = Question {
        method: parts.method.as_str().as_bytes(),
        host: Some(written.as_bytes()),
        target,
        peer: caller.peer,
        pin: None,
        parent_cookie: None,
        headers: headers.clone(),
    };
    Some(Visit {
        method: Method::parse(parts.method.as_str().as_bytes())?,
        host: authority.host().to_owned(),
        port: authority.port,
        tls: caller.tls,
        query: parts.uri.query().unwrap_or_default(),
        headers,
        question,
        world,
        now: gate.knowledge.now(),
    })
}
