//! The exchange: whoever was let in becomes a short-lived token that one Airflow believes.
//!
//! Each deployment has a signing key of its own, derived from the plane's secret, so replicas
//! agree without talking, nothing is stored, and control never holds it. The client never sees
//! what is minted here.
//!
//! Airflow 2 gets RS256, which its older libraries know. That is one key for the whole plane, kept with
//! its secret, and a signature of it takes a millisecond: what is remembered matters more there.

mod cache;
mod signer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aeolus_decide::{Deployment, Identity, Term};
use aeolus_keys::claims::Airflow3;
use aeolus_keys::{KeyError, Kind};
use aeolus_model::{Clock, DeploymentId, PlaneId, Profile, Rng, SessionId, Time};
use http::HeaderValue;

use crate::secret::PlaneSecret;

use cache::{Cache, MintedKey};
pub(crate) use signer::{Signers, is_published};

/// What was minted so many stretches of time ago is asked for no more, even by a clock set back a
/// little.
const SLOTS: i64 = 2;

/// Mints Airflow tokens and publishes the keys that verify them.
pub struct Exchange {
    issuer: String,
    secret: Arc<PlaneSecret>,
    minted: Cache,
    rng: Arc<dyn Rng>,
    /// The clock that applications beside the gate go by.
    wall: Arc<dyn Clock>,
    counts: [AtomicU64; 4],
    said: AtomicU64,
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
    /// Tokens that are remembered.
    pub kept: usize,
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

/// Why nothing could be minted. The request is refused: with 401 if its credential is over, else with 503.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The deployment's key can't be derived or doesn't sign.
    #[error("the deployment's signing key is not usable")]
    Signer(#[from] KeyError),
    /// The credential ends before a token could be of any use.
    #[error("the credential is at its end")]
    CredentialOver,
    /// The plane's RSA key is missing or damaged. Only deployments of Airflow 2 need it.
    #[error(
        "the plane's key for Airflow 2 is missing or damaged; what the gate said at its start names the file"
    )]
    PlaneKey,
    /// The snapshot refuses every generation of the plane secret that is here.
    #[error("every generation of the plane secret that is here is refused by the snapshot")]
    NoSecret,
}

impl Exchange {
    /// An exchange for one plane. `capacity` bounds how many tokens are remembered.
    pub(crate) fn new(
        plane: PlaneId,
        secret: Arc<PlaneSecret>,
        (rng, wall): (Arc<dyn Rng>, Arc<dyn Clock>),
        capacity: usize,
    ) -> Self {
        Self {
            issuer: format!("urn:aeolus:plane:{plane}"),
            secret,
            minted: Cache::new(capacity),
            rng,
            wall,
            counts: Default::default(),
            said: AtomicU64::new(0),
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
            kept: self.minted.len(),
        }
    }

    /// Forgets what was minted for a session, which has ended.
    pub(crate) fn forget(&self, ended: SessionId) {
        self.minted.forget(ended);
    }

    /// Forgets what will not be presented any more: tokens that are over, and those of sessions that
    /// ended. Nobody waits for it.
    pub(crate) fn sweep(&self, now: Time, ended: &dyn Fn(SessionId, DeploymentId) -> bool) {
        self.minted.sweep(Term::slot_of(now), ended);
    }

    /// The headers with which a request goes on to its Airflow, which was asked at `host`.
    pub fn present(
        &self,
        identity: &Identity,
        (deployment, host): (&Deployment, &str),
        now: Time,
    ) -> Result<Arc<Presented>, ExchangeError> {
        let [minted, cached, expired, failed] = &self.counts;
        let Some(term) = identity.term(now) else {
            expired.fetch_add(1, Ordering::Relaxed);
            return Err(ExchangeError::CredentialOver);
        };
        let audience = (deployment.rules.profile == Profile::Airflow2).then_some(host);
        let secret = self.secret.load();
        let Some(secret) = secret.as_ref() else {
            failed.fetch_add(1, Ordering::Relaxed);
            return Err(ExchangeError::NoSecret);
        };
        let signers = &secret.signers;
        let key = MintedKey::new(
            identity,
            (deployment.id, audience),
            signers.identity(),
            term,
        );
        let mut fresh = false;
        let presented = self.minted.get_or_mint(&key, || {
            fresh = true;
            self.mint(signers, identity, (deployment, host), term)
        });
        let count = match (&presented, fresh) {
            (Err(_), _) => failed,
            (Ok(_), true) => minted,
            (Ok(_), false) => cached,
        };
        count.fetch_add(1, Ordering::Relaxed);
        presented
    }

