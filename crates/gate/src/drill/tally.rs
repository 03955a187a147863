//! What a rehearsal counts, and how it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aeolus_api::Period;
use aeolus_decide::{Deployment, Reason, World};
use aeolus_model::{DeploymentId, StalenessPolicy, Subject, UserId};
use serde::{Deserialize, Serialize};

use crate::replica::lock;

/// Different (deployment, reason), and people, that are told apart. What is beyond is counted in the
/// sums only.
const MOST: usize = 10_000;

/// What a rehearsal found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The order's id.
    pub id: String,
    /// When it began, in seconds since the epoch.
    pub began: i64,
    /// When it ended.
    pub ended: i64,
    /// How long the outage would have been.
    pub outage: Period,
    /// Requests that were let through.
    pub allowed: u64,
    /// Of them, those that would have been refused.
    pub would_refuse: u64,
    /// The same by deployment and reason, the most first.
    pub losses: Vec<Loss>,
    /// Deployments whose knowledge would have become too old, those that would have stopped first.
    pub past_bounds: Vec<Bound>,
    /// People who signed in meanwhile, which they could not have done.
    pub could_not_sign_in: Vec<Missed>,
}

/// Requests that would have been refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// Where.
    pub deployment: DeploymentId,
    /// The deployment's name.
    pub name: String,
    /// The stable reason.
    pub reason: String,
    /// How many.
    pub requests: u64,
    /// Of how many people and tokens.
    pub subjects: u64,
}

/// A deployment whose knowledge would have become too old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bound {
    /// Which.
    pub deployment: DeploymentId,
    /// Its name.
    pub name: String,
    /// What its gate would have done at the end.
    pub policy: StalenessPolicy,
    /// Whether that serves anybody.
    pub serves: bool,
}

/// Somebody who signed in during the rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Who.
    pub user: UserId,
    /// Their address, where this plane knows it.
    pub email: String,
}

/// The counts. Its locks are taken only for what would have been refused, and for sign-ins.
#[derive(Default)]
pub(super) struct Tally {
    allowed: AtomicU64,
    refused: AtomicU64,
    losses: Mutex<BTreeMap<(DeploymentId, &'static str), Lost>>,
    signed_in: Mutex<BTreeSet<UserId>>,
}

#[derive(Default)]
struct Lost {
    name: String,
    requests: u64,
    subjects: BTreeSet<String>,
}

impl Tally {
    pub(super) fn passed(&self) {
        self.allowed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, deployment: &Deployment, reason: Reason, subject: Option<Subject>) {
        self.allowed.fetch_add(1, Ordering::Relaxed);
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut losses = lock(&self.losses);
        let key = (deployment.id, reason.code());
        if losses.len() >= MOST && !losses.contains_key(&key) {
            return;
        }
        let lost = losses.entry(key).or_insert_with(|| Lost {
            name: deployment.name.clone(),
            ..Lost::default()
        });
        lost.requests += 1;
        if let Some(subject) = subject.filter(|_| lost.subjects.len() < MOST) {
            lost.subjects.insert(subject.id_text());
        }
    }

    pub(super) fn signed_in(&self, user: UserId) {
        let mut people = lock(&self.signed_in);
        if people.len() < MOST {
            people.insert(user);
        }
    }

    /// The losses, those of the most requests first.
    pub(super) fn losses(&self) -> Vec<Loss> {
        let losses = lock(&self.losses);
        let losses = losses.iter().map(|((deployment, reason), lost)| Loss {
            deployment: *deployment,
            name: lost.name.clone(),
            reason: (*reason).to_owned(),
            requests: lost.requests,
            subjects: lost.subjects.len() as u64,
        });
        let mut losses: Vec<Loss> = losses.collect();
        losses.sort_by_key(|loss| std::cmp::Reverse(loss.requests));
        losses
    }

    /// Who signed in.
    pub(super) fn people(&self, world: Option<&World>) -> Vec<Missed> {
        let people = lock(&self.signed_in);
        let missed = people.iter().map(|user| {
            let person = world.and_then(|world| world.person(Subject::User(*user)));
            Missed {
                user: *user,
                email: person.map_or_else(String::new, |person| person.email.to_string()),
            }
        });
        missed.collect()
    }

    /// Requests that were let through, and those of them that would not have been.
    pub(super) fn sums(&self) -> (u64, u64) {
        let refused = self.refused.load(Ordering::Relaxed);
        (self.allowed.load(Ordering::Relaxed), refused)
    }
}
