//! A typed client of control: one connection pool, hard limits on time and size, no redirects.

mod access;
mod addresses;
mod audit;
mod connections;
mod error;
mod explain;
mod keys;
mod operations;
mod people;
mod planes;
mod policy;
mod quota;
mod roles;
mod scim;
mod sessions;
mod teams;
mod tenancy;
mod tokens;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aeolus_model::{Rng, Secret};
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::trust::Trust;

use addresses::Addresses;
pub use audit::AuditQuery;
pub use error::ClientError;
pub use keys::KeyRemoval;
pub use operations::Wait;
pub use planes::Applied;
pub use policy::PolicyChange;
pub use roles::RoleGrants;
pub use sessions::SessionsOf;
pub use tokens::TokenQuery;

/// Answers larger than this are refused, unless the call says otherwise.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// How long an answer may take to begin, beyond what the call asked control to wait.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may pause. What keeps coming may be slow: over a thin line a snapshot takes minutes.
const STALL: Duration = Duration::from_secs(5);
/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

type Connector = HttpsConnector<HttpConnector<Addresses>>;

/// A client of one control plane, cheap to clone.
#[derive(Clone)]
pub struct Client {
    connections: Arc<Connections>,
    base: String,
    bearer: Option<Secret<String>>,
    timeout: Duration,
    repeats: Option<Arc<dyn Rng>>,
}

/// The connections that are open. Where one of them brought nothing in time, those beside it that are
/// idle are no better: they are all given up, so that the next call doesn't wait on another dead one.
struct Connections {
    connector: Connector,
    pool: Mutex<Pool<Connector, Full<Bytes>>>,
}

impl Connections {
    fn new(connector: Connector) -> Self {
        let pool = Mutex::new(Pool::builder(TokioExecutor::new()).build(connector.clone()));
        Self { connector, pool }
    }

    fn pool(&self) -> Pool<Connector, Full<Bytes>> {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.clone()
    }

    fn give_up(&self) -> ClientError {
        let fresh = Pool::builder(TokioExecutor::new()).build(self.connector.clone());
        *self.pool.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        ClientError::Timeout
    }
}

/// One request before it is sent.
struct Call<'a> {
    method: Method,
    path: &'a str,
    body: Option<(&'static str, Bytes)>,
    headers: Vec<(&'static str, String)>,
    extra_wait: Duration,
    max_answer: usize,
}

impl<'a> Call<'a> {
    fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            body: None,
            headers: Vec::new(),
            extra_wait: Duration::ZERO,
            max_answer: MAX_ANSWER,
        }
    }

    fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    fn form(path: &'a str, form: &[(&str, &str)]) -> Self {
        let body = form
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect::<Vec<_>>()
            .join("&");
        let mut call = Self::new(Method::POST, path);
        call.body = Some(("application/x-www-form-urlencoded", body.into()));
        call
    }

    fn json(method: Method, path: &'a str, body: &impl Serialize) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(body).map_err(|_| ClientError::Malformed)?;
        let mut call = Self::new(method, path);
        call.body = Some(("application/json", bytes.into()));
        Ok(call)
    }

    /// Whether it is one of those that control does once: the OAuth2 endpoints and planes have other ways.
    fn is_api(&self) -> bool {
        self.path.starts_with("/v1/") && !self.path.starts_with("/v1/planes/self/")
    }
}

