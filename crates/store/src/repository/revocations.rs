//! What is no longer good, per organization.

use std::collections::BTreeSet;

use aeolus_model::{OrganizationId, Rng, Subject, Time};

use super::grants::{subject, subject_columns};
use crate::StoreError;
use crate::engine::{Row, Tx, Value, bind};
use crate::unit::{Unit, Write};

statements! {
    POSITION = "SELECT COALESCE((SELECT position FROM revoked WHERE organization = $1), 0)
        FROM revocation_lists WHERE organization = $1";
    NOTE = "INSERT INTO revoked (organization, position) VALUES ($1, $2)
        ON CONFLICT (organization) DO UPDATE SET position = excluded.position";
    FORGET = "DELETE FROM revoked WHERE organization NOT IN (SELECT id FROM organizations)";
    LIST = "SELECT size, not_before FROM revocation_lists WHERE organization = $1";
    REVOKED = "SELECT idx FROM status_indexes
        WHERE organization = $1 AND revoked_at IS NOT NULL AND idx > $2 ORDER BY idx LIMIT $3";
    ENDS = "SELECT idx, ends_at FROM status_indexes
        WHERE organization = $1 AND revoked_at IS NULL AND ends_at IS NOT NULL AND idx > $2
        ORDER BY idx LIMIT $3";
    REVOKED_WITHIN = "SELECT idx FROM status_indexes
        WHERE organization = $1 AND revoked_at IS NOT NULL AND idx < $2 AND idx > $3
        ORDER BY idx LIMIT $4";
    ENDS_WITHIN = "SELECT idx, ends_at FROM status_indexes
        WHERE organization = $1 AND revoked_at IS NULL AND ends_at IS NOT NULL AND idx < $2
        AND idx > $3 ORDER BY idx LIMIT $4";
    MARKS = "SELECT subject_kind, subject, not_before FROM marks
        WHERE organization = $1 AND (subject_kind, subject) > ($2, $3)
        ORDER BY subject_kind, subject LIMIT $4";
    MARKED = "SELECT 1 FROM revocation_lists WHERE organization = $1 AND (not_before > $4
        OR EXISTS (SELECT 1 FROM marks WHERE organization = $1
            AND subject_kind = $2 AND subject = $3 AND not_before > $4))";
    COUNT = "UPDATE revocation_lists SET used = used + 1 WHERE organization = $1
        RETURNING size, used";
    GROW = "UPDATE revocation_lists SET size = size * 2
        WHERE organization = $1 AND size < 4294967296";
    ALLOCATE = "INSERT INTO status_indexes (organization, idx) VALUES ($1, $2)
        ON CONFLICT (organization, idx) DO NOTHING";
    REVOKE = "UPDATE status_indexes SET revoked_at = $3
        WHERE organization = $1 AND idx = $2 AND revoked_at IS NULL";
    WIDEN = "UPDATE revocation_lists SET size = $2 WHERE organization = $1 AND size < $2";
    SET_END = "UPDATE status_indexes SET ends_at = $3
        WHERE organization = $1 AND idx = $2 AND (ends_at IS NULL OR ends_at > $3)";
    MARK = "INSERT INTO marks (organization, subject_kind, subject, not_before)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (organization, subject_kind, subject)
        DO UPDATE SET not_before = excluded.not_before
        WHERE marks.not_before < excluded.not_before";
    MARK_ORGANIZATION = "UPDATE revocation_lists SET not_before = $2
        WHERE organization = $1 AND not_before < $2";
    MARK_EVERYTHING = "UPDATE revocation_lists SET not_before = $1 WHERE not_before < $1";
}

/// A token value that ends earlier than it says: rotation grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusEnd {
    /// The value's index.
    pub index: u32,
    /// From this moment on it is refused.
    pub not_after: Time,
}

/// Nothing issued to the subject before is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose credentials.
    pub subject: Subject,
    /// Issued (a session: authenticated) before this is refused.
    pub not_before: Time,
}

/// Everything that is no longer good in an organization, but for the ended sessions
/// ([`crate::Sessions::ended`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// Status bits, least significant first: 1 is revoked. Its length covers indexes that are
    /// allocated ahead; gates refuse an index past the end.
    pub status: Vec<u8>,
    /// Values that end early, by index.
    pub ends: Vec<StatusEnd>,
    /// Nothing of the organization issued before this is good; [`Time::EPOCH`] for none.
    pub not_before: Time,
    /// Marks of single subjects.
    pub marks: Vec<Mark>,
}

/// A stretch of an organization's indexes: what of it is no longer good at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusBits {
    /// Least significant first: 1 is revoked, deleted or past its grace. All of the stretch, also where
    /// indexes are not given out yet.
    pub bits: Vec<u8>,
    /// When the next grace in it ends.
    pub next_end: Option<Time>,
}

