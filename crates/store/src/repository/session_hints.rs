//! What identity providers want to see when somebody signs out there, sealed.

use aeolus_model::SessionId;

use crate::StoreError;
use crate::engine::bind;
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT sealed FROM session_hints WHERE session = $1";
    KEEP = "INSERT INTO session_hints (session, sealed) VALUES ($1, $2)";
    FORGET = "DELETE FROM session_hints WHERE session IN
        (SELECT id FROM sessions WHERE ended_at IS NOT NULL)";
}

/// What goes with sessions until they end.
#[derive(Debug)]
pub struct SessionHints<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> SessionHints<'_, U> {
    /// That of a session.
    pub async fn get(&mut self, session: SessionId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.0.tx().first(GET, bind![session]).await?;
        row.map(|row| row.only()).transpose()
    }
}

impl SessionHints<'_, Write> {
    /// Keeps one for a session that was just added.
    pub async fn keep(&mut self, session: SessionId, sealed: &[u8]) -> Result<(), StoreError> {
        self.0.note(KEEP, bind![session, sealed]).await.map(|_| ())
    }

    /// Forgets those of sessions that have ended. With a session's record its own goes as well.
    pub async fn forget(&mut self) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![]).await
    }
}