impl Client {
    /// A client for control's public URL. `https` uses the system's trust anchors; `http` is for
    /// loopback and is the caller's to judge.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        let trust = Trust::of_system().map_err(|error| ClientError::Tls(error.to_string()))?;
        Self::trusting(base, &trust)
    }

    /// The same, believing others.
    pub fn trusting(base: &str, trust: &Arc<Trust>) -> Result<Self, ClientError> {
        let tls = trust.client();
        Self::with_tls(
            base,
            tls.map_err(|error| ClientError::Tls(error.to_string()))?,
        )
    }

    /// A client with its own TLS: private authorities, a certificate of its own.
    pub fn with_tls(base: &str, tls: rustls::ClientConfig) -> Result<Self, ClientError> {
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        Self::build(
            base,
            builder.https_or_http().enable_http1().wrap_connector(tcp()),
        )
    }

    fn build(base: &str, connector: Connector) -> Result<Self, ClientError> {
        let url = Url::parse(base).map_err(|_| ClientError::BaseUrl(base.to_owned()))?;
        let fits = matches!(url.scheme(), "https" | "http")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !fits {
            return Err(ClientError::BaseUrl(base.to_owned()));
        }
        Ok(Self {
            connections: Arc::new(Connections::new(connector)),
            base: base.trim_end_matches('/').to_owned(),
            bearer: None,
            timeout: TIMEOUT,
            repeats: None,
        })
    }

    /// The same client with another bearer credential. Gates make one per call, from a fresh
    /// assertion.
    #[must_use]
    pub fn with_bearer(&self, bearer: Secret<String>) -> Self {
        let bearer = Some(bearer);
        Self {
            bearer,
            ..self.clone()
        }
    }

    /// The same client with another limit on the time until an answer begins (long polls add their
    /// wait).
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// The same client that gives each POST of the API an `Idempotency-Key` of its own, and sends it once
    /// more under the same key where the connection was lost: control does the work once and repeats its
    /// answer, without a secret that was in it.
    #[must_use]
    pub fn with_repeats(&self, rng: Arc<dyn Rng>) -> Self {
        Self {
            repeats: Some(rng),
            ..self.clone()
        }
    }

    /// Control's URL, without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ClientError> {
        let bytes = self.bytes(call).await?;
        serde_json::from_slice(&bytes).map_err(|_| ClientError::Malformed)
    }

    async fn bytes(&self, mut call: Call<'_>) -> Result<Bytes, ClientError> {
        let repeats = self.repeats.as_ref();
        let Some(rng) = repeats.filter(|_| call.method == Method::POST && call.is_api()) else {
            return self.once(&call).await;
        };
        call.headers.push(("idempotency-key", key(&**rng)));
        match self.once(&call).await {
            Err(ClientError::Unreachable(_)) => self.once(&call).await,
            answered => answered,
        }
    }

    async fn once(&self, call: &Call<'_>) -> Result<Bytes, ClientError> {
        let limit = self.timeout.saturating_add(call.extra_wait);
        let max = call.max_answer;
        let answer = tokio::time::timeout(limit, self.send(call))
            .await
            .map_err(|_| self.connections.give_up())??;
        let status = answer.status();
        let retry_after = answer.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let body = self.body(Limited::new(answer.into_body(), max)).await?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(ClientError::refused(status, retry_after, &body))
        }
    }

    /// Hands on an answer of any size in pieces. As with every answer, it may take long but not pause.
    /// Ends early where `piece` says `false`.
    async fn stream(
        &self,
        call: Call<'_>,
        mut piece: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), ClientError> {
        let max = call.max_answer;
        let answer = tokio::time::timeout(self.timeout, self.send(&call))
            .await
            .map_err(|_| self.connections.give_up())??;
        let status = answer.status();
        if !status.is_success() {
            let body = self.body(Limited::new(answer.into_body(), max)).await?;
            return Err(ClientError::refused(status, None, &body));
        }
        let mut body = answer.into_body();
        loop {
            let frame = tokio::time::timeout(STALL, body.frame())
                .await
                .map_err(|_| self.connections.give_up())?;
            let Some(frame) = frame else {
                return Ok(());
            };
            let frame = frame.map_err(|error| ClientError::body(&error))?;
            if !frame.data_ref().is_none_or(|data| piece(data)) {
                return Ok(());
            }
        }
    }

    async fn body(&self, mut answer: Limited<Incoming>) -> Result<Bytes, ClientError> {
        let mut body = BytesMut::new();
        loop {
            let frame = tokio::time::timeout(STALL, answer.frame())
                .await
                .map_err(|_| self.connections.give_up())?;
            let Some(frame) = frame else {
                return Ok(body.freeze());
            };
            let frame = frame.map_err(|error| ClientError::body(error.as_ref()))?;
            body.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        }
    }

    async fn send(&self, call: &Call<'_>) -> Result<Response<Incoming>, ClientError> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.base, call.path))
            .header(ACCEPT, "application/json");
        if let Some(bearer) = &self.bearer {
            let mut value = HeaderValue::try_from(format!("Bearer {}", bearer.expose()))
                .map_err(|_| ClientError::Malformed)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let body = match &call.body {
            Some((content_type, body)) => {
                request = request.header(CONTENT_TYPE, *content_type);
                Full::from(body.clone())
            }
            None => Full::default(),
        };
        let request = request.body(body).map_err(|_| ClientError::Malformed)?;
        let sent = self.connections.pool().request(request).await;
        sent.map_err(|error| ClientError::unreachable(&error))
    }
}

fn tcp() -> HttpConnector<Addresses> {
    let mut tcp = HttpConnector::new_with_resolver(Addresses::new());
    // The TLS layer decides which scheme is fine.
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_nodelay(true);
    tcp
}

/// A key that nobody has used.
fn key(rng: &dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// A path segment or query value, with everything special escaped.
fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests;
