//! The exchange: whoever was let in becomes a short-lived token that one Airflow believes.
//!
//! Each deployment has a signing key of its own, derived from the plane's secret, so replicas
//! agree without talking, nothing is stored, and control never holds it. The client never sees
//! what is minted here.

mod cache;
mod signer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aeolus_decide::{Deployment, Identity};
use aeolus_keys::claims::Airflow3;
use aeolus_keys::seal::Keyring;
use aeolus_keys::{KeyError, Kind};
use aeolus_model::{PlaneId, Rng, Subject, Time};
use http::HeaderValue;

use cache::{Cache, MintedKey};
use signer::Signers;

/// How long an Airflow token is good.
const LIFE: Duration = Duration::from_mins(5);

/// Tokens minted within one such stretch of time are the same token: it is replaced long before
/// it ends, and never minted twice however many ask at once.
const SLOT: Duration = Duration::from_mins(2);

/// Airflow allows 10 s of difference between clocks, which is not enough on its own.
const BACKDATE: Duration = Duration::from_secs(30);

/// Mints Airflow tokens and publishes the keys that verify them.
pub struct Exchange {
    issuer: String,
    signers: Signers,
    minted: Cache,
    rng: Arc<dyn Rng>,
    counts: [AtomicU64; 4],
}

/// What the exchange did since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minted {
    /// Tokens made.
    pub minted: u64,
    /// Tokens that were there already.
    pub cached: u64,
    /// Credentials that ended in the same moment.
    pub expired: u64,
    /// Tokens that could not be signed.
    pub failed: u64,
}

/// What a request goes on with: rendered once, shared by all requests of one principal.
#[derive(Clone, Debug)]
pub struct Presented {
    /// `Authorization`: the minted token, the only one that an application believes.
    pub authorization: HeaderValue,
    /// `X-Aeolus-User`.
    pub user: HeaderValue,
    /// `X-Aeolus-Email`; empty for a token.
    pub email: HeaderValue,
    /// `X-Aeolus-Deployment`.
    pub deployment: HeaderValue,
}

/// Why nothing could be minted. The request is refused with 503.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The deployment's key can't be derived or doesn't sign.
    #[error("the deployment's signing key is not usable")]
    Signer(#[from] KeyError),
    /// The credential ends before a token could be of any use.
    #[error("the credential is at its end")]
    CredentialOver,
}

impl Exchange {
    /// An exchange for one plane. `capacity` bounds how many tokens are remembered.
    pub fn new(plane: PlaneId, keyring: Arc<Keyring>, rng: Arc<dyn Rng>, capacity: usize) -> Self {
        Self {
            issuer: format!("urn:aeolus:plane:{plane}"),
            signers: Signers::new(keyring),
            minted: Cache::new(capacity),
            rng,
            counts: Default::default(),
        }
    }

    /// What it did.
    pub fn usage(&self) -> Minted {
        let [minted, cached, expired, failed] = &self.counts;
        Minted {
            minted: minted.load(Ordering::Relaxed),
            cached: cached.load(Ordering::Relaxed),
            expired: expired.load(Ordering::Relaxed),
            failed: failed.load(Ordering::Relaxed),
        }
    }

    /// The headers with which a request goes on to its Airflow.
    pub fn present(
        &self,
        identity: &Identity,
        deployment: &Deployment,
        now: Time,
    ) -> Result<Arc<Presented>, ExchangeError> {
        let [minted, cached, expired, failed] = &self.counts;
        if identity.expires <= now {
            expired.fetch_add(1, Ordering::Relaxed);
            return Err(ExchangeError::CredentialOver);
        }
        let slot = now.secs().div_euclid(SLOT.as_secs().cast_signed());
        let end = now.plus(LIFE);
        let capped = (identity.expires < end).then_some(identity.expires.secs());
        let key = MintedKey::new(identity, deployment.id, slot, capped);
        let mut fresh = false;
        let presented = self.minted.get_or_mint(&key, || {
            fresh = true;
            self.mint(identity, deployment, now)
        });
        let count = match (&presented, fresh) {
            (Err(_), _) => failed,
            (Ok(_), true) => minted,
            (Ok(_), false) => cached,
        };
        count.fetch_add(1, Ordering::Relaxed);
        presented
    }

    /// The deployment's public keys, of every generation that may still sign or have signed.
    pub fn jwks(&self, deployment: &Deployment) -> Result<String, ExchangeError> {
        Ok(self.signers.jwks(deployment.id)?)
    }

    fn mint(
        &self,
        identity: &Identity,
        deployment: &Deployment,
        now: Time,
    ) -> Result<Arc<Presented>, ExchangeError> {
        let begins = now.minus(BACKDATE).secs();
        let claims = Airflow3 {
            iss: self.issuer.clone(),
            aud: deployment.audience(),
            sub: subject_id(identity.subject),
            email: identity.person.email.to_string(),
            name: identity.person.name.to_string(),
            role: identity.role,
            teams: identity
                .person
                .teams
                .iter()
                .map(ToString::to_string)
                .collect(),
            iat: begins,
            nbf: begins,
            exp: now.plus(LIFE).min(identity.expires).secs(),
            jti: self.jti(),
        };
        let token = self
            .signers
            .active(deployment.id)?
            .sign(Kind::Airflow3, &claims)?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| ExchangeError::Signer(KeyError::Refused))?;
        authorization.set_sensitive(true);
        Ok(Arc::new(Presented {
            authorization,
            user: value(&claims.sub),
            email: value(&claims.email),
            deployment: value(&deployment.id.to_string()),
        }))
    }

    /// 32 hexadecimal digits: Airflow's revocation table has room for no more.
    fn jti(&self) -> String {
        let mut random = [0; 16];
        self.rng.fill(&mut random);
        format!("{:032x}", u128::from_be_bytes(random))
    }
}

/// What can't be a header value is left empty: it must not become two headers.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn subject_id(subject: Subject) -> String {
    match subject {
        Subject::User(id) => id.to_string(),
        Subject::Token(id) => id.to_string(),
        Subject::Team(id) => id.to_string(),
    }
}

#[cfg(test)]
mod tests;
