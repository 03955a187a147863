//! POSTs that may be sent twice (F46; draft-ietf-httpapi-idempotency-key-header).
//!
//! Whoever loses an answer sends the request again under the same `Idempotency-Key` and gets the answer
//! that was lost: the work and its answer are kept in one transaction. A handler begins it with
//! [`Ctx::write_in`] or [`Ctx::write_for`] and ends it with [`Ctx::created`], [`Ctx::done`] or
//! [`Ctx::awaited`]. What it answers there is kept; a secret is put in only afterwards, so that none is kept
//! and none is shown twice. Who may not come in any more gets no answer again.

use std::sync::{Arc, OnceLock};

use aeolus_api::Awaited;
use aeolus_keys::digest;
use aeolus_model::{Actor, Permission, Secret};
use aeolus_store::{Claim, Digest, Organization, Unit as _, Write};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::app::App;
use crate::authority::Authority;
use crate::ctx::{Ctx, RequestInfo};
use crate::error::ApiError;
use crate::planes::Wait;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST: usize = 255;

/// The key under which requests are told apart, from the master key. Bodies hold passwords, and a plain
/// digest of one could be guessed from.
pub(crate) fn key_from(master: &Secret<[u8; 32]>) -> Secret<[u8; 32]> {
    Secret::new(digest::hmac(master.expose(), &[b"request", b"key"]))
}

/// What a request brought, once that is read; shared by all who hold the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(Arc<OnceLock<Digest>>);

impl Body {
    /// That of a request for which it matters.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let info = request.extensions().get::<RequestInfo>();
        let info = info.filter(|_| request.headers().contains_key(KEY));
        info.map(|info| info.body.clone())
    }

    /// Notes what was read.
    pub(crate) fn note(&self, app: &App, bytes: &[u8]) {
        let _ = self.0.set(digest::hmac(app.request_key.expose(), &[bytes]));
    }
}

/// A request that may be sent twice.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    key: String,
    head: String,
    body: Body,
}

impl Attempt {
    /// A POST with a key.
    pub(crate) fn of(parts: &Parts, info: &RequestInfo) -> Result<Option<Self>, ApiError> {
        if parts.method != Method::POST || !parts.headers.contains_key(KEY) {
            return Ok(None);
        }
        let wrong = || {
            let what = "send it once, with 1 to 255 printable ASCII characters";
            ApiError::field("Idempotency-Key", what)
        };
        Ok(Some(Self {
            key: key(&parts.headers).ok_or_else(wrong)?.to_owned(),
            head: format!("{} {}", parts.method, parts.uri),
            body: info.body.clone(),
        }))
    }

    /// Tells it from other requests.
    fn digest(&self, app: &App) -> Digest {
        let nothing = Digest::default();
        let body = self.body.0.get().unwrap_or(&nothing);
        digest::hmac(app.request_key.expose(), &[self.head.as_bytes(), body])
    }
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(KEY).iter();
    let key = values.next()?.to_str().ok()?;
    let fits =
        (1..=LONGEST).contains(&key.len()) && key.bytes().all(|b| (b' '..=b'~').contains(&b));
    (fits && values.next().is_none()).then_some(key)
}

/// The answer to a POST.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    status: StatusCode,
    pub(crate) body: T,
}

impl<T> Reply<T> {
    /// Of something that changed nothing, so that it may be done again: a dry run.
    pub(crate) const fn unchanged(body: T) -> Self {
        Self {
            status: StatusCode::OK,
            body,
        }
    }

    /// The same with something that isn't kept.
    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> Reply<U> {
        Reply {
            status: self.status,
            body: with(self.body),
        }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.body)).into_response()
    }
}

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    status: u16,
    seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<Wait>,
    body: Box<RawValue>,
}

/// The answer that a request got when it came before.
#[derive(Debug)]
pub(crate) struct Again {
    status: StatusCode,
    body: String,
}

impl Again {
    /// What was kept, where it is only a part of the answer.
    pub(crate) fn kept<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_str(&self.body).map_err(ApiError::internal)
    }

    /// With another body around what was kept.
    pub(crate) fn with(self, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(ApiError::internal)?;
        Ok(Self { body, ..self })
    }
}

impl IntoResponse for Again {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (REPLAYED, HeaderValue::from_static("true")),
        ];
        (self.status, headers, self.body).into_response()
    }
}

impl Ctx {
    /// Begins the transaction of a POST about an organization, given by id or name. Whether the actor may
    /// know of it, comes as its policy wants and has some of its quota left is judged first, whatever the
    /// request was answered before. The rest is as in [`Ctx::write`] and [`Ctx::authority_in`].
    pub(crate) async fn write_in(
        &self,
        organization: &str,
    ) -> Result<(Write, Authority, Organization), ApiError> {
        let mut write = self.app.store.write().await?;
        let authority = self.authority(&mut write).await?;
        let found = authority.organization(&mut write, organization).await?;
        let mut write = self.claim(write).await?;
        let (authority, found) = self.hold(&mut write, found.id).await?;
        Ok((write, authority, found))
    }

    /// Begins the transaction of a POST that needs a permission in the whole installation, whatever the
    /// request was answered before. The rest is as in [`Ctx::write`].
    pub(crate) async fn write_for(&self, permission: Permission) -> Result<Write, ApiError> {
        let mut write = self.app.store.write().await?;
        let authority = self.authority(&mut write).await?;
        authority.require(permission, &[])?;
        self.claim(write).await
    }

    /// Begins the transaction of a POST whose sender is judged already. Where the request was answered
    /// before, that answer comes back as [`ApiError::Again`]; while another one under the same key is at
    /// work, this waits for it.
    pub(crate) async fn write(&self) -> Result<Write, ApiError> {
        self.claim(self.app.store.write().await?).await
    }

