//! Answers to requests that may be sent twice.

use aeolus_model::Time;

use super::Digest;
use crate::StoreError;
use crate::engine::bind;
use crate::unit::{Unit, Write};

statements! {
    CLAIM = "INSERT INTO idempotency_keys (actor, name, request_hash, created_at)
        VALUES ($1, $2, $3, $4) ON CONFLICT (actor, name) DO NOTHING";
    GET = "SELECT request_hash, response FROM idempotency_keys WHERE actor = $1 AND name = $2";
    ANSWER = "UPDATE idempotency_keys SET response = $3 WHERE actor = $1 AND name = $2";
    RELEASE = "DELETE FROM idempotency_keys WHERE actor = $1 AND name = $2 AND response IS NULL";
    FORGET = "DELETE FROM idempotency_keys WHERE (actor, name) IN (SELECT actor, name
        FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
}

/// What an Idempotency-Key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is new: do the work, then [`Ending::answer`](crate::Ending::answer), all in this transaction.
    New,
    /// The work is done; this was the answer.
    Done(String),
    /// The work was begun and has no answer yet: it goes on, or nobody knows what became of it.
    Begun,
    /// The key was used for another request.
    Mismatch,
}

/// Answers to requests that may be sent twice, by actor and Idempotency-Key.
#[derive(Debug)]
pub struct IdempotencyKeys<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> IdempotencyKeys<'_, U> {
    /// What a key stands for, without claiming it.
    pub async fn find(
        &mut self,
        actor: &str,
        key: &str,
        request: &Digest,
    ) -> Result<Claim, StoreError> {
        let Some(row) = self.0.tx().first(GET, bind![actor, key]).await? else {
            return Ok(Claim::New);
        };
        let mut fields = row.fields();
        if fields.take::<Digest>()? != *request {
            return Ok(Claim::Mismatch);
        }
        Ok(fields.maybe()?.map_or(Claim::Begun, Claim::Done))
    }
}

impl IdempotencyKeys<'_, Write> {
    /// Claims a key at the start of the transaction that does the work. A second request at the
    /// same time waits here until the first has committed or rolled back.
    pub async fn claim(
        &mut self,
        actor: &str,
        key: &str,
        request: &Digest,
        now: Time,
    ) -> Result<Claim, StoreError> {
        if self.0.note(CLAIM, bind![actor, key, request, now]).await? > 0 {
            return Ok(Claim::New);
        }
        match self.find(actor, key, request).await? {
            // It was forgotten between the two statements.
            Claim::New => Err(StoreError::Busy),
            found => Ok(found),
        }
    }

    pub(crate) async fn answer(
        &mut self,
        actor: &str,
        key: &str,
        response: &str,
    ) -> Result<(), StoreError> {
        let values = bind![actor, key, response];
        match self.0.note(ANSWER, values).await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }

    /// Gives back a key that was claimed by a transaction of its own: what it was for was not done.
    pub async fn release(&mut self, actor: &str, key: &str) -> Result<(), StoreError> {
        self.0.note(RELEASE, bind![actor, key]).await.map(|_| ())
    }

    /// Forgets keys from before, the oldest first and so many at most: others wait for this transaction
    /// to write. Says how many; fewer than `limit` are all there were, or another process forgets them too.
    pub async fn forget(&mut self, created_before: Time, limit: u32) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![created_before, limit]).await
    }
}
