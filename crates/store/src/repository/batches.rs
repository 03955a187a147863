//! Event batches from gates.

use aeolus_model::{PlaneId, Time};

use crate::StoreError;
use crate::engine::bind;
use crate::unit::{Unit, Write};

statements! {
    ACCEPT = "INSERT INTO gate_batches (plane, batch, received_at) VALUES ($1, $2, $3)
        ON CONFLICT (plane, batch) DO NOTHING";
    ADD = "INSERT INTO gate_events (plane, batch, ordinal, received_at, event)
        VALUES ($1, $2, $3, $4, $5)";
    EVENTS = "SELECT event FROM gate_events WHERE plane = $1 AND received_at >= $2
        ORDER BY received_at, batch, ordinal LIMIT $3";
    FORGET = "DELETE FROM gate_batches WHERE received_at < $1";
}

/// Event batches from gates.
#[derive(Debug)]
pub struct Batches<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Batches<'_, U> {
    /// The first events of a plane received since, each one JSON object.
    pub async fn events(
        &mut self,
        plane: PlaneId,
        since: Time,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let rows = self
            .0
            .tx()
            .fetch(EVENTS, bind![plane, since, limit])
            .await?;
        rows.iter().map(crate::engine::Row::only).collect()
    }
}

impl Batches<'_, Write> {
    /// Takes a batch in; says whether it is new. One that was sent twice is stored once, so act on
    /// its events (end sessions, audit) only where this says true, in the same transaction.
    pub async fn accept(
        &mut self,
        plane: PlaneId,
        batch: &str,
        events: &[String],
        now: Time,
    ) -> Result<bool, StoreError> {
        if self.0.note(ACCEPT, bind![plane, batch, now]).await? == 0 {
            return Ok(false);
        }
        for (ordinal, event) in events.iter().enumerate() {
            let values = bind![plane, batch, ordinal, now, event];
            self.0.note(ADD, values).await?;
        }
        Ok(true)
    }

    /// Forgets batches received before, with their events.
    pub async fn forget(&mut self, received_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![received_before]).await
    }
}
