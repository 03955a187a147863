//! Counters of attempts, shared by all replicas of control.

use std::time::Duration;

use aeolus_model::Time;

use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT hits, started_at FROM throttles WHERE bucket = $1 AND started_at > $2";
    HIT = "INSERT INTO throttles (bucket, hits, started_at) VALUES ($1, 1, $2)
        ON CONFLICT (bucket) DO UPDATE SET
        hits = CASE WHEN throttles.started_at > $3 THEN throttles.hits + 1 ELSE 1 END,
        started_at = CASE WHEN throttles.started_at > $3 THEN throttles.started_at
            ELSE excluded.started_at END
        RETURNING hits, started_at";
    CLEAR = "DELETE FROM throttles WHERE bucket = $1";
    FORGET = "DELETE FROM throttles WHERE started_at < $1";
}

/// How often something was tried in the current window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// How often.
    pub hits: u64,
    /// Since when.
    pub started_at: Time,
}

/// Counters of attempts. Name a bucket by what is counted (`sign-in/account/DIGEST`,
/// `sign-in/source/ADDRESS`); strangers choose addresses, so keep names short.
#[derive(Debug)]
pub struct Throttles<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Throttles<'_, U> {
    /// The attempts in a bucket, if its window hasn't passed.
    pub async fn get(
        &mut self,
        bucket: &str,
        window: Duration,
        now: Time,
    ) -> Result<Option<Throttle>, StoreError> {
        let row = self
            .0
            .tx()
            .first(GET, bind![bucket, now.minus(window)])
            .await?;
        row.as_ref().map(record).transpose()
    }
}

impl Throttles<'_, Write> {
    /// Counts an attempt and says how many there are, this one included.
    pub async fn hit(
        &mut self,
        bucket: &str,
        window: Duration,
        now: Time,
    ) -> Result<Throttle, StoreError> {
        let row = self
            .0
            .tx()
            .first(HIT, bind![bucket, now, now.minus(window)])
            .await?;
        row.as_ref()
            .map(record)
            .transpose()?
            .ok_or(StoreError::Conflict)
    }

    /// Forgets a bucket, after a success.
    pub async fn clear(&mut self, bucket: &str) -> Result<(), StoreError> {
        self.0.note(CLEAR, bind![bucket]).await.map(|_| ())
    }

    /// Forgets windows that began before.
    pub async fn forget(&mut self, started_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![started_before]).await
    }
}

fn record(row: &Row) -> Result<Throttle, StoreError> {
    let mut fields = row.fields();
    Ok(Throttle {
        hits: fields.take()?,
        started_at: fields.take()?,
    })
}
