//! Reading your own writes: which planes obey a change already.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::{PlaneAck, PlaneAcks};
use aeolus_model::{OrganizationId, PlaneId};
use aeolus_store::{Plane, PlaneStage, StoreError, Unit as _};

use super::view::{SILENT, confirmed};
use crate::app::App;

/// Nobody waits longer: a plane that hasn't answered by then is cut off or slow, and is named.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// How far a plane is. What was in force in another epoch says nothing of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confirmed {
    /// Of which life of the database.
    pub(crate) epoch: u64,
    /// The position up to which it obeys revocations.
    pub(crate) revocations: u64,
    /// The position up to which it obeys everything.
    pub(crate) records: u64,
}

impl Confirmed {
    pub(super) fn max(self, other: Self) -> Self {
        match self.epoch.cmp(&other.epoch) {
            Ordering::Less => other,
            Ordering::Greater => self,
            Ordering::Equal => Self {
                epoch: self.epoch,
                revocations: self.revocations.max(other.revocations),
                records: self.records.max(other.records),
            },
        }
    }

    pub(super) fn min(self, other: Self) -> Self {
        match self.epoch.cmp(&other.epoch) {
            Ordering::Less => self,
            Ordering::Greater => other,
            Ordering::Equal => Self {
                epoch: self.epoch,
                revocations: self.revocations.min(other.revocations),
                records: self.records.min(other.records),
            },
        }
    }

    /// What of it counts in an epoch.
    pub(super) fn in_epoch(self, epoch: u64) -> Self {
        if self.epoch == epoch {
            self
        } else {
            Self::default()
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// What was revoked at this position is refused, whatever else has changed with it.
    Revocation(u64),
    /// Everything up to this position is in force.
    Any(u64),
}

impl Change {
    const fn seen_by(self, confirmed: Confirmed) -> (u64, bool) {
        match self {
            Self::Revocation(at) => (confirmed.revocations, confirmed.revocations >= at),
            Self::Any(at) => (confirmed.records, confirmed.records >= at),
        }
    }
}

/// The highest position of what was published that a poll of each plane has confirmed to this process.
#[derive(Default)]
pub(crate) struct Acks(Mutex<HashMap<PlaneId, Confirmed>>);

impl Acks {
    /// A gate polled for what comes after what it has.
    pub(super) fn polled(&self, app: &App, plane: PlaneId, has: Confirmed) {
        let mut acks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = acks.entry(plane).or_default();
        let both = held.max(has);
        if both != *held {
            *held = both;
            drop(acks);
            app.acknowledged
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    pub(super) fn of(&self, plane: PlaneId) -> Confirmed {
        let acks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        acks.get(&plane).copied().unwrap_or_default()
    }
}

/// Waits until every enrolled plane that hosts something of these organizations (of any, if none are
/// given) has applied a change, at most two seconds, and says which have.
pub(crate) async fn wait_within(
    app: &App,
    organizations: Option<&[OrganizationId]>,
    change: Change,
) -> Result<PlaneAcks, StoreError> {
    let deadline = tokio::time::Instant::now() + MAX_WAIT;
    let mut heard = app.acknowledged.subscribe();
    loop {
        heard.borrow_and_update();
        let acks = now(app, organizations, change).await?;
        let done = acks.unconfirmed.is_empty();
        if done
            || tokio::time::timeout_at(deadline, heard.changed())
                .await
                .is_err()
        {
            return Ok(acks);
        }
    }
}

/// The planes where a gate may not have got so far. One that is no longer heard of may be cut off and
/// serve what it has: it counts for as long as it is remembered.
pub(crate) async fn behind(app: &App, position: u64) -> Result<Vec<String>, StoreError> {
    let acks = now(app, None, Change::Any(position)).await?;
    let named = |ack: &PlaneAck| ack.name.clone();
    let mut behind: Vec<String> = acks.unconfirmed.iter().map(named).collect();
    let mut view = app.store.read().await?;
    let epoch = view.settings().feed().await?.epoch;
    let heard = app.clock.now().minus(SILENT);
    for ack in &acks.applied {
        let replicas = view.replicas().on_plane(ack.id).await?;
        let mut silent = replicas.iter().filter(|gate| gate.reported_at < heard);
        if silent.any(|gate| gate.epoch != epoch || gate.records < position) {
            behind.push(named(ack));
        }
    }
    behind.sort_unstable();
    Ok(behind)
}

async fn now(
    app: &App,
    organizations: Option<&[OrganizationId]>,
    change: Change,
) -> Result<PlaneAcks, StoreError> {
    let mut view = app.store.read().await?;
    let epoch = view.settings().feed().await?.epoch;
    let mut planes = Vec::new();
    match organizations {
        None => planes = view.planes().list().await?,
        Some(organizations) => {
            for organization in organizations {
                planes.extend(view.planes().hosting(*organization).await?);
            }
            planes.sort_unstable_by_key(|plane| plane.id);
            planes.dedup_by_key(|plane| plane.id);
        }
    }
    let mut acks = PlaneAcks::default();
    let enrolled = |plane: &Plane| matches!(plane.stage, PlaneStage::Enrolled { .. });
    for plane in planes {
        if !enrolled(&plane) {
            continue;
        }
        let replicas = view.replicas().on_plane(plane.id).await?;
        let confirmed = confirmed(app, plane.id, &replicas).in_epoch(epoch);
        let (seq, done) = change.seen_by(confirmed);
        let ack = PlaneAck {
            id: plane.id,
            name: plane.name.to_string(),
            seq,
        };
        if done {
            acks.applied.push(ack);
        } else {
            acks.unconfirmed.push(ack);
        }
    }
    Ok(acks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(epoch: u64, revocations: u64, records: u64) -> Confirmed {
        Confirmed {
            epoch,
            revocations,
            records,
        }
    }

    #[test]
    fn f25_what_was_confirmed_in_another_epoch_confirms_nothing() {
        let (old, new) = (at(1, 500, 490), at(2, 301, 300));
        assert_eq!((old.max(new), new.max(old)), (new, new));
        assert_eq!((old.min(new), new.min(old)), (old, old));
        assert_eq!(new.max(at(2, 300, 310)), at(2, 301, 310));
        assert_eq!(new.min(at(2, 300, 310)), at(2, 300, 300));
        assert_eq!(old.in_epoch(2), Confirmed::default());
        let counts = |has: Confirmed| Change::Revocation(302).seen_by(has.in_epoch(2)).1;
        assert!(!counts(old) && !counts(new) && counts(at(2, 302, 300)));
    }
}
