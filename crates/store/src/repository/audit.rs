//! The audit log, which is also the feed: what happened at which position.

use aeolus_model::{AuditEvent, OrganizationId};

use crate::engine::{Row, Tx, bind};
use crate::unit::Unit;
use crate::{Listing, Page, StoreError};

statements! {
    APPEND = "INSERT INTO audit (position, ordinal, at, organization, action, event)
        VALUES ($1, $2, $3, $4, $5, $6)";
    LIST = "SELECT position, ordinal, event FROM audit
        WHERE position > $1 OR (position = $1 AND ordinal > $2)
        ORDER BY position, ordinal LIMIT $3";
    LIST_ORGANIZATION = "SELECT position, ordinal, event FROM audit
        WHERE organization = $4 AND (position > $1 OR (position = $1 AND ordinal > $2))
        ORDER BY position, ordinal LIMIT $3";
}

/// A line's place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditCursor {
    /// The transaction's position in the feed.
    pub position: u64,
    /// The line's place in its transaction, from 0.
    pub ordinal: u32,
}

/// A line of the log with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Where it stands.
    pub cursor: AuditCursor,
    /// What it says.
    pub event: AuditEvent,
}

/// The audit log, in commit order. Lines are added with [`crate::Write::audit`] only.
#[derive(Debug)]
pub struct AuditLog<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> AuditLog<'_, U> {
    /// The lines after a cursor, of one organization or of all.
    pub async fn list(
        &mut self,
        organization: Option<OrganizationId>,
        page: Page<AuditCursor>,
    ) -> Result<Listing<AuditRecord, AuditCursor>, StoreError> {
        let (position, ordinal) = page
            .after
            .map_or((0, -1), |after| (after.position, i64::from(after.ordinal)));
        let tx = self.0.tx();
        let rows = match organization {
            None => tx.fetch(LIST, bind![position, ordinal, page.fetch()]).await,
            Some(id) => {
                let values = bind![position, ordinal, page.fetch(), id];
                tx.fetch(LIST_ORGANIZATION, values).await
            }
        }?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record| record.cursor))
    }
}

fn record(row: &Row) -> Result<AuditRecord, StoreError> {
    let mut fields = row.fields();
    let cursor = AuditCursor {
        position: fields.take()?,
        ordinal: fields.take()?,
    };
    let event = serde_json::from_str(&fields.take::<String>()?)
        .map_err(|_| StoreError::Corrupt("an audit line is unreadable".to_owned()))?;
    Ok(AuditRecord { cursor, event })
}

/// Writes a transaction's lines.
pub(crate) async fn append(
    tx: &mut Tx,
    position: u64,
    events: &[AuditEvent],
) -> Result<(), StoreError> {
    for (ordinal, event) in events.iter().enumerate() {
        let json = super::json(event)?;
        let action = event.action.name();
        let values = bind![
            position,
            ordinal,
            event.at,
            event.organization,
            action,
            json
        ];
        tx.execute(APPEND, values).await?;
    }
    Ok(())
}