/// Revocations.
#[derive(Debug)]
pub struct Revocations<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Revocations<'_, U> {
    /// An organization's list; none if there is no such organization.
    pub async fn of(
        &mut self,
        organization: OrganizationId,
    ) -> Result<Option<RevocationList>, StoreError> {
        let tx = self.0.tx();
        let Some(row) = tx.first(LIST, bind![organization]).await? else {
            return Ok(None);
        };
        let mut fields = row.fields();
        let size: usize = fields.take()?;
        let not_before = fields.take()?;
        let mut status = vec![0_u8; size.div_ceil(8)];
        let (values, before) = (bind![organization], bind![-1_i64]);
        let number = |row: &Row| row.only::<u32>();
        let key = |index: &u32| bind![index];
        let revoked = tx.fetch_all(REVOKED, values.clone(), before.clone(), (number, key));
        for index in revoked.await? {
            let at = usize::try_from(index).map_err(|_| outside(index))?;
            let byte = status.get_mut(at / 8);
            *byte.ok_or_else(|| outside(index))? |= 1 << (index % 8);
        }
        let key = |end: &StatusEnd| bind![end.index];
        let ends = tx.fetch_all(ENDS, values.clone(), before, (end_of, key));
        let ends = ends.await?;
        let key = |mark: &Mark| bind_subject(mark.subject);
        let before = bind!["", Vec::<u8>::new()];
        let marks = tx.fetch_all(MARKS, values, before, (mark, key));
        let marks = marks.await?;
        Ok(Some(RevocationList {
            status,
            ends,
            not_before,
            marks,
        }))
    }

    /// The feed's position at which token values of an organization were revoked last, or their ends set; none
    /// if there is no such organization. Ends that pass change nothing.
    pub async fn position(
        &mut self,
        organization: OrganizationId,
    ) -> Result<Option<u64>, StoreError> {
        let row = self.0.tx().first(POSITION, bind![organization]).await?;
        row.map(|row| row.only()).transpose()
    }

    /// The stretch of `length` indexes from `first` on; none if the organization has none so high, or if
    /// there is no such organization.
    pub async fn within(
        &mut self,
        organization: OrganizationId,
        (first, length): (u32, u32),
        now: Time,
    ) -> Result<Option<StatusBits>, StoreError> {
        let tx = self.0.tx();
        let Some(row) = tx.first(LIST, bind![organization]).await? else {
            return Ok(None);
        };
        let size: u64 = row.fields().take()?;
        if first > 0 && u64::from(first) >= size {
            return Ok(None);
        }
        let end = u64::from(first) + u64::from(length);
        let (values, before) = (bind![organization, end], bind![i64::from(first) - 1]);
        let number = |row: &Row| row.only::<u32>();
        let key = |index: &u32| bind![index];
        let revoked = tx.fetch_all(
            REVOKED_WITHIN,
            values.clone(),
            before.clone(),
            (number, key),
        );
        let revoked = revoked.await?;
        let key = |end: &StatusEnd| bind![end.index];
        let ends = tx.fetch_all(ENDS_WITHIN, values, before, (end_of, key));
        let ends = ends.await?;
        let over = ends.iter().filter(|end| end.not_after <= now);
        let mut bits = vec![0_u8; usize::try_from(length).unwrap_or(0).div_ceil(8)];
        for index in revoked.iter().copied().chain(over.map(|end| end.index)) {
            let at = index.checked_sub(first).ok_or_else(|| outside(index))?;
            let byte = usize::try_from(at / 8).ok().and_then(|at| bits.get_mut(at));
            *byte.ok_or_else(|| outside(index))? |= 1 << (at % 8);
        }
        let ahead = ends.iter().map(|end| end.not_after).filter(|at| *at > now);
        Ok(Some(StatusBits {
            next_end: ahead.min(),
            bits,
        }))
    }

    /// Whether something issued to a subject then is refused for a mark of the subject or of the
    /// organization.
    pub async fn is_marked(
        &mut self,
        organization: OrganizationId,
        subject: Subject,
        issued: Time,
    ) -> Result<bool, StoreError> {
        let (kind, id) = subject_columns(subject);
        let values = bind![organization, kind, id, issued];
        Ok(self.0.tx().first(MARKED, values).await?.is_some())
    }
}

