//! Root documents: which snapshot keys are believed.

use aeolus_model::Time;

use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    NEWEST = "SELECT version, document, added_at FROM roots ORDER BY version DESC LIMIT 1";
    AFTER = "SELECT version, document, added_at FROM roots WHERE version > $1 ORDER BY version";
    INSERT = "INSERT INTO roots (version, document, added_at) VALUES ($1, $2, $3)";
}

/// A root document as the operator signed it, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootDocument {
    /// Its version, from 1.
    pub version: u64,
    /// `root.json`.
    pub document: String,
    /// When control got it.
    pub added_at: Time,
}

/// Root documents; all are kept, because a gate follows them one by one.
#[derive(Debug)]
pub struct Roots<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Roots<'_, U> {
    /// The newest.
    pub async fn newest(&mut self) -> Result<Option<RootDocument>, StoreError> {
        let row = self.0.tx().first(NEWEST, bind![]).await?;
        row.as_ref().map(record).transpose()
    }

    /// Those after a version, in order; 0 for all.
    pub async fn after(&mut self, version: u64) -> Result<Vec<RootDocument>, StoreError> {
        let rows = self.0.tx().fetch(AFTER, bind![version]).await?;
        rows.iter().map(record).collect()
    }
}

impl Roots<'_, Write> {
    /// Adds the next one; the caller has verified it against the one before.
    pub async fn insert(&mut self, new: &RootDocument) -> Result<(), StoreError> {
        let values = bind![new.version, new.document, new.added_at];
        taken!(self.0.change(INSERT, values).await, Record).map(|_| ())
    }
}

fn record(row: &Row) -> Result<RootDocument, StoreError> {
    let mut fields = row.fields();
    Ok(RootDocument {
        version: fields.take()?,
        document: fields.take()?,
        added_at: fields.take()?,
    })
}
