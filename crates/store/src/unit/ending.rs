//! The end of a transaction.

use super::{Unit as _, Write};
use crate::StoreError;

/// A transaction that has its position in the feed and waits to be committed: everybody who changes
/// something waits for it.
#[derive(Debug)]
pub struct Ending {
    pub(super) write: Write,
    pub(super) position: u64,
}

impl Ending {
    /// The feed's position as of this transaction.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Keeps the answer to a request that was claimed ([`crate::IdempotencyKeys::claim`]), as JSON and without
    /// secrets: what is repeated may not show one again.
    pub async fn answer(
        &mut self,
        actor: &str,
        key: &str,
        response: &str,
    ) -> Result<(), StoreError> {
        let mut keys = self.write.idempotency_keys();
        keys.answer(actor, key, response).await
    }

    /// Commits, and returns the position.
    pub async fn commit(self) -> Result<u64, StoreError> {
        self.write.tx.commit().await?;
        Ok(self.position)
    }
}
