//! The audit log, which is also the feed: what happened at which position.

use aeolus_keys::chain::{Hash, Link, Place, Scope};
use aeolus_model::{AuditEvent, OrganizationId, Time};

use crate::engine::{Fields, Row, bind};
use crate::unit::Unit;
use crate::{Listing, Page, StoreError};

/// The columns of a line.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT position, ordinal, event, line, hash, own_line, own_hash
            FROM audit WHERE ",
            $rest
        )
    };
}

statements! {
    LIST = select!("(position, ordinal) > ($1, $2)
        ORDER BY position, ordinal LIMIT $3");
    LIST_ORGANIZATION = select!("organization = $4
        AND (position, ordinal) > ($1, $2)
        ORDER BY position, ordinal LIMIT $3");
    NEWEST = select!("(position, ordinal) < ($1, $2)
        ORDER BY position DESC, ordinal DESC LIMIT $3");
    NEWEST_ORGANIZATION = select!("organization = $4
        AND (position, ordinal) < ($1, $2)
        ORDER BY position DESC, ordinal DESC LIMIT $3");
    FIRST_SINCE = "SELECT position, ordinal FROM audit WHERE at >= $1
        ORDER BY position, ordinal LIMIT 1";
    LAST_UNTIL = "SELECT position, ordinal FROM audit WHERE at <= $1
        ORDER BY position DESC, ordinal DESC LIMIT 1";
}

/// A line's place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditCursor {
    /// The transaction's position in the feed.
    pub position: u64,
    /// The line's place in its transaction, from 0.
    pub ordinal: u32,
}

impl AuditCursor {
    /// After every line there can be. Positions are kept as 63 bits.
    pub const END: Self = Self {
        position: i64::MAX.unsigned_abs(),
        ordinal: u32::MAX,
    };
}

impl From<AuditCursor> for Place {
    fn from(cursor: AuditCursor) -> Self {
        Self {
            position: cursor.position,
            ordinal: cursor.ordinal,
        }
    }
}

/// Which lines a list begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The oldest.
    OldestFirst,
    /// The newest.
    NewestFirst,
}

/// A line of the log with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Where it stands.
    pub cursor: AuditCursor,
    /// What it says.
    pub event: AuditEvent,
    /// Its place in the chain of the installation; none where it is from before there was a chain.
    pub link: Option<Link>,
    /// Its place in the chain of its organization.
    pub own: Option<Link>,
}

/// A line as it is stored. Nobody has looked whether what it says can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Where it stands.
    pub cursor: AuditCursor,
    /// The event's own bytes, which the chains cover.
    pub text: String,
    /// Its place in the chain of the installation; none where it is from before there was a chain.
    pub link: Option<Link>,
    /// Its place in the chain of its organization.
    pub own: Option<Link>,
}

impl AuditLine {
    /// Its place in a chain.
    pub const fn link(&self, scope: Scope) -> Option<Link> {
        match scope {
            Scope::Installation => self.link,
            Scope::Organization(_) => self.own,
        }
    }

    fn read(self) -> Result<AuditRecord, StoreError> {
        let event = serde_json::from_str(&self.text)
            .map_err(|_| StoreError::Corrupt("an audit line is unreadable".to_owned()))?;
        Ok(AuditRecord {
            cursor: self.cursor,
            event,
            link: self.link,
            own: self.own,
        })
    }
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
        let direction = Direction::OldestFirst;
        self.list_from(organization, page, direction).await
    }

    /// The same from either end: with the newest first, a cursor stands after older lines.
    pub async fn list_from(
        &mut self,
        organization: Option<OrganizationId>,
        page: Page<AuditCursor>,
        direction: Direction,
    ) -> Result<Listing<AuditRecord, AuditCursor>, StoreError> {
        let lines = self.read(organization, page, direction).await?;
        let items = lines.into_iter().map(AuditLine::read);
        let items = items.collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record: &AuditRecord| {
            record.cursor
        }))
    }

    /// The lines after a cursor as they are stored, oldest first.
    pub async fn lines(
        &mut self,
        scope: Scope,
        page: Page<AuditCursor>,
    ) -> Result<Listing<AuditLine, AuditCursor>, StoreError> {
        let organization = match scope {
            Scope::Installation => None,
            Scope::Organization(id) => Some(id),
        };
        let direction = Direction::OldestFirst;
        let lines = self.read(organization, page, direction).await?;
        Ok(Listing::cut(lines, &page, |line| line.cursor))
    }

    async fn read(
        &mut self,
        organization: Option<OrganizationId>,
        page: Page<AuditCursor>,
        direction: Direction,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let oldest = direction == Direction::OldestFirst;
        let (position, ordinal) = match page.after {
            Some(after) => (after.position, i64::from(after.ordinal)),
            None if oldest => (0, -1),
            None => (AuditCursor::END.position, i64::MAX),
        };
        let (all, own) = if oldest {
            (LIST, LIST_ORGANIZATION)
        } else {
            (NEWEST, NEWEST_ORGANIZATION)
        };
        let tx = self.0.tx();
        let rows = match organization {
            None => tx.fetch(all, bind![position, ordinal, page.fetch()]).await,
            Some(id) => {
                let values = bind![position, ordinal, page.fetch(), id];
                tx.fetch(own, values).await
            }
        }?;
        rows.iter().map(line).collect()
    }

    /// The first line, in the feed's order, that happened at a moment or later. Gates tell of what
    /// happened a while ago, so earlier lines may be younger and later ones older.
    pub async fn first_since(&mut self, at: Time) -> Result<Option<AuditCursor>, StoreError> {
        let row = self.0.tx().first(FIRST_SINCE, bind![at]).await?;
        row.map(|row| cursor(&mut row.fields())).transpose()
    }

    /// The last line, in the feed's order, that happened at a moment or earlier.
    pub async fn last_until(&mut self, at: Time) -> Result<Option<AuditCursor>, StoreError> {
        let row = self.0.tx().first(LAST_UNTIL, bind![at]).await?;
        row.map(|row| cursor(&mut row.fields())).transpose()
    }
}

fn line(row: &Row) -> Result<AuditLine, StoreError> {
    let mut fields = row.fields();
    Ok(AuditLine {
        cursor: cursor(&mut fields)?,
        text: fields.take()?,
        link: link(&mut fields)?,
        own: link(&mut fields)?,
    })
}

pub(super) fn cursor(fields: &mut Fields<'_>) -> Result<AuditCursor, StoreError> {
    Ok(AuditCursor {
        position: fields.take()?,
        ordinal: fields.take()?,
    })
}

/// A number and a hash; half of a link is none. What can't be either is a wrong one: whoever verifies
/// finds the line, instead of an error that names none.
pub(super) fn link(fields: &mut Fields<'_>) -> Result<Option<Link>, StoreError> {
    let (line, hash) = (fields.maybe::<i64>()?, fields.maybe::<Vec<u8>>()?);
    Ok(line.zip(hash).map(|(line, hash)| Link {
        line: u64::try_from(line).unwrap_or(0),
        hash: hash.try_into().map_or(Hash::ZERO, Hash::from_bytes),
    }))
}
