//! Who changed: what planes are told of without reading everybody else.

use aeolus_model::{PlaneId, Subject};

use super::grants::{subject, subject_columns};
use crate::StoreError;
use crate::engine::{Row, Tx, bind};
use crate::unit::{Unit, Write};

statements! {
    SINCE = "SELECT DISTINCT subject_kind, subject FROM changed_subjects WHERE position > $1
        AND (subject_kind <> 'token' OR EXISTS (SELECT 1 FROM tokens WHERE tokens.id = subject
            AND organization IN (SELECT organization FROM deployments WHERE plane = $2)))
        ORDER BY subject_kind, subject LIMIT $3";
    KNOWN_SINCE = "SELECT changes_since FROM feed WHERE id = 1";
    NOTE = "INSERT INTO changed_subjects (position, subject_kind, subject) VALUES ($1, $2, $3)";
    OLDEST_BASE = "SELECT MIN(base) FROM publications
        WHERE epoch = (SELECT epoch FROM feed WHERE id = 1)
        AND plane IN (SELECT id FROM planes WHERE stage <> 'quarantined')";
    OLDEST = "SELECT MIN(position) FROM changed_subjects";
    FORGET = "DELETE FROM changed_subjects WHERE position < $1";
    KNOW_SINCE = "UPDATE feed SET changes_since = $1 WHERE id = 1 AND changes_since < $1";
}

/// Of each transaction that changed nothing but single people and programs: whom. Anything else counts as a
/// change of everything ([`crate::Feed::whole`]), so whatever is forgotten here costs time and never truth.
#[derive(Debug)]
pub struct ChangedSubjects<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> ChangedSubjects<'_, U> {
    /// Who changed after a position, without programs of organizations that have no deployment on the plane;
    /// at most `most` of them, and one more to show that there are. None where that isn't known any more.
    pub async fn since(
        &mut self,
        (plane, position): (PlaneId, u64),
        most: u32,
    ) -> Result<Option<Vec<Subject>>, StoreError> {
        let tx = self.0.tx();
        let known: Option<u64> = match tx.first(KNOWN_SINCE, bind![]).await? {
            Some(row) => Some(row.only()?),
            None => None,
        };
        if known.is_none_or(|known| position < known) {
            return Ok(None);
        }
        let rows = tx
            .fetch(SINCE, bind![position, plane, u64::from(most) + 1])
            .await?;
        let one = |row: &Row| subject(&mut row.fields());
        rows.iter().map(one).collect::<Result<_, _>>().map(Some)
    }
}

impl ChangedSubjects<'_, Write> {
    /// Forgets what is in everything that planes have been told, and in any case what lies more than `most`
    /// positions back; only of so many positions (`part`) at a time. Says whether there is more.
    pub async fn forget(&mut self, most: u64, part: u64) -> Result<bool, StoreError> {
        let feed = self.0.settings().feed().await?;
        let told = self.number(OLDEST_BASE).await?;
        // The first of all may just be made, of an earlier position than this one.
        let before = told.unwrap_or(0).max(feed.position.saturating_sub(most)) + 1;
        let Some(oldest) = self.number(OLDEST).await?.filter(|oldest| *oldest < before) else {
            return Ok(false);
        };
        let until = before.min(oldest.saturating_add(part));
        self.0
            .note(KNOW_SINCE, bind![until.saturating_sub(1)])
            .await?;
        self.0.note(FORGET, bind![until]).await?;
        Ok(until < before)
    }

    async fn number(&mut self, sql: &'static str) -> Result<Option<u64>, StoreError> {
        let row = self.0.tx().first(sql, bind![]).await?;
        row.map_or(Ok(None), |row| row.fields().maybe())
    }
}

/// Notes who changed at a position.
pub(crate) async fn append(
    tx: &mut Tx,
    position: u64,
    subjects: impl IntoIterator<Item = Subject>,
) -> Result<(), StoreError> {
    for changed in subjects {
        let (kind, id) = subject_columns(changed);
        tx.execute(NOTE, bind![position, kind, id]).await?;
    }
    Ok(())
}
