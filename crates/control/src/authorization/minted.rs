//! Tokens for whoever control lets in, as the original made them (row I9): RS256 by the legacy key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aeolus_decide::{Allowed, Identity};
use aeolus_keys::{Kind, digest};
use aeolus_model::{AirflowRole, DeploymentId, Subject};
use http::HeaderValue;

use crate::app::App;
use crate::error::ApiError;

/// More than this many are not remembered at one time.
const CAPACITY: usize = 10_000;

/// Everything that goes into a token but its own id.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    subject: Subject,
    deployment: DeploymentId,
    audience: String,
    role: Option<AirflowRole>,
    person: u128,
    slot: i64,
    /// The credential's end, where it comes before the token's.
    capped: Option<i64>,
}

/// The tokens of this stretch of time.
#[derive(Default)]
pub(crate) struct Minted(Mutex<HashMap<Key, HeaderValue>>);

impl Minted {
    /// The `Authorization` with which a request goes on; none where the credential ends right now.
    pub(crate) async fn bearer(
        &self,
        app: &App,
        (allowed, identity): (&Allowed, &Identity),
    ) -> Result<Option<HeaderValue>, ApiError> {
        let Some(term) = identity.term(app.clock.now()) else {
            return Ok(None);
        };
        let key = Key {
            subject: identity.subject,
            deployment: allowed.deployment().id,
            audience: allowed.host().to_owned(),
            role: identity.role,
            person: identity.person.fingerprint,
            slot: term.slot,
            capped: term.capped,
        };
        if let Some(known) = self.lock().get(&key) {
            return Ok(Some(known.clone()));
        }
        let jti = digest::random_token(&*app.rng, 16).expose().clone();
        let claims = identity.airflow2((&app.issuer, allowed.host()), term, jti);
        let signer = app.clone();
        let sign = move || {
            let key = signer.keys.legacy()?;
            Some(key.sign(Kind::Legacy, &claims))
        };
        let signed = tokio::task::spawn_blocking(sign).await;
        let signed = signed.map_err(ApiError::internal)?;
        let signed = signed.ok_or_else(|| ApiError::internal("there is no legacy key"))?;
        let token = signed.map_err(ApiError::internal)?;
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(ApiError::internal)?;
        bearer.set_sensitive(true);
        let mut minted = self.lock();
        if minted.len() >= CAPACITY {
            minted.retain(|other, _| other.slot == term.slot);
        }
        if minted.len() < CAPACITY {
            minted.insert(key, bearer.clone());
        }
        Ok(Some(bearer))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, HeaderValue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
