//! A client for one pair, and what comes of its runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::egress::Way;
use aeolus_model::{Clock, Rng, Secret, Time};
use aeolus_pki::{Certificate, KeyKind};
use tokio_util::sync::CancellationToken;

use crate::account::Settings;
use crate::asked::Asked;
use crate::error::AcmeError;
use crate::folder::Folder;
use crate::run::Running;
use crate::schedule::Why;
use crate::solver::Solver;

/// Where a pair lies.
pub trait Place: Send + Sync {
    /// The name by which it is remembered: the path of the certificate, from the root on.
    fn name(&self) -> String;
    /// What lies there.
    fn found(&self) -> Found;
    /// Whether a pair could be written there, or why not: one that is ordered in vain counts at the authority.
    fn check(&self) -> Result<(), String>;
    /// Replaces both in one step; says where the pair before lies, or why not.
    fn write(&self, certificate: &str, key: &Secret<String>) -> Result<Option<PathBuf>, String>;
}

/// What lies at a place.
#[derive(Debug)]
pub enum Found {
    /// Nothing, or half of a pair.
    Nothing,
    /// Something that can't be read, or a key of another certificate.
    Unusable,
    /// A pair.
    Pair(Box<Certificate>),
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// One request.
    pub request: Duration,
    /// The authority's look at all names, and again its issuing.
    pub authority: Duration,
    /// A whole order.
    pub order: Duration,
    /// Another run in the folder.
    pub lock: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(30),
            authority: Duration::from_secs(180),
            order: Duration::from_secs(1800),
            lock: Duration::from_secs(1800),
        }
    }
}

/// When to order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// When it is due, and earlier failures don't say to wait.
    Due,
    /// Now.
    Now,
}

/// What came of a run.
#[derive(Debug)]
pub enum Outcome {
    /// It is good still.
    NotDue {
        /// What is there.
        certificate: Box<Certificate>,
        /// When it will be renewed.
        renew_at: Time,
    },
    /// A new one is there.
    Written {
        /// Why.
        why: Why,
        /// It.
        certificate: Box<Certificate>,
        /// When it will be renewed.
        renew_at: Time,
        /// Where the one before lies.
        before: Option<PathBuf>,
    },
}

/// A run's end, and what else is to be said.
#[derive(Debug)]
pub struct Run {
    /// What came of it.
    pub outcome: Result<Outcome, AcmeError>,
    /// What did not keep it from its end, and somebody has to know.
    pub notes: Vec<String>,
}

/// A client for one pair.
pub struct Client {
    /// Its folder.
    pub folder: Folder,
    /// What is ordered.
    pub asked: Asked,
    /// What an account is made with.
    pub settings: Settings,
    /// The kind of key.
    pub key: KeyKind,
    /// How challenges are answered: as `asked` says.
    pub solver: Solver,
    /// Whom clients trust; empty: the chain is proved as far as it was sent.
    pub trusted: Vec<Certificate>,
    /// The way out.
    pub way: Way,
    /// How long things may take.
    pub limits: Limits,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
}

impl Client {
    /// Whether the pair at a place was ordered by this client before.
    pub async fn knows(&self, place: &dyn Place) -> Result<bool, AcmeError> {
        let locked = self.folder.lock(self.limits.lock).await?;
        let kept = locked.state()?.pairs.remove(&place.name());
        Ok(kept.is_some_and(|kept| !kept.written.is_empty()))
    }

    /// Brings about that the pair is there and good. Whatever fails, what was there is there still.
    pub async fn run(&self, place: &dyn Place, when: When, stop: &CancellationToken) -> Run {
        let locked = tokio::select! {
            locked = self.folder.lock(self.limits.lock) => locked,
            () = stop.cancelled() => Err(AcmeError::Stopped),
        };
        let running = locked.and_then(|locked| Running::begin((self, place), locked, stop));
        match running {
            Ok(running) => running.run(when).await,
            Err(error) => Run {
                outcome: Err(error),
                notes: Vec::new(),
            },
        }
    }
}
