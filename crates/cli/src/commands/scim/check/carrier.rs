//! What carries requests to an endpoint. Redirects are not followed: no provider follows one with its credential.

use std::future::Future;
use std::time::Duration;

use aeolus_api::egress::{Bounds, Egress, EgressError, Reach, Way};
use aeolus_model::Secret;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderValue, Request};
use tokio::time::Instant;

use super::judge::Answer;

/// So much of an answer is read, and so long one may take: an identity provider waits no longer.
const BOUNDS: Bounds = Bounds {
    bytes: 8 * 1024 * 1024,
    time: Duration::from_secs(30),
};

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) method: &'static str,
    pub(super) url: String,
    pub(super) media: &'static str,
    pub(super) body: String,
    /// The whole header.
    pub(super) authorization: Option<Secret<String>>,
}

/// What carries them.
pub(super) trait Carrier {
    /// An answer, whatever its status.
    fn send(&self, request: &Sent) -> impl Future<Output = Result<Answer, EgressError>>;
}

/// The way out of this machine, through its proxy where there is one.
pub(super) struct ByEgress {
    egress: Egress,
    agent: &'static str,
}

impl ByEgress {
    pub(super) fn new(way: &Way, agent: &'static str) -> Result<Self, std::io::Error> {
        let egress = Egress::by(way, BOUNDS)?;
        Ok(Self { egress, agent })
    }
}

impl Carrier for ByEgress {
    async fn send(&self, request: &Sent) -> Result<Answer, EgressError> {
        let mut made = Request::builder()
            .method(request.method)
            .uri(&request.url)
            .header(USER_AGENT, self.agent)
            .header(ACCEPT, "application/scim+json");
        if let Some(secret) = &request.authorization {
            let value = HeaderValue::try_from(secret.expose().as_str());
            let mut value = value.map_err(|_| EgressError::Header)?;
            value.set_sensitive(true);
            made = made.header(AUTHORIZATION, value);
        }
        if !request.body.is_empty() {
            made = made.header(CONTENT_TYPE, request.media);
        }
        let made = made.body(Bytes::from(request.body.clone()));
        let made = made.map_err(|_| EgressError::Url)?;
        let began = Instant::now();
        let answered = self.egress.exchange(made, Reach::Configured).await?;
        let text = |name| {
            let value = answered.headers().get(name);
            value.and_then(|value: &HeaderValue| value.to_str().ok())
        };
        Ok(Answer {
            status: answered.status().as_u16(),
            media: text(CONTENT_TYPE).unwrap_or_default().to_owned(),
            location: text(LOCATION).map(str::to_owned),
            body: answered.body().to_vec(),
            took: began.elapsed(),
        })
    }
}
