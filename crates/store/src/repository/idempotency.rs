//! Answers to requests that may be sent twice.

use aeolus_model::Time;

use super::Digest;
use crate::StoreError;
use crate::engine::bind;
use crate::unit::Write;

statements! {
    CLAIM = "INSERT INTO idempotency_keys (actor, name, request_hash, created_at)
        VALUES ($1, $2, $3, $4) ON CONFLICT (actor, name) DO NOTHING";
    GET = "SELECT request_hash, response FROM idempotency_keys WHERE actor = $1 AND name = $2";
    ANSWER = "UPDATE idempotency_keys SET response = $3 WHERE actor = $1 AND name = $2";
    FORGET = "DELETE FROM idempotency_keys WHERE created_at < $1";
}

/// What an Idempotency-Key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is new: do the work, then [`IdempotencyKeys::answer`], all in this transaction.
    New,
    /// The work is done; this was the answer.
    Done(String),
    /// The key was used for another request.
    Mismatch,
}

/// Answers to requests that may be sent twice, by actor and Idempotency-Key.
#[derive(Debug)]
pub struct IdempotencyKeys<'u, U>(pub(crate) &'u mut U);

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
        let row = self.0.tx().first(GET, bind![actor, key]).await?;
        let row = row.ok_or(StoreError::Busy)?;
        let mut fields = row.fields();
        if fields.take::<Digest>()? != *request {
            return Ok(Claim::Mismatch);
        }
        // A transaction that claims also answers; one that forgot to has nothing to repeat.
        fields.maybe()?.map(Claim::Done).ok_or(StoreError::Conflict)
    }

    /// Keeps the answer, as JSON and without secrets: what is repeated may not show one again.
    pub async fn answer(
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

    /// Forgets keys from before.
    pub async fn forget(&mut self, created_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![created_before]).await
    }
}
