//! The feed's position and a few settings that belong to the data.

use aeolus_model::Time;

use crate::StoreError;
use crate::engine::{Tx, bind};
use crate::unit::{Changed, Unit, Write};

statements! {
    FEED = "SELECT epoch, n, content, records,
        CASE WHEN records > noted THEN records ELSE whole END FROM feed WHERE id = 1";
    ADVANCE = "UPDATE feed SET n = n + 1, content = CASE WHEN $1 = 1 THEN n + 1 ELSE content END,
        records = CASE WHEN $2 = 1 THEN n + 1 ELSE records END,
        noted = CASE WHEN $2 = 1 THEN n + 1 ELSE noted END,
        whole = CASE WHEN $3 = 1 THEN n + 1 WHEN records > noted THEN records ELSE whole END
        WHERE id = 1 RETURNING n";
    HOLD = "UPDATE feed SET n = n WHERE id = 1";
    NEXT_EPOCH = "UPDATE feed SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";
    GET = "SELECT value FROM settings WHERE name = $1";
    PUT = "INSERT INTO settings (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    FIRST = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    FOLLOW = "UPDATE settings SET value = $3 WHERE name = $1 AND value = $2";
    DELETE = "DELETE FROM settings WHERE name = $1";
    NEWEST = "SELECT MAX(at) FROM (SELECT at FROM audit UNION ALL
        SELECT reported_at AS at FROM replicas UNION ALL
        SELECT published_at AS at FROM publications) AS times";
}

/// Where the feed stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Raised by `control recover` after a restore, so that positions never repeat.
    pub epoch: u64,
    /// The last transaction's position.
    pub position: u64,
    /// The last position at which something changed that snapshots are made from.
    pub content: u64,
    /// The last position at which one of these changed that isn't a revocation.
    pub records: u64,
    /// The last position at which one of those changed that is more than single people and programs, so
    /// that everything has to be read ([`crate::ChangedSubjects`]). What an earlier version of this program
    /// changes beside this one counts as that.
    pub whole: u64,
}

/// The feed's position and the settings kept with the data.
#[derive(Debug)]
pub struct Settings<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Settings<'_, U> {
    /// Where the feed stands in this view.
    pub async fn feed(&mut self) -> Result<Feed, StoreError> {
        let row = self.0.tx().first(FEED, bind![]).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("the feed is missing".to_owned()))?;
        let mut fields = row.fields();
        Ok(Feed {
            epoch: fields.take()?,
            position: fields.take()?,
            content: fields.take()?,
            records: fields.take()?,
            whole: fields.take()?,
        })
    }

    /// The newest time that the database speaks of; none in a new one.
    pub async fn newest_time(&mut self) -> Result<Option<Time>, StoreError> {
        let row = self.0.tx().first(NEWEST, bind![]).await?;
        row.map_or(Ok(None), |row| row.fields().maybe())
    }

    /// A setting by name: `product-version`, `issuer` and such.
    pub async fn get(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let row = self.0.tx().first(GET, bind![name]).await?;
        row.map(|row| row.only()).transpose()
    }
}

impl Settings<'_, Write> {
    /// Sets a setting.
    pub async fn put(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        self.0.change(PUT, bind![name, value]).await.map(|_| ())
    }

    /// Sets a setting that is control's own bookkeeping: the feed stays where it is.
    pub async fn note(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        self.0.note(PUT, bind![name, value]).await.map(|_| ())
    }

    /// Notes a setting that was read before, or was not there, and says whether it was still so: of any
    /// number that do so at once, one is right.
    pub async fn follow(
        &mut self,
        name: &str,
        (before, value): (Option<&str>, &str),
    ) -> Result<bool, StoreError> {
        let changed = match before {
            None => self.0.note(FIRST, bind![name, value]).await?,
            Some(before) => self.0.note(FOLLOW, bind![name, before, value]).await?,
        };
        Ok(changed > 0)
    }

    /// Removes a setting.
    pub async fn delete(&mut self, name: &str) -> Result<(), StoreError> {
        self.0.change(DELETE, bind![name]).await.map(|_| ())
    }

    /// Raises the epoch after a restore and returns the new one.
    pub async fn next_epoch(&mut self) -> Result<u64, StoreError> {
        let epoch = self.feed().await?.epoch + 1;
        self.0.change_one(NEXT_EPOCH, bind![]).await?;
        Ok(epoch)
    }
}

/// Takes the feed's row, as the end of a transaction does.
pub(crate) async fn hold(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(HOLD, bind![]).await.map(|_| ())
}

/// The feed's next position. Waits for every transaction that has taken one and not yet ended.
pub(crate) async fn advance(tx: &mut Tx, changed: Changed) -> Result<u64, StoreError> {
    let content = i64::from(changed >= Changed::Revocations);
    let records = i64::from(changed >= Changed::Subjects);
    let whole = i64::from(changed >= Changed::Records);
    let row = tx.first(ADVANCE, bind![content, records, whole]).await?;
    let row = row.ok_or_else(|| StoreError::Corrupt("the feed is missing".to_owned()))?;
    row.only()
}
