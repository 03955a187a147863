//! What receivers are to be told of provisioned users and groups, and which process tells each of them (note 036).

use std::time::Duration;

use aeolus_model::{ConnectionId, ScimEventId, Time};

use crate::StoreError;
use crate::engine::{Row, Tx, Value, bind};
use crate::unit::{Unit, Write};

statements! {
    APPEND = "INSERT INTO scim_events (connection, position, ordinal, id, txn, at, subject, external_id,
        events) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    NEXT = "SELECT connection, position, ordinal, id, txn, at, subject, external_id, events
        FROM scim_events WHERE connection = $1 ORDER BY position, ordinal LIMIT $2";
    COUNT = "SELECT COUNT(*) FROM scim_events WHERE connection = $1";
    WHOSE = "SELECT DISTINCT connection FROM scim_events";
    DELETE = "DELETE FROM scim_events WHERE connection = $1 AND position = $2 AND ordinal = $3";
    OLDEST = "SELECT MIN(at) FROM scim_events WHERE connection = $1 AND at < $2";
    FORGET_OLD = "DELETE FROM scim_events WHERE connection = $1 AND at < $2";
    FIRST = "SELECT MIN(at) FROM (SELECT at FROM scim_events WHERE connection = $1
        ORDER BY position, ordinal LIMIT $2) AS firsts";
    LAST_OF = "SELECT position, ordinal FROM scim_events WHERE connection = $1
        ORDER BY position, ordinal LIMIT 1 OFFSET $2";
    FORGET_FIRST = "DELETE FROM scim_events WHERE connection = $1
        AND (position < $2 OR (position = $2 AND ordinal <= $3))";
    RECEIVER = "SELECT delivered, delivered_at, dropped, failures, failed_at, error, next_at
        FROM scim_receivers WHERE connection = $1";
    ADD = "INSERT INTO scim_receivers (connection, holder, held_until, delivered, dropped, failures, error,
        next_at) VALUES ($1, '', 0, 0, 0, 0, '', 0) ON CONFLICT (connection) DO NOTHING";
    HOLD = "UPDATE scim_receivers SET holder = $2, held_until = $3
        WHERE connection = $1 AND (holder = $2 OR held_until <= $4 OR held_until > $5)";
    DELIVERED = "UPDATE scim_receivers SET delivered = delivered + 1, delivered_at = $3, failures = 0,
        next_at = 0, held_until = $4
        WHERE connection = $1 AND holder = $2 AND held_until > $3";
    FAILED = "UPDATE scim_receivers SET failures = failures + 1, failed_at = $3, error = $4, next_at = $5
        WHERE connection = $1 AND holder = $2 AND held_until > $3";
    REFUSED = "UPDATE scim_receivers SET failed_at = $3, error = $4, failures = 0, next_at = 0, held_until = $5
        WHERE connection = $1 AND holder = $2 AND held_until > $3";
    DROPPED = "UPDATE scim_receivers SET dropped = dropped + $2 WHERE connection = $1";
    AFRESH = "UPDATE scim_receivers SET failures = 0, next_at = 0 WHERE connection = $1";
    RELEASE = "UPDATE scim_receivers SET held_until = 0 WHERE connection = $1 AND holder = $2";
}

/// Something that happened to a provisioned user or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimEvent {
    /// Its id, which stays the same however often it is sent.
    pub id: ScimEventId,
    /// Whose resource it is.
    pub connection: ConnectionId,
    /// When.
    pub at: Time,
    /// The resource, as a path below the connection's endpoint.
    pub subject: String,
    /// The provider's own name of it.
    pub external_id: Option<String>,
    /// What happened: event URIs and what each says, as JSON. The store doesn't look inside.
    pub events: String,
}

/// The same as it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimEventWaiting {
    /// What happened.
    pub event: ScimEvent,
    /// The same for all that one transaction did.
    pub txn: ScimEventId,
    position: u64,
    ordinal: u64,
}

/// How sending to a receiver goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScimReceiver {
    /// How many events it has taken.
    pub delivered: u64,
    /// When it last took one.
    pub delivered_at: Option<Time>,
    /// How many it never got.
    pub dropped: u64,
    /// How often in a row the next one was tried in vain.
    pub failures: u32,
    /// When one last was.
    pub failed_at: Option<Time>,
    /// Why; empty where none ever was.
    pub error: String,
    /// When it is tried again.
    pub next_at: Time,
}