    /// Whether nobody has been told of a fault since the plane secret changed last: once is enough,
    /// requests come by the thousand.
    pub(crate) fn is_news(&self, fault: &ExchangeError) -> bool {
        let kind = match fault {
            ExchangeError::CredentialOver => return false,
            ExchangeError::Signer(_) => 1,
            ExchangeError::PlaneKey => 2,
            ExchangeError::NoSecret => 4,
        };
        let changes = self.secret.changes();
        // The number of the change above three bits that say what was said since.
        let say = |said: u64| {
            let since = if said >> 3 == changes { said & 7 } else { 0 };
            (since & kind == 0).then_some(changes << 3 | since | kind)
        };
        let said = self
            .said
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, say);
        said.is_ok()
    }

    /// The deployment's public keys, of every generation that may still sign or have signed; for
    /// an Airflow 2 the plane's keys, and no others.
    pub fn jwks(&self, deployment: &Deployment) -> Result<String, ExchangeError> {
        let secret = self.secret.load();
        let signers = &secret.as_ref().ok_or(ExchangeError::NoSecret)?.signers;
        if deployment.rules.profile == Profile::Airflow2 {
            return signers.airflow2_jwks().ok_or(ExchangeError::PlaneKey);
        }
        Ok(signers.jwks(deployment.id)?)
    }

    fn mint(
        &self,
        signers: &Signers,
        identity: &Identity,
        (deployment, host): (&Deployment, &str),
        term: Term,
    ) -> Result<Arc<Presented>, ExchangeError> {
        let term = term.begun_by(self.wall.now());
        let token = match deployment.rules.profile {
            Profile::Airflow2 => self.airflow2(signers, identity, host, term)?,
            Profile::Airflow3 | Profile::Custom => {
                self.airflow3(signers, identity, deployment, term)?
            }
        };
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| ExchangeError::Signer(KeyError::Refused))?;
        authorization.set_sensitive(true);
        Ok(Arc::new(Presented {
            authorization,
            user: value(&identity.subject.id_text()),
            email: value(&identity.person.email),
            deployment: value(&deployment.id.to_string()),
        }))
    }

    fn airflow3(
        &self,
        signers: &Signers,
        identity: &Identity,
        deployment: &Deployment,
        term: Term,
    ) -> Result<String, ExchangeError> {
        let person = &identity.person;
        let claims = Airflow3 {
            iss: self.issuer.clone(),
            aud: deployment.audience(),
            sub: identity.subject.id_text(),
            email: person.email.to_string(),
            name: person.name.to_string(),
            role: identity.role,
            teams: person.teams.iter().map(ToString::to_string).collect(),
            iat: term.begins,
            nbf: term.begins,
            exp: term.ends,
            jti: self.jti(),
        };
        let signer = signers.active(deployment.id)?;
        Ok(signer.sign(Kind::Airflow3, &claims)?)
    }

    fn airflow2(
        &self,
        signers: &Signers,
        identity: &Identity,
        host: &str,
        term: Term,
    ) -> Result<String, ExchangeError> {
        let signer = signers.airflow2().ok_or(ExchangeError::PlaneKey)?;
        let claims = identity.airflow2((&self.issuer, host), term, self.jti());
        Ok(signer.sign(Kind::Airflow2, &claims)?)
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

#[cfg(test)]
pub(crate) mod tests;
