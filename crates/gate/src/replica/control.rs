//! Control as a gate sees it: a port, and its adapter over HTTP.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::client::{Applied, Client, ClientError};
use aeolus_api::plane::{
    EnrollAnswer, EnrollRequest, EventsAnswer, ManifestAnswer, OVER_IN_ORGANIZATION, RenewAnswer,
    RenewRequest, Status,
};
use aeolus_keys::claims::PlaneAssertion;
use aeolus_keys::digest::random_token;
use aeolus_keys::{Kind, SigningKey};
use aeolus_model::{Clock, Rng, Secret, SessionId};
use aeolus_snapshot::Digest;

use super::data::Settings;
use super::state::Held;

/// How long control may take to begin its answer, beyond what it was asked to wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No connection, no answer in time, or one that makes no sense.
    #[error("{0}")]
    Unavailable(String),
    /// Control asks to be left alone for a while (429, 503).
    #[error("control is busy")]
    Busy(Option<Duration>),
    /// The session that was to be renewed is over in the organization that was asked about; it may go on in
    /// others. Control of an earlier release says that it has ended.
    #[error("the session is over in the organization")]
    OverInOrganization,
    /// Control said no, for good.
    #[error("control refused with status {status}: {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        text: String,
    },
}

/// What a gate asks of control. No call hangs: control that doesn't begin to answer in time, or stops
/// within an answer, is unavailable. How long a whole answer may take, the caller says.
pub trait Control: Send + Sync + 'static {
    /// News after what is in force, waiting for some.
    fn manifest(
        &self,
        after: Option<Held>,
        wait: Duration,
        root: u64,
    ) -> impl Future<Output = Result<ManifestAnswer, ControlError>> + Send;
    /// One blob of at most `limit` bytes. The caller checks its hash.
    fn section(
        &self,
        digest: &Digest,
        limit: u64,
    ) -> impl Future<Output = Result<Vec<u8>, ControlError>> + Send;
    /// Uploads a batch of events under its idempotency key.
    fn events(
        &self,
        key: &str,
        ndjson: Vec<u8>,
    ) -> impl Future<Output = Result<EventsAnswer, ControlError>> + Send;
    /// Reports what is in force.
    fn status(&self, status: &Status) -> impl Future<Output = Result<(), ControlError>> + Send;
    /// Renews a session.
    fn renew(
        &self,
        session: SessionId,
        request: &RenewRequest,
    ) -> impl Future<Output = Result<RenewAnswer, ControlError>> + Send;
    /// Enrols a plane: the one call without an assertion.
    fn enroll(
        &self,
        request: &EnrollRequest,
    ) -> impl Future<Output = Result<EnrollAnswer, ControlError>> + Send;
}

/// Control over HTTP, with a new assertion of 60 s at every call: nothing can expire in between and
/// strand a plane.
pub struct ApiControl {
    client: Client,
    settings: Settings,
    identity: Arc<SigningKey>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl ApiControl {
    /// An adapter that speaks as a plane.
    pub fn new(
        client: &Client,
        settings: Settings,
        identity: Arc<SigningKey>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            client: client.with_timeout(PATIENCE),
            settings,
            identity,
            clock,
            rng,
        }
    }

    /// A new assertion of the plane, for calls that aren't in [`Control`] (the token endpoint).
    pub fn assertion(&self) -> Result<Secret<String>, ControlError> {
        let plane = format!("plane:{}", self.settings.plane);
        let now = self.clock.now().secs();
        let claims = PlaneAssertion {
            iss: plane.clone(),
            sub: plane,
            aud: self.settings.issuer.clone(),
            iat: now,
            exp: now.saturating_add(60),
            jti: random_token(&*self.rng, 16).expose().clone(),
        };
        let signed = self.identity.sign(Kind::PlaneAssertion, &claims);
        signed
            .map(Secret::new)
            .map_err(|error| ControlError::Unavailable(error.to_string()))
    }

    fn asserted(&self) -> Result<Client, ControlError> {
        Ok(self.client.with_bearer(self.assertion()?))
    }
}

impl Control for ApiControl {
    async fn manifest(
        &self,
        after: Option<Held>,
        wait: Duration,
        root: u64,
    ) -> Result<ManifestAnswer, ControlError> {
        let after = after.map(|held| Applied {
            epoch: held.position.epoch,
            seq: held.position.seq,
            records: held.records,
        });
        Ok(self.asserted()?.manifest(after, wait, root).await?)
    }

    async fn section(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, ControlError> {
        let bytes = self.asserted()?.section(&digest.to_string()).await?;
        if bytes.len() as u64 > limit {
            return Err(ControlError::Unavailable("a section is too large".into()));
        }
        Ok(bytes)
    }

    async fn events(&self, key: &str, ndjson: Vec<u8>) -> Result<EventsAnswer, ControlError> {
        Ok(self.asserted()?.events(key, ndjson).await?)
    }

    async fn status(&self, status: &Status) -> Result<(), ControlError> {
        Ok(self.asserted()?.status(status).await?)
    }

    async fn renew(
        &self,
        session: SessionId,
        request: &RenewRequest,
    ) -> Result<RenewAnswer, ControlError> {
        Ok(self.asserted()?.renew(session, request).await?)
    }

    async fn enroll(&self, request: &EnrollRequest) -> Result<EnrollAnswer, ControlError> {
        enroll_at(&self.client, request).await
    }
}

pub(crate) async fn enroll_at(
    client: &Client,
    request: &EnrollRequest,
) -> Result<EnrollAnswer, ControlError> {
    Ok(client.enroll(request).await?)
}

impl From<ClientError> for ControlError {
    fn from(error: ClientError) -> Self {
        if let ClientError::Busy { retry_after, .. } = error {
            return Self::Busy(retry_after);
        }
        if let ClientError::Refused(problem) = &error
            && problem.code == OVER_IN_ORGANIZATION
        {
            return Self::OverInOrganization;
        }
        match error.status() {
            Some(status) if (400..500).contains(&status) && status != 408 => Self::Refused {
                status,
                text: error.to_string(),
            },
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