    async fn claim(&self, mut write: Write) -> Result<Write, ApiError> {
        let Some(attempt) = &self.attempt else {
            return Ok(write);
        };
        let (actor, request) = (name(&self.actor), attempt.digest(&self.app));
        let now = self.app.clock.now();
        let mut keys = write.idempotency_keys();
        let claim = keys.claim(&actor, &attempt.key, &request, now).await?;
        if claim == Claim::New {
            return Ok(write);
        }
        write.rollback().await?;
        Err(self.known(claim).await)
    }

    /// Answers what was answered before, ahead of work that isn't part of the transaction.
    pub(crate) async fn recall(&self) -> Result<(), ApiError> {
        let Some(attempt) = &self.attempt else {
            return Ok(());
        };
        let (actor, request) = (name(&self.actor), attempt.digest(&self.app));
        let mut view = self.app.store.read().await?;
        let mut keys = view.idempotency_keys();
        let claim = keys.find(&actor, &attempt.key, &request).await?;
        drop(view);
        if claim == Claim::New {
            return Ok(());
        }
        Err(self.known(claim).await)
    }

    /// Takes the key ahead of work that isn't part of a transaction and is done once at most: whoever comes
    /// with it meanwhile is told so, and so are all who come later if this process dies on the way. Ends with
    /// [`Ctx::done`] in another transaction, or with [`Ctx::release`].
    pub(crate) async fn reserve(&self) -> Result<(), ApiError> {
        if self.attempt.is_some() {
            let write = self.write().await?;
            self.app.commit(write).await?;
        }
        Ok(())
    }

    /// Gives the key back: the work was not done, and may be tried again under it.
    pub(crate) async fn release(&self, write: &mut Write) -> Result<(), ApiError> {
        if let Some(attempt) = &self.attempt {
            let mut keys = write.idempotency_keys();
            keys.release(&name(&self.actor), &attempt.key).await?;
        }
        Ok(())
    }

    async fn known(&self, claim: Claim) -> ApiError {
        match claim {
            Claim::Begun => ApiError::KeyBegun,
            Claim::Done(kept) => match self.again(&kept).await {
                Ok(again) => ApiError::Again(again),
                Err(error) => error,
            },
            Claim::New | Claim::Mismatch => ApiError::KeyReused,
        }
    }

    async fn again(&self, kept: &str) -> Result<Again, ApiError> {
        let kept: Kept = serde_json::from_str(kept).map_err(ApiError::internal)?;
        let mut body = kept.body.get().to_owned();
        if let Some(wait) = kept.wait {
            let planes = wait.heard(&self.app, kept.seq).await?;
            let mut whole: Value = serde_json::from_str(&body).map_err(ApiError::internal)?;
            if let Some(fields) = whole.as_object_mut() {
                let planes = serde_json::to_value(planes).map_err(ApiError::internal)?;
                fields.insert("planes".to_owned(), planes);
            }
            body = whole.to_string();
        }
        let status = StatusCode::from_u16(kept.status).map_err(ApiError::internal)?;
        Ok(Again { status, body })
    }

    /// Commits and answers that something was made. `body` gets the position of the change, and may hold
    /// no secret.
    pub(crate) async fn created<T: Serialize>(
        &self,
        write: Write,
        body: impl FnOnce(u64) -> T,
    ) -> Result<Reply<T>, ApiError> {
        let (reply, _) = self
            .commit(write, (StatusCode::CREATED, None), body)
            .await?;
        Ok(reply)
    }

    /// Commits and answers that something was done. `body` is as in [`Ctx::created`].
    pub(crate) async fn done<T: Serialize>(
        &self,
        write: Write,
        body: impl FnOnce(u64) -> T,
    ) -> Result<Reply<T>, ApiError> {
        let (reply, _) = self.commit(write, (StatusCode::OK, None), body).await?;
        Ok(reply)
    }

    /// As [`Ctx::created`] or [`Ctx::done`], and waits for planes if that is asked for.
    pub(crate) async fn awaited<T: Serialize + Awaited>(
        &self,
        write: Write,
        (status, wait): (StatusCode, Option<Wait>),
        body: impl FnOnce(u64) -> T,
    ) -> Result<Reply<T>, ApiError> {
        let (mut reply, seq) = self.commit(write, (status, wait), body).await?;
        if let Some(wait) = wait {
            reply.body.heard(wait.heard(&self.app, seq).await?);
        }
        Ok(reply)
    }

    async fn commit<T: Serialize>(
        &self,
        write: Write,
        (status, wait): (StatusCode, Option<Wait>),
        body: impl FnOnce(u64) -> T,
    ) -> Result<(Reply<T>, u64), ApiError> {
        let mut end = write.end().await?;
        let seq = end.position();
        let body = body(seq);
        if let Some(attempt) = &self.attempt {
            let kept = Kept {
                status: status.as_u16(),
                seq,
                wait,
                body: serde_json::value::to_raw_value(&body).map_err(ApiError::internal)?,
            };
            let kept = serde_json::to_string(&kept).map_err(ApiError::internal)?;
            let actor = name(&self.actor);
            end.answer(&actor, &attempt.key, &kept).await?;
        }
        self.app.finish(end).await?;
        Ok((Reply { status, body }, seq))
    }
}

/// Whose key it is.
fn name(actor: &Actor) -> String {
    match actor {
        Actor::User(id) => format!("user:{id}"),
        Actor::Token(id) => format!("token:{id}"),
        Actor::Plane(id) => format!("plane:{id}"),
        Actor::Scim(client) => format!("scim:{client}"),
        Actor::System => "system".to_owned(),
        Actor::Anonymous => "anonymous".to_owned(),
    }
}