/// Who sends to a receiver, for how long.
#[derive(Clone, Copy, Debug)]
pub struct ScimHold<'a> {
    /// Whose receiver.
    pub connection: ConnectionId,
    /// The process.
    pub holder: &'a str,
    /// How long, unless something was delivered meanwhile.
    pub lasts: Duration,
}

/// What receivers are to be told.
#[derive(Debug)]
pub struct ScimEvents<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> ScimEvents<'_, U> {
    /// The next ones for a receiver, in order.
    pub async fn next(
        &mut self,
        connection: ConnectionId,
        most: u32,
    ) -> Result<Vec<ScimEventWaiting>, StoreError> {
        let rows = self.0.tx().fetch(NEXT, bind![connection, most]).await?;
        rows.iter().map(waiting).collect()
    }

    /// How many wait.
    pub async fn count(&mut self, connection: ConnectionId) -> Result<u64, StoreError> {
        let row = self.0.tx().first(COUNT, bind![connection]).await?;
        row.map_or(Ok(0), |row| row.only())
    }

    /// The connections of which some wait.
    pub async fn connections(&mut self) -> Result<Vec<ConnectionId>, StoreError> {
        let rows = self.0.tx().fetch(WHOSE, bind![]).await?;
        rows.iter().map(Row::only).collect()
    }

    /// How sending goes; none where nothing was sent yet.
    pub async fn receiver(
        &mut self,
        connection: ConnectionId,
    ) -> Result<Option<ScimReceiver>, StoreError> {
        let row = self.0.tx().first(RECEIVER, bind![connection]).await?;
        row.as_ref().map(receiver).transpose()
    }
}

