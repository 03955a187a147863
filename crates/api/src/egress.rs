//! The one way out to identity providers and to where the audit log is sent: https, no redirect, little patience, little room, and no
//! way to addresses that only this machine or its network should reach (row A19).

mod proxy;
mod reach;
mod way;

use std::time::Duration;

use aeolus_model::Secret;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

pub use self::proxy::{Proxies, ProxyError};
use self::reach::checked;
pub use self::reach::{Reach, is_askable, reach_of};
use self::way::Outward;
pub use self::way::Way;

/// How much of an answer is read, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of an answer.
    pub bytes: usize,
    /// From the question to the answer's last byte.
    pub time: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Not a URL that is asked.
    #[error("the URL is not one of https")]
    Url,
    /// An address that is not asked.
    #[error("the address is not one that may be reached from here")]
    Address,
    /// A secret that no header can carry.
    #[error("a secret for it has characters that no header can carry")]
    Header,
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// There is no connection.
    #[error("it can't be reached: {0}")]
    Unreachable(String),
    /// Not a 200.
    #[error("it answers {0}")]
    Status(StatusCode),
    /// Not a whole body within its bounds.
    #[error("its answer breaks off or is too large")]
    Body,
    /// The same, of an answer whose status may be all that matters.
    #[error("it answers {0}, and what it says breaks off or is too large")]
    Unread(StatusCode),
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its body, whole.
    pub body: Bytes,
}

const AGENT: &str = concat!("aeolus/", env!("CARGO_PKG_VERSION"));

type Pool = Client<HttpsConnector<Outward>, Full<Bytes>>;

/// The clients, one for each reach.
pub struct Egress {
    configured: Pool,
    public: Pool,
    bounds: Bounds,
}

impl Egress {
    /// Straight, with the system's trust anchors.
    pub fn new(bounds: Bounds) -> Result<Self, std::io::Error> {
        Self::by(&Way::default(), bounds)
    }

    /// By a way that is configured.
    pub fn by(way: &Way, bounds: Bounds) -> Result<Self, std::io::Error> {
        Ok(Self {
            configured: pool(way, Reach::Configured)?,
            public: pool(way, Reach::Public)?,
            bounds,
        })
    }

    /// The body of a 200.
    pub async fn get(&self, url: &str, reach: Reach) -> Result<Bytes, EgressError> {
        let url = checked(url, reach)?;
        let request = Request::get(url.as_str()).body(Full::default());
        self.ask(request, reach).await
    }

    /// The body of a 200, asked for in somebody's name (RFC 6750 §2.1).
    pub async fn get_with_bearer(
        &self,
        url: &str,
        token: &Secret<String>,
        reach: Reach,
    ) -> Result<Bytes, EgressError> {
        let url = checked(url, reach)?;
        let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let mut bearer = bearer.map_err(|_| EgressError::Header)?;
        bearer.set_sensitive(true);
        let request = Request::get(url.as_str())
            .header(AUTHORIZATION, bearer)
            .body(Full::default());
        self.ask(request, reach).await
    }

    /// Sends a form, and gives back what is answered, whatever its status: a token endpoint says why not in
    /// the body of a 400 (RFC 6749 §5.2). `authorization` is a whole `Authorization` header.
    pub async fn post_form_for_answer(
        &self,
        url: &str,
        form: &[(&str, &str)],
        authorization: Option<&Secret<String>>,
        reach: Reach,
    ) -> Result<Answered, EgressError> {
        let url = checked(url, reach)?;
        let mut request =
            Request::post(url.as_str()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(secret) = authorization {
            let value = HeaderValue::try_from(secret.expose().as_str());
            let mut value = value.map_err(|_| EgressError::Header)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        self.answered(request.body(Full::from(encoded(form))), reach)
            .await
    }

    /// The same for a form that is sent.
    pub async fn post_form(
        &self,
        url: &str,
        form: &[(&str, &str)],
        reach: Reach,
    ) -> Result<Bytes, EgressError> {
        let url = checked(url, reach)?;
        let request = Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(encoded(form)));
        self.ask(request, reach).await
    }

    /// Sends a body; any answer of the 2xx will do, and what it says is not read.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, String)],
        body: Bytes,
        reach: Reach,
    ) -> Result<(), EgressError> {
        let url = checked(url, reach)?;
        let mut request = Request::post(url.as_str()).header(USER_AGENT, AGENT);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::from(body));
        let request = request.map_err(|_| EgressError::Url)?;
        let answer = self.pool(reach).request(request);
        let answer = tokio::time::timeout(self.bounds.time, answer).await;
        let answer = answer.map_err(|_| EgressError::Timeout)?;
        let answer = answer.map_err(|error| EgressError::Unreachable(causes(&error)))?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(EgressError::Status(answer.status()))
        }
    }

    /// Sends a request as it is, and gives back the whole answer, whatever its status.
    pub async fn exchange(
        &self,
        request: Request<Bytes>,
        reach: Reach,
    ) -> Result<Response<Bytes>, EgressError> {
        checked(&request.uri().to_string(), reach)?;
        let answered = async {
            let answer = self.pool(reach).request(request.map(Full::from)).await;
            let answer = answer.map_err(|error| EgressError::Unreachable(causes(&error)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, self.bounds.bytes).collect();
            let body = body.await;
            let body = body.map_err(|_| EgressError::Unread(head.status))?;
            let body = body.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        let answered = tokio::time::timeout(self.bounds.time, answered).await;
        answered.map_err(|_| EgressError::Timeout)?
    }

    async fn ask(
        &self,
        request: http::Result<Request<Full<Bytes>>>,
        reach: Reach,
    ) -> Result<Bytes, EgressError> {
        let answered = self.send(request, reach, |status| status == StatusCode::OK);
        Ok(answered.await?.body)
    }

    async fn answered(
        &self,
        request: http::Result<Request<Full<Bytes>>>,
        reach: Reach,
    ) -> Result<Answered, EgressError> {
        self.send(request, reach, |_| true).await
    }

    async fn send(
        &self,
        request: http::Result<Request<Full<Bytes>>>,
        reach: Reach,
        wanted: impl Fn(StatusCode) -> bool,
    ) -> Result<Answered, EgressError> {
        let mut request = request.map_err(|_| EgressError::Url)?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let answered = async {
            let answer = self.pool(reach).request(request).await;
            let answer = answer.map_err(|error| EgressError::Unreachable(causes(&error)))?;
            let status = answer.status();
            if !wanted(status) {
                return Err(EgressError::Status(status));
            }
            let body = Limited::new(answer.into_body(), self.bounds.bytes).collect();
            let body = body.await.map_err(|_| EgressError::Body)?.to_bytes();
            Ok(Answered { status, body })
        };
        let answered = tokio::time::timeout(self.bounds.time, answered).await;
        answered.map_err(|_| EgressError::Timeout)?
    }

    const fn pool(&self, reach: Reach) -> &Pool {
        match reach {
            Reach::Configured => &self.configured,
            Reach::Public => &self.public,
        }
    }
}

fn pool(way: &Way, reach: Reach) -> Result<Pool, std::io::Error> {
    Ok(Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(way.connector(reach)?))
}

fn encoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
