//! How far places outside the database have the audit log, and which process gives each of them more.

use std::time::Duration;

use aeolus_model::Time;

use super::AuditCursor;
use super::audit::cursor;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT position, ordinal, delivered_at FROM audit_sinks WHERE name = $1";
    ADD = "INSERT INTO audit_sinks (name, position, ordinal, holder, held_until, delivered_at)
        VALUES ($1, 0, 0, '', 0, NULL) ON CONFLICT (name) DO NOTHING";
    HOLD = "UPDATE audit_sinks SET holder = $2, held_until = $3
        WHERE name = $1 AND (holder = $2 OR held_until <= $4 OR held_until > $5)";
    DELIVERED = "UPDATE audit_sinks SET position = $3, ordinal = $4, delivered_at = $5,
        held_until = $6 WHERE name = $1 AND holder = $2 AND held_until > $5";
    RELEASE = "UPDATE audit_sinks SET held_until = 0 WHERE name = $1 AND holder = $2";
}

/// How far one of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSink {
    /// The last line that arrived there. Before the first: position 0, at which there is no line.
    pub at: AuditCursor,
    /// When it arrived.
    pub delivered_at: Option<Time>,
}

/// Who gives, for how long.
#[derive(Clone, Copy, Debug)]
pub struct Hold<'a> {
    /// The sink's name.
    pub sink: &'static str,
    /// The process.
    pub holder: &'a str,
    /// How long, unless it is told that something arrived.
    pub lasts: Duration,
}

/// The places that the audit log is copied to.
#[derive(Debug)]
pub struct AuditSinks<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> AuditSinks<'_, U> {
    /// How far one is; none that nobody has given anything yet.
    pub async fn get(&mut self, name: &str) -> Result<Option<AuditSink>, StoreError> {
        let row = self.0.tx().first(GET, bind![name]).await?;
        row.as_ref().map(record).transpose()
    }
}

impl AuditSinks<'_, Write> {
    /// Takes a sink for this process, or keeps it, if no other process has it. Says how far it is. Nobody
    /// has one for longer than it lasts, whatever was written by a clock that is ahead.
    pub async fn hold(
        &mut self,
        hold: Hold<'_>,
        now: Time,
    ) -> Result<Option<AuditSink>, StoreError> {
        self.0.note(ADD, bind![hold.sink]).await?;
        let until = now.plus(hold.lasts);
        let never = until.plus(hold.lasts);
        let values = bind![hold.sink, hold.holder, until, now, never];
        if self.0.note(HOLD, values).await? == 0 {
            return Ok(None);
        }
        self.get(hold.sink).await
    }

    /// Notes that lines up to one arrived. Says whether this process still had the sink.
    pub async fn delivered(
        &mut self,
        hold: Hold<'_>,
        to: AuditCursor,
        now: Time,
    ) -> Result<bool, StoreError> {
        let until = now.plus(hold.lasts);
        let values = bind![hold.sink, hold.holder, to.position, to.ordinal, now, until];
        Ok(self.0.note(DELIVERED, values).await? > 0)
    }

    /// Lets another process have it at once.
    pub async fn release(&mut self, hold: Hold<'_>) -> Result<(), StoreError> {
        let values = bind![hold.sink, hold.holder];
        self.0.note(RELEASE, values).await.map(|_| ())
    }
}

fn record(row: &Row) -> Result<AuditSink, StoreError> {
    let mut fields = row.fields();
    Ok(AuditSink {
        at: cursor(&mut fields)?,
        delivered_at: fields.maybe()?,
    })
}
