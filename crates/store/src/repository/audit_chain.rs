//! The chains of the audit log: lines are added to them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use aeolus_keys::chain::{Link, Scope};
use aeolus_model::{AuditEvent, OrganizationId};

use super::audit::{cursor, link};
use super::{AuditCursor, AuditLog};
use crate::StoreError;
use crate::engine::{Fields, Row, Tx, bind};
use crate::unit::Unit;

statements! {
    APPEND = "INSERT INTO audit (position, ordinal, at, organization, action, event, line, hash,
        own_line, own_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    UNCHAINED = "SELECT position, ordinal, organization, event FROM audit
        WHERE position > $1 AND position < $2 AND line IS NULL
        ORDER BY position, ordinal LIMIT $3";
    CHAIN = "UPDATE audit SET line = $3, hash = $4, own_line = $5, own_hash = $6
        WHERE position = $1 AND ordinal = $2";
    HEAD = "SELECT line, hash, position, ordinal FROM audit_chains WHERE scope = $1";
    PUT = "INSERT INTO audit_chains (scope, line, hash, position, ordinal)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope) DO UPDATE SET line = excluded.line,
        hash = excluded.hash, position = excluded.position, ordinal = excluded.ordinal";
    BEGIN = "SELECT line, hash, position, ordinal, signed FROM audit_begins WHERE scope = $1";
}

/// How many lines of an earlier version are taken up at a time.
const BATCH: u32 = 500;

/// Where a chain begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditChain {
    /// Its last line.
    pub head: Link,
    /// Where that stands.
    pub head_at: AuditCursor,
    /// What was deleted of it, if anything was.
    pub begin: Option<AuditBegin>,
}

/// The last line that was deleted of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditBegin {
    /// The line.
    pub link: Link,
    /// Where it stood.
    pub at: AuditCursor,
    /// Control's signature of it.
    pub signed: String,
}

impl AuditChain {
    /// The link before the oldest line that is kept.
    pub fn begin(&self) -> Link {
        self.begin.as_ref().map_or(Link::START, |begin| begin.link)
    }
}

impl<U: Unit> AuditLog<'_, U> {
    /// A chain; none where no line is in it.
    pub async fn chain(&mut self, scope: Scope) -> Result<Option<AuditChain>, StoreError> {
        let tx = self.0.tx();
        let Some((head, head_at)) = head(tx, scope).await? else {
            return Ok(None);
        };
        let begin = tx.first(BEGIN, bind![scope.to_bytes()]).await?;
        let begin = begin.as_ref().map(begin_of).transpose()?;
        Ok(Some(AuditChain {
            head,
            head_at,
            begin,
        }))
    }
}

async fn head(tx: &mut Tx, scope: Scope) -> Result<Option<(Link, AuditCursor)>, StoreError> {
    let row = tx.first(HEAD, bind![scope.to_bytes()]).await?;
    row.map(|row| place(&mut row.fields())).transpose()
}

fn begin_of(row: &Row) -> Result<AuditBegin, StoreError> {
    let mut fields = row.fields();
    let (link, at) = place(&mut fields)?;
    let signed = fields.take()?;
    Ok(AuditBegin { link, at, signed })
}

fn place(fields: &mut Fields<'_>) -> Result<(Link, AuditCursor), StoreError> {
    let link = link(fields)?;
    let none = || StoreError::Corrupt("a chain of the audit log has no end".to_owned());
    Ok((link.ok_or_else(none)?, cursor(fields)?))
}

/// Writes a transaction's lines. The feed's row is locked, so nobody else adds any meanwhile.
pub(crate) async fn append(
    tx: &mut Tx,
    position: u64,
    events: &[AuditEvent],
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut chains = Chains::default();
    chains.take_up(tx, position).await?;
    for (ordinal, event) in events.iter().enumerate() {
        let json = super::json(event)?;
        let ordinal = u32::try_from(ordinal).map_err(|_| StoreError::Conflict)?;
        let at = AuditCursor { position, ordinal };
        let (whole, own) = chains.next(tx, at, event.organization, &json).await?;
        let values = bind![
            position,
            ordinal,
            event.at,
            event.organization,
            event.action.name(),
            json,
            whole.line,
            whole.hash.to_bytes(),
            own.map(|own| own.line),
            own.map(|own| own.hash.to_bytes())
        ];
        tx.execute(APPEND, values).await?;
    }
    chains.store(tx).await
}

/// The chains that a transaction adds to, each with its last line.
#[derive(Default)]
struct Chains(BTreeMap<Scope, End>);

/// The end of a chain in this transaction.
struct End {
    link: Link,
    at: AuditCursor,
}

impl Chains {
    /// Takes up what a process of an earlier version wrote since the last line that is in the chain,
    /// so that both can run side by side during an upgrade (F66). Where there is no chain yet, it
    /// begins with the first line of this transaction.
    async fn take_up(&mut self, tx: &mut Tx, position: u64) -> Result<(), StoreError> {
        let Some((_, last)) = head(tx, Scope::Installation).await? else {
            return Ok(());
        };
        let mut after = last.position;
        loop {
            let rows = tx.fetch(UNCHAINED, bind![after, position, BATCH]).await?;
            for row in &rows {
                let mut fields = row.fields();
                let at = cursor(&mut fields)?;
                let organization: Option<OrganizationId> = fields.maybe()?;
                let event: String = fields.take()?;
                let (whole, own) = self.next(tx, at, organization, &event).await?;
                let values = bind![
                    at.position,
                    at.ordinal,
                    whole.line,
                    whole.hash.to_bytes(),
                    own.map(|own| own.line),
                    own.map(|own| own.hash.to_bytes())
                ];
                tx.execute(CHAIN, values).await?;
                // What was taken up has a number, so the rest of a position is found again.
                after = at.position.saturating_sub(1);
            }
            if rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }

    async fn next(
        &mut self,
        tx: &mut Tx,
        at: AuditCursor,
        organization: Option<OrganizationId>,
        event: &str,
    ) -> Result<(Link, Option<Link>), StoreError> {
        let whole = self.add(tx, Scope::Installation, at, event).await?;
        let own = match organization {
            None => None,
            Some(id) => Some(self.add(tx, Scope::Organization(id), at, event).await?),
        };
        Ok((whole, own))
    }

    async fn add(
        &mut self,
        tx: &mut Tx,
        scope: Scope,
        at: AuditCursor,
        event: &str,
    ) -> Result<Link, StoreError> {
        let end = match self.0.entry(scope) {
            Entry::Occupied(end) => end.into_mut(),
            Entry::Vacant(none) => {
                let head = head(tx, scope).await?;
                let link = head.map_or(Link::START, |(link, _)| link);
                none.insert(End { link, at })
            }
        };
        end.link = end.link.next(scope, at.into(), event.as_bytes());
        end.at = at;
        Ok(end.link)
    }

    async fn store(self, tx: &mut Tx) -> Result<(), StoreError> {
        for (scope, end) in self.0 {
            let values = bind![
                scope.to_bytes(),
                end.link.line,
                end.link.hash.to_bytes(),
                end.at.position,
                end.at.ordinal
            ];
            tx.execute(PUT, values).await?;
        }
        Ok(())
    }
}
