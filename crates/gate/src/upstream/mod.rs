//! The built-in reverse proxy: forwards what was allowed, streaming both ways, adding nothing but
//! the identity and taking away everything a client could pass for one.
//!
//! The path and query go on byte for byte: what was judged is what is served.

mod connect;
mod headers;
mod tunnel;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aeolus_decide::Allowed;
use bytes::Bytes;
use http::header::{CONNECTION, HOST, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Either};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer;
use crate::body::{Body, whole};
use crate::gate::Onward;
use crate::observe::{Ids, TraceId, go_on};
use crate::patience::{Paced, is_too_slow};
use crate::settings::Settings;

use self::connect::Untrusted;

pub(crate) use connect::Connector;
pub use connect::{OwnProof, UpstreamTls};
pub use tunnel::{StillGood, Streams};

/// How long it may think before its first byte. Once it answers, it may stream for ever.
const FIRST_BYTE: Duration = Duration::from_mins(5);

/// Connections to applications, kept and reused.
#[derive(Clone)]
pub struct Upstream {
    client: Client<Connector, Paced>,
    connector: Connector,
    settings: Settings,
    tunnels: Arc<tunnel::Counts>,
    open: TaskTracker,
    closing: CancellationToken,
}

/// One request's leave to go on, and as whom.
pub struct Forward<'a> {
    /// What the decision said. Nothing is forwarded without it.
    pub allowed: &'a Allowed,
    /// As whom.
    pub onward: &'a Onward,
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// `http` or `https`, as the client spoke to us.
    pub scheme: &'static str,
    /// Where spans get their ids from.
    pub ids: &'a Ids,
}