impl ScimEvents<'_, Write> {
    /// Takes a receiver for this process, or keeps it, if no other process has it. Nobody has one for longer than it
    /// lasts, whatever was written by a clock that is ahead.
    pub async fn hold(&mut self, hold: ScimHold<'_>, now: Time) -> Result<bool, StoreError> {
        self.0.note(ADD, bind![hold.connection]).await?;
        let until = now.plus(hold.lasts);
        let never = until.plus(hold.lasts);
        let values = bind![hold.connection, hold.holder, until, now, never];
        Ok(self.0.note(HOLD, values).await? > 0)
    }

    /// Notes that the receiver has taken one. Says whether this process still had it.
    pub async fn delivered(
        &mut self,
        hold: ScimHold<'_>,
        event: &ScimEventWaiting,
        now: Time,
    ) -> Result<bool, StoreError> {
        let values = bind![hold.connection, hold.holder, now, now.plus(hold.lasts)];
        if self.0.note(DELIVERED, values).await? == 0 {
            return Ok(false);
        }
        self.delete(event).await.map(|()| true)
    }

    /// Notes that it has not, why, and when it is tried again.
    pub async fn failed(
        &mut self,
        hold: ScimHold<'_>,
        (error, next_at): (&str, Time),
        now: Time,
    ) -> Result<bool, StoreError> {
        let values = bind![hold.connection, hold.holder, now, error, next_at];
        Ok(self.0.note(FAILED, values).await? > 0)
    }

    /// Notes that it never will take this one.
    pub async fn refused(
        &mut self,
        hold: ScimHold<'_>,
        (event, error): (&ScimEventWaiting, &str),
        now: Time,
    ) -> Result<bool, StoreError> {
        let until = now.plus(hold.lasts);
        let values = bind![hold.connection, hold.holder, now, error, until];
        if self.0.note(REFUSED, values).await? == 0 {
            return Ok(false);
        }
        self.delete(event).await?;
        self.count_dropped(hold.connection, 1).await?;
        Ok(true)
    }

    /// Waits for who notes what was sent or dropped, and keeps the next from it until this transaction ends. Taken before any
    /// event is: whoever sends takes them in this order, too.
    pub async fn alone(&mut self, connection: ConnectionId) -> Result<(), StoreError> {
        self.count_dropped(connection, 0).await
    }

    /// Lets the next one be tried at once: it goes to another receiver, or by another header.
    pub async fn afresh(&mut self, connection: ConnectionId) -> Result<(), StoreError> {
        self.0.note(AFRESH, bind![connection]).await.map(|_| ())
    }

    /// Lets another process have it at once.
    pub async fn release(&mut self, hold: ScimHold<'_>) -> Result<(), StoreError> {
        let values = bind![hold.connection, hold.holder];
        self.0.note(RELEASE, values).await.map(|_| ())
    }

    /// Drops what is from before a moment: how many, and since when the oldest waited.
    pub async fn drop_older(
        &mut self,
        connection: ConnectionId,
        before: Time,
    ) -> Result<Option<(u64, Time)>, StoreError> {
        let values = bind![connection, before];
        let Some(oldest) = self.oldest(OLDEST, values).await? else {
            return Ok(None);
        };
        let gone = self.0.note(FORGET_OLD, bind![connection, before]).await?;
        self.count_dropped(connection, gone).await?;
        Ok(Some((gone, oldest)))
    }

    /// Drops the first ones, so that so many are left: how many, and since when the oldest waited.
    pub async fn drop_beyond(
        &mut self,
        connection: ConnectionId,
        most: u64,
    ) -> Result<Option<(u64, Time)>, StoreError> {
        let beyond = self.count(connection).await?.saturating_sub(most);
        let Some(last) = beyond.checked_sub(1) else {
            return Ok(None);
        };
        let oldest = self.oldest(FIRST, bind![connection, beyond]).await?;
        let row = self.0.tx().first(LAST_OF, bind![connection, last]).await?;
        let (Some(oldest), Some(row)) = (oldest, row) else {
            return Ok(None);
        };
        let mut fields = row.fields();
        let (position, ordinal): (u64, u64) = (fields.take()?, fields.take()?);
        let values = bind![connection, position, ordinal];
        let gone = self.0.note(FORGET_FIRST, values).await?;
        self.count_dropped(connection, gone).await?;
        Ok(Some((gone, oldest)))
    }

    async fn oldest(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<Time>, StoreError> {
        let row = self.0.tx().first(sql, values).await?;
        row.map_or(Ok(None), |row| row.fields().maybe())
    }

    async fn delete(&mut self, event: &ScimEventWaiting) -> Result<(), StoreError> {
        let values = bind![event.event.connection, event.position, event.ordinal];
        self.0.note(DELETE, values).await.map(|_| ())
    }

    async fn count_dropped(
        &mut self,
        connection: ConnectionId,
        count: u64,
    ) -> Result<(), StoreError> {
        self.0.note(ADD, bind![connection]).await?;
        let values = bind![connection, count];
        self.0.note(DROPPED, values).await.map(|_| ())
    }
}

/// Writes what a transaction did at its position of the feed.
pub(crate) async fn append(
    tx: &mut Tx,
    position: u64,
    events: &[ScimEvent],
) -> Result<(), StoreError> {
    let Some(first) = events.first() else {
        return Ok(());
    };
    for (ordinal, event) in events.iter().enumerate() {
        let values = bind![
            event.connection,
            position,
            ordinal,
            event.id,
            first.id,
            event.at,
            event.subject,
            event.external_id,
            event.events
        ];
        tx.execute(APPEND, values).await?;
    }
    Ok(())
}

fn waiting(row: &Row) -> Result<ScimEventWaiting, StoreError> {
    let mut fields = row.fields();
    let connection = fields.take()?;
    let (position, ordinal) = (fields.take()?, fields.take()?);
    let (id, txn) = (fields.take()?, fields.take()?);
    let event = ScimEvent {
        id,
        connection,
        at: fields.take()?,
        subject: fields.take()?,
        external_id: fields.maybe()?,
        events: fields.take()?,
    };
    Ok(ScimEventWaiting {
        event,
        txn,
        position,
        ordinal,
    })
}

fn receiver(row: &Row) -> Result<ScimReceiver, StoreError> {
    let mut fields = row.fields();
    Ok(ScimReceiver {
        delivered: fields.take()?,
        delivered_at: fields.maybe()?,
        dropped: fields.take()?,
        failures: fields.take()?,
        failed_at: fields.maybe()?,
        error: fields.take()?,
        next_at: fields.take()?,
    })
}
