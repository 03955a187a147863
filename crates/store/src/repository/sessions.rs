//! Signed-in sessions.

use aeolus_model::{OrganizationId, Session, SessionEnd, SessionId, Time, UserId};

use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

/// The columns of a session.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, connection, auth_time, absolute_end, ended_at FROM sessions ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    OF_USER = select!("WHERE user_id = $1 AND ended_at IS NULL AND absolute_end > $2 ORDER BY id");
    ENDED = select!("JOIN session_organizations ON session = id
        WHERE organization = $1 AND ended_at IS NOT NULL AND absolute_end > $2 AND session > $3
        ORDER BY session LIMIT $4");
    ENTERED = "SELECT organization FROM session_organizations WHERE session = $1
        ORDER BY organization";
    INSERT = "INSERT INTO sessions (id, user_id, connection, auth_time, absolute_end, ended_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    ENTER = "INSERT INTO session_organizations (organization, session) VALUES ($1, $2)
        ON CONFLICT (organization, session) DO NOTHING";
    END = "UPDATE sessions SET ended_at = CASE WHEN auth_time > $2 THEN auth_time ELSE $2 END
        WHERE id = $1 AND ended_at IS NULL";
    END_ALL = "UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL
        AND absolute_end > $2";
    FORGET = "DELETE FROM sessions WHERE absolute_end < $1";
}

/// Signed-in sessions.
#[derive(Debug)]
pub struct Sessions<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Sessions<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// A person's live ones, by age.
    pub async fn alive(&mut self, user: UserId, now: Time) -> Result<Vec<Session>, StoreError> {
        let rows = self.0.tx().fetch(OF_USER, bind![user, now]).await?;
        rows.iter().map(record).collect()
    }

    /// The organizations that one was used in.
    pub async fn entered(&mut self, id: SessionId) -> Result<Vec<OrganizationId>, StoreError> {
        let rows = self.0.tx().fetch(ENTERED, bind![id]).await?;
        rows.iter().map(|row| row.fields().take()).collect()
    }

    /// Those used in an organization that were ended and would otherwise still be good: what its
    /// gates have to know.
    pub async fn ended(
        &mut self,
        organization: OrganizationId,
        now: Time,
    ) -> Result<Vec<Session>, StoreError> {
        let key = |session: &Session| bind![session.id];
        let first = bind![SessionId::from_bytes([0; 16])];
        self.0
            .tx()
            .fetch_all(ENDED, bind![organization, now], first, (record, key))
            .await
    }
}

impl Sessions<'_, Write> {
    /// Adds one. No snapshot holds live sessions, so the feed moves only for its audit event.
    pub async fn insert(&mut self, new: &Session) -> Result<(), StoreError> {
        let Session {
            id,
            user,
            connection,
            auth_time,
            absolute_end,
            end,
        } = new;
        let ended_at = end.map(|end| end.at);
        let values = bind![id, user, connection, auth_time, absolute_end, ended_at];
        taken!(self.0.note(INSERT, values).await, Record).map(|_| ())
    }

    /// Notes that a session gets a token for an organization, in the transaction that hands it
    /// out: its end will be told to that organization's planes.
    pub async fn enter(
        &mut self,
        session: SessionId,
        organization: OrganizationId,
    ) -> Result<(), StoreError> {
        let values = bind![organization, session];
        self.0.note(ENTER, values).await.map(|_| ())
    }

    /// Ends one, at the earliest when it began; says whether it wasn't already.
    pub async fn end(&mut self, id: SessionId, at: Time) -> Result<bool, StoreError> {
        Ok(self.0.revoke(END, bind![id, at]).await? > 0)
    }

    /// Ends all of a person and says how many.
    pub async fn end_all(&mut self, user: UserId, now: Time) -> Result<u64, StoreError> {
        self.0.revoke(END_ALL, bind![user, now]).await
    }

    /// Forgets those past their absolute end, which nobody accepts any more.
    pub async fn forget(&mut self, before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![before]).await
    }
}

fn record(row: &Row) -> Result<Session, StoreError> {
    let mut fields = row.fields();
    Ok(Session {
        id: fields.take()?,
        user: fields.take()?,
        connection: fields.take()?,
        auth_time: fields.take()?,
        absolute_end: fields.take()?,
        end: fields.maybe()?.map(|at| SessionEnd { at }),
    })
}
