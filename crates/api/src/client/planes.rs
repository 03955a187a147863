//! What a gate asks. All but enrolment need a plane assertion as bearer.

use std::time::Duration;

use aeolus_model::SessionId;
use http::Method;

use super::{Call, Client, ClientError};
use crate::plane::{
    CheckAnswer, CheckRequest, EnrollAnswer, EnrollRequest, EventsAnswer, ManifestAnswer,
    RenewAnswer, RenewRequest, Status,
};

/// What a gate has in force, as a poll says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Epoch of the snapshot.
    pub epoch: u64,
    /// Its position, which its revocations are of.
    pub seq: u64,
    /// The position up to which everything is in it.
    pub records: u64,
}

/// Blobs larger than this are not believed to be sections.
const MAX_SECTION: usize = 256 * 1024 * 1024;

impl Client {
    /// Enrols a plane with its join token's proof.
    pub async fn enroll(&self, request: &EnrollRequest) -> Result<EnrollAnswer, ClientError> {
        self.json(Call::json(Method::POST, "/v1/planes/enroll", request)?)
            .await
    }

    /// Asks for news after what is in force, waiting up to `wait` for some (control caps it at 30 s).
    /// `root` is the version of the root document held.
    pub async fn manifest(
        &self,
        after: Option<Applied>,
        wait: Duration,
        root: u64,
    ) -> Result<ManifestAnswer, ClientError> {
        let mut path = format!(
            "/v1/planes/self/manifest?root={root}&wait={}",
            wait.as_secs()
        );
        if let Some(held) = after {
            let Applied {
                epoch,
                seq,
                records,
            } = held;
            path = format!("{path}&after={epoch}.{seq}&records={records}");
        }
        let mut call = Call::get(&path);
        call.extra_wait = wait;
        self.json(call).await
    }

    /// One blob by its lower-case hex SHA-256. The caller checks the digest.
    pub async fn section(&self, sha256: &str) -> Result<Vec<u8>, ClientError> {
        let path = format!("/v1/planes/self/sections/{}", super::escape(sha256));
        let mut call = Call::get(&path);
        call.max_answer = MAX_SECTION;
        self.bytes(call).await.map(Vec::from)
    }

    /// Uploads a batch of events: lines of `plane::Event`. Sending the same key again is safe.
    pub async fn events(&self, key: &str, ndjson: Vec<u8>) -> Result<EventsAnswer, ClientError> {
        let mut call = Call::new(Method::POST, "/v1/planes/self/events");
        call.body = Some(("application/x-ndjson", ndjson.into()));
        call.headers.push(("idempotency-key", key.to_owned()));
        self.json(call).await
    }

    /// Reports what this gate has in force.
    pub async fn status(&self, status: &Status) -> Result<(), ClientError> {
        let call = Call::json(Method::POST, "/v1/planes/self/status", status)?;
        self.bytes(call).await.map(|_| ())
    }

    /// Asks control about a request that the gate allows.
    pub async fn check(&self, request: &CheckRequest) -> Result<CheckAnswer, ClientError> {
        let call = Call::json(Method::POST, "/v1/planes/self/check", request)?;
        self.json(call).await
    }

    /// Extends a session's access end. A refusal with 404 or 410 means that it has ended.
    pub async fn renew(
        &self,
        session: SessionId,
        request: &RenewRequest,
    ) -> Result<RenewAnswer, ClientError> {
        let path = format!("/v1/planes/self/sessions/{session}/renew");
        self.json(Call::json(Method::POST, &path, request)?).await
    }
}