impl Revocations<'_, Write> {
    /// Revokes values that this database may never have given out: what was revoked after the backup
    /// from which it was restored. `size`: how many the list must have at least.
    pub async fn revoke_forgotten(
        &mut self,
        organization: OrganizationId,
        (size, indexes): (u64, &[u32]),
        now: Time,
    ) -> Result<(), StoreError> {
        self.0.revoke(WIDEN, bind![organization, size]).await?;
        for index in indexes {
            self.0.note(ALLOCATE, bind![organization, index]).await?;
            self.revoke(organization, *index, now).await?;
        }
        Ok(())
    }

    /// Gives out an index for a new token value: random, so that it tells nothing of how many
    /// there are, and never given out before. The list doubles when half of it is used, so gates
    /// know an index before it is needed and a free one is found in two tries on average.
    pub async fn allocate(
        &mut self,
        organization: OrganizationId,
        rng: &(dyn Rng + '_),
    ) -> Result<u32, StoreError> {
        let tx = self.0.tx();
        let row = tx.first(COUNT, bind![organization]).await?;
        let row = row.ok_or(StoreError::Reference)?;
        let mut fields = row.fields();
        let size: u64 = fields.take()?;
        let used: u64 = fields.take()?;
        if used * 2 >= size {
            self.0.revoke(GROW, bind![organization]).await?;
        }
        for _ in 0..TRIES {
            let mut random = [0; 8];
            rng.fill(&mut random);
            let index = u64::from_le_bytes(random) % size;
            if self.0.note(ALLOCATE, bind![organization, index]).await? > 0 {
                return u32::try_from(index).map_err(|_| StoreError::Conflict);
            }
        }
        Err(StoreError::Conflict)
    }

    /// Revokes a token value; says whether it wasn't already.
    pub async fn revoke(
        &mut self,
        organization: OrganizationId,
        index: u32,
        now: Time,
    ) -> Result<bool, StoreError> {
        let values = bind![organization, index, now];
        Ok(self.0.revoke_values(organization, REVOKE, values).await? > 0)
    }

    /// Lets a value end early; a later end than is set changes nothing.
    pub async fn set_end(
        &mut self,
        organization: OrganizationId,
        end: StatusEnd,
    ) -> Result<(), StoreError> {
        let values = bind![organization, end.index, end.not_after];
        let set = self.0.revoke_values(organization, SET_END, values);
        set.await.map(|_| ())
    }

    /// The same of a value that this database may never have given out.
    pub async fn end_forgotten(
        &mut self,
        organization: OrganizationId,
        end: StatusEnd,
    ) -> Result<(), StoreError> {
        self.0
            .note(ALLOCATE, bind![organization, end.index])
            .await?;
        self.set_end(organization, end).await
    }

    /// Sets a subject's not-before mark; marks never move back.
    pub async fn mark(
        &mut self,
        organization: OrganizationId,
        mark: Mark,
    ) -> Result<(), StoreError> {
        let (kind, id) = subject_columns(mark.subject);
        let values = bind![organization, kind, id, mark.not_before];
        self.0.revoke(MARK, values).await.map(|_| ())
    }

    /// Sets the organization's own mark; it never moves back.
    pub async fn mark_organization(
        &mut self,
        organization: OrganizationId,
        not_before: Time,
    ) -> Result<(), StoreError> {
        let values = bind![organization, not_before];
        self.0.revoke(MARK_ORGANIZATION, values).await.map(|_| ())
    }

    /// Sets the mark of every organization; none moves back.
    pub async fn mark_everything(&mut self, not_before: Time) -> Result<(), StoreError> {
        let marked = self.0.revoke(MARK_EVERYTHING, bind![not_before]).await;
        marked.map(|_| ())
    }

    /// Forgets where organizations stood that there are no more.
    pub async fn forget(&mut self) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![]).await
    }
}

/// Notes at which position values of these organizations were revoked. Only for who holds the feed.
pub(crate) async fn note(
    tx: &mut Tx,
    position: u64,
    revoked: &BTreeSet<OrganizationId>,
) -> Result<(), StoreError> {
    for organization in revoked {
        tx.execute(NOTE, bind![organization, position]).await?;
    }
    Ok(())
}

/// At most half of the list is used, so all of them fail once in 2^64 times.
const TRIES: u32 = 64;

fn end_of(row: &Row) -> Result<StatusEnd, StoreError> {
    let mut fields = row.fields();
    Ok(StatusEnd {
        index: fields.take()?,
        not_after: fields.take()?,
    })
}

fn mark(row: &Row) -> Result<Mark, StoreError> {
    let mut fields = row.fields();
    Ok(Mark {
        subject: subject(&mut fields)?,
        not_before: fields.take()?,
    })
}

fn bind_subject(subject: Subject) -> Vec<Value> {
    let (kind, id) = subject_columns(subject);
    bind![kind, id]
}

fn outside(index: u32) -> StoreError {
    StoreError::Corrupt(format!("status index {index} lies outside its list"))
}
