//! Reading your own writes: which planes obey a change already.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::{PlaneAck, PlaneAcks};
use aeolus_model::{OrganizationId, PlaneId};
use aeolus_store::{Plane, PlaneStage, StoreError, Unit as _};

use super::view::confirmed;
use crate::app::App;

/// Nobody waits longer: a plane that hasn't answered by then is cut off or slow, and is named.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The highest position that a poll of each plane has confirmed to this process.
#[derive(Default)]
pub(crate) struct Acks(Mutex<HashMap<PlaneId, u64>>);

impl Acks {
    /// A gate polled for what comes after `seq`: it has `seq`.
    pub(super) fn polled(&self, app: &App, plane: PlaneId, seq: u64) {
        let mut acks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = acks.entry(plane).or_default();
        if seq > *held {
            *held = seq;
            drop(acks);
            app.acknowledged
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    pub(super) fn of(&self, plane: PlaneId) -> u64 {
        let acks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        acks.get(&plane).copied().unwrap_or(0)
    }
}

/// Waits until every enrolled plane that hosts something of the organization (of any, if none is
/// given) has applied `seq`, at most two seconds, and says which have.
pub(crate) async fn wait_for(
    app: &App,
    organization: Option<OrganizationId>,
    seq: u64,
) -> Result<PlaneAcks, StoreError> {
    let deadline = tokio::time::Instant::now() + MAX_WAIT;
    let mut heard = app.acknowledged.subscribe();
    loop {
        heard.borrow_and_update();
        let acks = now(app, organization, seq).await?;
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

async fn now(
    app: &App,
    organization: Option<OrganizationId>,
    seq: u64,
) -> Result<PlaneAcks, StoreError> {
    let mut view = app.store.read().await?;
    let planes = match organization {
        Some(organization) => view.planes().hosting(organization).await?,
        None => view.planes().list().await?,
    };
    let mut acks = PlaneAcks::default();
    let enrolled = |plane: &Plane| matches!(plane.stage, PlaneStage::Enrolled { .. });
    for plane in planes {
        if !enrolled(&plane) {
            continue;
        }
        let replicas = view.replicas().on_plane(plane.id).await?;
        let ack = PlaneAck {
            id: plane.id,
            name: plane.name.to_string(),
            seq: confirmed(app, plane.id, &replicas),
        };
        if ack.seq >= seq {
            acks.applied.push(ack);
        } else {
            acks.unconfirmed.push(ack);
        }
    }
    Ok(acks)
}