impl Upstream {
    /// With no connection yet.
    pub fn new(settings: Settings, tls: UpstreamTls) -> Self {
        let connector = Connector::new(tls);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(50))
            .build(connector.clone());
        Self {
            client,
            connector,
            settings,
            tunnels: Arc::default(),
            open: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// What makes connections to applications, for others who ask them something.
    pub(crate) const fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Tunnels at this moment.
    pub fn streams(&self) -> Streams {
        self.tunnels.streams()
    }

    /// Closes the tunnels that have not ended by themselves within a time.
    pub async fn end(&self, within: Duration) {
        self.open.close();
        if tokio::time::timeout(within, self.open.wait())
            .await
            .is_err()
        {
            let open = self.streams().open;
            tracing::info!(open, "closing the tunnels that are still open");
            self.closing.cancel();
            self.open.wait().await;
        }
    }

    /// Forwards a request and returns the application's answer as it comes. `still_good` is asked
    /// from time to time while a tunnel is open; the tunnel closes when it says no.
    pub async fn forward(
        &self,
        forward: Forward<'_>,
        request: Request<Incoming>,
        still_good: StillGood,
    ) -> Response<Body> {
        let deployment = forward.allowed.deployment();
        let Some(to) = deployment.upstream.as_deref().and_then(Place::of) else {
            tracing::error!(deployment = %deployment.id, "no usable upstream address");
            return unreachable_page(StatusCode::BAD_GATEWAY, Unanswered::Silent);
        };
        let (prepared, patience) = {
            let settings = self.settings.now();
            let parent = settings.parent_cookie.as_deref();
            (prepare(&forward, to, request, parent), settings.patience)
        };
        let (outgoing, upgrade, trace) = prepared;
        let outgoing = outgoing.map(|body| Paced::new(body, patience));
        let answer = tokio::time::timeout(FIRST_BYTE, self.client.request(outgoing)).await;
        match answer {
            Ok(Ok(answer)) => self.finish(answer, upgrade, still_good),
            Ok(Err(error)) if is_too_slow(&error) => {
                tracing::info!(deployment = %deployment.id, trace_id = %trace, "a client's body did not arrive");
                answer::text(
                    StatusCode::REQUEST_TIMEOUT,
                    "The request did not arrive in time.\n",
                )
            }
            Ok(Err(error)) => {
                if let Some((why, error)) = Untrusted::of(&error) {
                    tracing::warn!(deployment = %deployment.id, trace_id = %trace, error, "{}", why.said());
                    return unreachable_page(StatusCode::BAD_GATEWAY, Unanswered::Untrusted);
                }
                tracing::warn!(deployment = %deployment.id, trace_id = %trace, %error, "the application does not answer");
                unreachable_page(StatusCode::BAD_GATEWAY, Unanswered::Silent)
            }
            Err(_) => {
                tracing::warn!(deployment = %deployment.id, trace_id = %trace, "the application is too slow");
                unreachable_page(StatusCode::GATEWAY_TIMEOUT, Unanswered::Silent)
            }
        }
    }

    fn finish(
        &self,
        mut answer: Response<Incoming>,
        client: Option<hyper::upgrade::OnUpgrade>,
        still_good: StillGood,
    ) -> Response<Body> {
        let switching = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        let protocol = answer.headers().get(UPGRADE).cloned();
        let settings = self.settings.now();
        headers::strip_response(answer.headers_mut(), settings.parent_cookie.as_deref());
        match (switching, client) {
            (true, Some(client)) => {
                let application = hyper::upgrade::on(&mut answer);
                let counts = Arc::clone(&self.tunnels);
                let closing = self.closing.clone();
                let tunnel = tunnel::run(client, application, still_good, (counts, closing));
                self.open.spawn(tunnel);
                let all = answer.headers_mut();
                all.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                if let Some(protocol) = protocol {
                    all.insert(UPGRADE, protocol);
                }
                answer.map(|_| whole(Bytes::new()))
            }
            (true, None) => unreachable_page(StatusCode::BAD_GATEWAY, Unanswered::Silent),
            (false, _) => answer.map(|body| Either::Right(body.boxed())),
        }
    }
}

/// Where an application is.
struct Place {
    scheme: Scheme,
    authority: Authority,
}

impl Place {
    /// Reads `http://host:port` or `https://host:port`.
    fn of(address: &str) -> Option<Self> {
        let uri: Uri = address.parse().ok()?;
        if uri.path() != "/" || uri.query().is_some() {
            return None;
        }
        let uri = uri.into_parts();
        let (scheme, authority) = (uri.scheme?, uri.authority?);
        (scheme == Scheme::HTTP || scheme == Scheme::HTTPS).then_some(Self { scheme, authority })
    }
}

fn prepare(
    forward: &Forward<'_>,
    to: Place,
    mut request: Request<Incoming>,
    parent_cookie: Option<&str>,
) -> (
    Request<Incoming>,
    Option<hyper::upgrade::OnUpgrade>,
    TraceId,
) {
    let websocket = request.headers().contains_key(UPGRADE);
    let upgrade = websocket.then(|| hyper::upgrade::on(&mut request));
    let protocol = request.headers().get(UPGRADE).cloned();
    let host = request.headers().get(HOST).cloned();
    let pass_through = matches!(forward.onward, Onward::PassThrough);

    let path = request.uri().path_and_query().cloned();
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(to.scheme);
    uri.authority = Some(to.authority);
    uri.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    // The three parts are there, so they always make a URI.
    *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    *request.version_mut() = Version::HTTP_11;

    let all = request.headers_mut();
    headers::strip_request(all, pass_through, parent_cookie);
    if let (Some(protocol), Some(_)) = (protocol, &upgrade) {
        all.insert(UPGRADE, protocol);
        all.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    headers::say_where_from(all, host, forward.peer, forward.scheme);
    headers::say_who(all, forward);
    let trace = go_on(all, forward.ids);
    (request, upgrade, trace)
}

/// Marks an answer that is the gate's own because the application gave none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It can't be reached, or is too slow.
    Silent,
    /// It didn't prove who it is.
    Untrusted,
}

/// Says whose fault it is: a person who reads it must not go looking for their password.
fn unreachable_page(status: StatusCode, why: Unanswered) -> Response<Body> {
    let text = "The Airflow behind this gate does not answer. You are signed in and allowed; \
                ask whoever runs this deployment to look at its API server.\n";
    let mut answer = Response::new(whole(text));
    *answer.status_mut() = status;
    answer.extensions_mut().insert(why);
    let all = answer.headers_mut();
    all.insert(
        "content-type",
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    all.insert("cache-control", HeaderValue::from_static("no-store"));
    answer
}
