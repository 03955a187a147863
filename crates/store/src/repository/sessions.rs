//! Signed-in sessions.

use aeolus_model::{
    Amr, ConnectionId, OrganizationId, Session, SessionEnd, SessionId, Time, UserId,
};

use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

/// The columns of a session.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, connection, auth_time, amr, absolute_end, ended_at FROM sessions ",
            $rest
        )
    };
}

/// Whether `sessions` is of somebody with a role in the organization `$1`, of their own or through a
/// team, and nothing there has ended it.
macro_rules! there {
    () => {
        " organization = $1 AND ended_there_at IS NULL
        AND auth_time >= (SELECT not_before FROM revocation_lists WHERE organization = $1)
        AND NOT EXISTS (SELECT 1 FROM marks WHERE organization = $1 AND subject_kind = 'user'
            AND subject = user_id AND not_before > auth_time)
        AND (EXISTS (SELECT 1 FROM grants WHERE organization = $1 AND subject_kind = 'user'
                AND subject = user_id)
            OR EXISTS (SELECT 1 FROM team_members WHERE member = user_id
                AND team IN (SELECT id FROM teams WHERE organization = $1)))"
    };
}

/// A live session with what is shown of it: `seen` is the column for when it was last used.
macro_rules! live {
    ($seen:literal, $from:literal, $where:expr) => {
        concat!(
            "SELECT id, user_id, connection, auth_time, amr, absolute_end, ended_at, source, user_agent, ",
            $seen,
            " FROM sessions ",
            $from,
            " WHERE ended_at IS NULL AND absolute_end > $2 AND ",
            $where
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    OF_USER = select!("WHERE user_id = $1 AND ended_at IS NULL AND absolute_end > $2 ORDER BY id");
    LIVE_OF_USER = live!("seen_at", "", "user_id = $1 AND id > $3 ORDER BY id LIMIT $4");
    LIVE_IN = live!("seen_there_at", "JOIN session_organizations ON session = id", concat!(
        there!(), " AND id > $3 ORDER BY id LIMIT $4"
    ));
    LIVE_OF_USER_IN = live!("seen_there_at", "JOIN session_organizations ON session = id", concat!(
        there!(), " AND id > $3 AND user_id = $5 ORDER BY id LIMIT $4"
    ));
    ENDED = "SELECT id, user_id, connection, auth_time, amr, absolute_end,
        COALESCE(ended_at, ended_there_at) FROM sessions JOIN session_organizations ON session = id
        WHERE organization = $1 AND (ended_at IS NOT NULL OR ended_there_at IS NOT NULL)
        AND absolute_end > $2 AND session > $3 ORDER BY session LIMIT $4";
    BEGAN_BY = select!("JOIN session_organizations ON session = id
        WHERE organization = $1 AND ended_there_at IS NULL AND ended_at IS NULL
        AND absolute_end > $2 AND auth_time <= $3 AND id > $4 ORDER BY id LIMIT $5");
    ENTERED = "SELECT organization FROM session_organizations WHERE session = $1
        ORDER BY organization";
    OVER_IN = "SELECT 1 FROM sessions WHERE id = $2 AND (
        EXISTS (SELECT 1 FROM session_organizations WHERE organization = $1 AND session = $2
            AND ended_there_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM marks WHERE organization = $1 AND subject_kind = 'user'
            AND subject = user_id AND not_before > auth_time)
        OR EXISTS (SELECT 1 FROM revocation_lists WHERE organization = $1
            AND not_before > auth_time))";
    OVER = "SELECT organization FROM session_organizations
            WHERE session = $1 AND ended_there_at IS NOT NULL
        UNION SELECT organization FROM sessions JOIN marks
            ON subject_kind = 'user' AND subject = user_id AND not_before > auth_time
            WHERE sessions.id = $1
        UNION SELECT organization FROM sessions JOIN revocation_lists ON not_before > auth_time
            WHERE sessions.id = $1";
    INSERT = "INSERT INTO sessions
        (id, user_id, connection, auth_time, amr, absolute_end, ended_at, source, user_agent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    ENTER = "INSERT INTO session_organizations (organization, session) VALUES ($1, $2)
        ON CONFLICT (organization, session) DO NOTHING";
    HOLD = "UPDATE sessions SET ended_at = ended_at
        WHERE id = $1 AND ended_at IS NULL AND absolute_end > $2";
    SEEN = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND (seen_at IS NULL OR seen_at < $2)";
    SEEN_IN = "UPDATE session_organizations SET seen_there_at = $3
        WHERE organization = $1 AND session = $2
        AND (seen_there_at IS NULL OR seen_there_at < $3)";
    END = "UPDATE sessions SET ended_at = CASE WHEN auth_time > $2 THEN auth_time ELSE $2 END
        WHERE id = $1 AND ended_at IS NULL";
    END_IN = "UPDATE session_organizations SET ended_there_at = $3
        WHERE organization = $1 AND session = $2 AND ended_there_at IS NULL";
    END_ALL = "UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL
        AND absolute_end > $2";
    END_EVERYBODY = "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL AND absolute_end > $1";
    END_ALL_THROUGH = "UPDATE sessions
        SET ended_at = CASE WHEN auth_time > $2 THEN auth_time ELSE $2 END
        WHERE connection = $1 AND ended_at IS NULL AND absolute_end > $2";
    FORGET = "DELETE FROM sessions WHERE absolute_end < $1";
}

/// From where somebody signed in, as their request said: to recognise it by, and no proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInSource {
    /// The client's address; empty if it isn't known.
    pub address: String,
    /// What the browser called itself, cut and in printable ASCII; empty if it didn't say.
    pub user_agent: String,
}

/// A live session with what is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The session.
    pub session: Session,
    /// From where it began.
    pub source: SignInSource,
    /// When a gate or control last told of its use: anywhere, or in the organization asked about.
    pub last_seen_at: Option<Time>,
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

    /// A person's live ones, by age, wherever they were used.
    pub async fn list(
        &mut self,
        user: UserId,
        now: Time,
        page: Page<SessionId>,
    ) -> Result<Listing<SessionRecord, SessionId>, StoreError> {
        let after = page.after.unwrap_or(SessionId::from_bytes([0; 16]));
        let values = bind![user, now, after, page.fetch()];
        let rows = self.0.tx().fetch(LIVE_OF_USER, values).await?;
        shown(&rows, &page)
    }

    /// Those that were used in an organization and are good there, by age: of everybody with a role
    /// in it, or of one such person.
    pub async fn list_in(
        &mut self,
        (organization, user): (OrganizationId, Option<UserId>),
        now: Time,
        page: Page<SessionId>,
    ) -> Result<Listing<SessionRecord, SessionId>, StoreError> {
        let after = page.after.unwrap_or(SessionId::from_bytes([0; 16]));
        let mut values = bind![organization, now, after, page.fetch()];
        let statement = match user {
            None => LIVE_IN,
            Some(user) => {
                values.extend(bind![user]);
                LIVE_OF_USER_IN
            }
        };
        let rows = self.0.tx().fetch(statement, values).await?;
        shown(&rows, &page)
    }

    /// Live ones that were used in an organization and began at a moment or before, whatever their
    /// person's role there is by now.
    pub async fn began_by(
        &mut self,
        organization: OrganizationId,
        (began_by, now): (Time, Time),
        page: Page<SessionId>,
    ) -> Result<Listing<Session, SessionId>, StoreError> {
        let after = page.after.unwrap_or(SessionId::from_bytes([0; 16]));
        let values = bind![organization, now, began_by, after, page.fetch()];
        let rows = self.0.tx().fetch(BEGAN_BY, values).await?;
        let sessions = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(sessions, &page, |session: &Session| {
            session.id
        }))
    }

    /// The organizations that one was used in.
    pub async fn entered(&mut self, id: SessionId) -> Result<Vec<OrganizationId>, StoreError> {
        let rows = self.0.tx().fetch(ENTERED, bind![id]).await?;
        rows.iter().map(|row| row.fields().take()).collect()
    }

    /// Whether an organization's gates refuse a session although it may go on elsewhere: it was ended
    /// there, or began before a mark. Only a new sign-in leads back in.
    pub async fn is_over_in(
        &mut self,
        id: SessionId,
        organization: OrganizationId,
    ) -> Result<bool, StoreError> {
        let row = self.0.tx().first(OVER_IN, bind![organization, id]);
        Ok(row.await?.is_some())
    }

    /// Every organization in which [`Sessions::is_over_in`] holds.
    pub async fn over(&mut self, id: SessionId) -> Result<Vec<OrganizationId>, StoreError> {
        let rows = self.0.tx().fetch(OVER, bind![id]).await?;
        rows.iter().map(Row::only).collect()
    }

    /// Those used in an organization that were ended, everywhere or there, and would otherwise still
    /// be good: what its gates have to know.
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
    /// Adds one of which nobody knows from where it began.
    pub async fn insert(&mut self, new: &Session) -> Result<(), StoreError> {
        self.insert_from(new, &SignInSource::default()).await
    }

    /// Adds one. No snapshot holds live sessions, so the feed moves only for its audit event.
    pub async fn insert_from(
        &mut self,
        new: &Session,
        from: &SignInSource,
    ) -> Result<(), StoreError> {
        let Session {
            id,
            user,
            connection,
            auth_time,
            amr,
            absolute_end,
            end,
        } = new;
        let (amr, ended_at) = (amr.words().join(" "), end.map(|end| end.at));
        let mut values = bind![id, user, connection, auth_time, amr, absolute_end];
        values.extend(bind![ended_at, from.address, from.user_agent]);
        taken!(self.0.note(INSERT, values).await, Record).map(|_| ())
    }

    /// Keeps a live session from being ended until this transaction ends; says whether it is one. Whoever
    /// ends it after that finds every organization that it has entered.
    pub async fn hold(&mut self, id: SessionId, now: Time) -> Result<bool, StoreError> {
        Ok(self.0.note(HOLD, bind![id, now]).await? > 0)
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

    /// Notes a use at control itself.
    pub async fn seen(&mut self, id: SessionId, at: Time) -> Result<(), StoreError> {
        self.0.note(SEEN, bind![id, at]).await.map(|_| ())
    }

    /// Notes a use in an organization that it has entered.
    pub async fn seen_in(
        &mut self,
        id: SessionId,
        organization: OrganizationId,
        at: Time,
    ) -> Result<(), StoreError> {
        self.0.note(SEEN_IN, bind![organization, id, at]).await?;
        self.seen(id, at).await
    }

    /// Ends one, at the earliest when it began; says whether it wasn't already.
    pub async fn end(&mut self, id: SessionId, at: Time) -> Result<bool, StoreError> {
        Ok(self.0.revoke(END, bind![id, at]).await? > 0)
    }

    /// Ends one in an organization that it was used in, and nowhere else; says whether it wasn't
    /// already.
    pub async fn end_in(
        &mut self,
        id: SessionId,
        organization: OrganizationId,
        at: Time,
    ) -> Result<bool, StoreError> {
        Ok(self.0.revoke(END_IN, bind![organization, id, at]).await? > 0)
    }

    /// Ends all of a person and says how many.
    pub async fn end_all(&mut self, user: UserId, now: Time) -> Result<u64, StoreError> {
        self.0.revoke(END_ALL, bind![user, now]).await
    }

    /// Ends all of everybody and says how many.
    pub async fn end_everybody(&mut self, now: Time) -> Result<u64, StoreError> {
        self.0.revoke(END_EVERYBODY, bind![now]).await
    }

    /// Ends all that came through a connection, each at the earliest when it began, and says how many.
    pub async fn end_all_through(
        &mut self,
        connection: ConnectionId,
        now: Time,
    ) -> Result<u64, StoreError> {
        self.0.revoke(END_ALL_THROUGH, bind![connection, now]).await
    }

    /// Forgets those past their absolute end, which nobody accepts any more.
    pub async fn forget(&mut self, before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![before]).await
    }
}

fn shown(
    rows: &[Row],
    page: &Page<SessionId>,
) -> Result<Listing<SessionRecord, SessionId>, StoreError> {
    let items = rows.iter().map(shown_record).collect::<Result<_, _>>()?;
    Ok(Listing::cut(items, page, |record: &SessionRecord| {
        record.session.id
    }))
}

fn shown_record(row: &Row) -> Result<SessionRecord, StoreError> {
    let mut fields = row.fields();
    Ok(SessionRecord {
        session: session(&mut fields)?,
        source: SignInSource {
            address: fields.take()?,
            user_agent: fields.take()?,
        },
        last_seen_at: fields.maybe()?,
    })
}

fn record(row: &Row) -> Result<Session, StoreError> {
    session(&mut row.fields())
}

fn session(fields: &mut Fields<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: fields.take()?,
        user: fields.take()?,
        connection: fields.take()?,
        auth_time: fields.take()?,
        amr: Amr::said(fields.take::<String>()?.split(' ')),
        absolute_end: fields.take()?,
        end: fields.maybe()?.map(|at| SessionEnd { at }),
    })
}
