//! The oldest lines of the audit log are deleted: only those that are what was written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use aeolus_keys::chain::{Fault, Link, Scope, Walk};
use aeolus_model::{OrganizationId, Time};
use serde::Deserialize;

use super::audit_chain::AuditChain;
use super::{AuditCursor, AuditLine, AuditLog};
use crate::engine::bind;
use crate::unit::{Unit, Write};
use crate::{Page, StoreError};

statements! {
    MOVE = "INSERT INTO audit_begins (scope, line, hash, position, ordinal, signed)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope) DO UPDATE SET line = excluded.line,
        hash = excluded.hash, position = excluded.position, ordinal = excluded.ordinal,
        signed = excluded.signed WHERE audit_begins.line < excluded.line";
    DELETE = "DELETE FROM audit WHERE (position, ordinal) <= ($1, $2)";
}

/// What may be deleted of the log: its oldest lines, up to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCut {
    /// The last line to be deleted.
    pub to: AuditCursor,
    /// How many.
    pub lines: u64,
    /// Where the chains of these lines will begin, by whose they are.
    pub begins: BTreeMap<Scope, (Link, AuditCursor)>,
}

impl<U: Unit> AuditLog<'_, U> {
    /// The oldest lines, as many as `limit`, that are from before a moment, as far as there is none
    /// between that isn't, and not beyond `until`.
    ///
    /// Each is asked itself when it happened and whose it is, and must follow the line before it in its
    /// chains: nobody who changes lines in the database gets them deleted and their end signed. Before
    /// one that doesn't the cut ends, and if that is the first, it is [`StoreError::Corrupt`].
    pub async fn oldest(
        &mut self,
        before: Time,
        until: AuditCursor,
        limit: u32,
    ) -> Result<Option<AuditCut>, StoreError> {
        let page = Page { after: None, limit };
        let lines = self.lines(Scope::Installation, page).await?.items;
        let mut walks = BTreeMap::new();
        let mut cut: Option<AuditCut> = None;
        for line in &lines {
            let next = match self.whole(&mut walks, line).await {
                Ok(said) if said.at < before && line.cursor <= until => said.organization,
                Err(error) if cut.is_none() => return Err(error),
                _ => break,
            };
            let cut = cut.get_or_insert_with(|| AuditCut {
                to: line.cursor,
                lines: 0,
                begins: BTreeMap::new(),
            });
            (cut.to, cut.lines) = (line.cursor, cut.lines + 1);
            for scope in scopes(next) {
                if let Some(link) = line.link(scope) {
                    cut.begins.insert(scope, (link, line.cursor));
                }
            }
        }
        Ok(cut)
    }

    /// Reads a line that follows in its chains.
    async fn whole(
        &mut self,
        walks: &mut BTreeMap<Scope, Walk>,
        line: &AuditLine,
    ) -> Result<Said, StoreError> {
        let said: Said = serde_json::from_str(&line.text)
            .map_err(|_| StoreError::Corrupt("an audit line is unreadable".to_owned()))?;
        for scope in scopes(said.organization) {
            let walk = match walks.entry(scope) {
                Entry::Occupied(walk) => walk.into_mut(),
                Entry::Vacant(none) => {
                    let chain = self.chain(scope).await?;
                    let begin = chain.as_ref().map_or(Link::START, AuditChain::begin);
                    none.insert(Walk::new(scope, begin))
                }
            };
            let step = walk.step(line.cursor.into(), line.link(scope), line.text.as_bytes());
            step.map_err(broken(scope))?;
        }
        Ok(said)
    }
}

impl AuditLog<'_, Write> {
    /// Deletes what [`Self::oldest`] gave, and moves the begin of each chain, with its signature.
    pub async fn delete(
        &mut self,
        cut: &AuditCut,
        signed: &BTreeMap<Scope, String>,
    ) -> Result<u64, StoreError> {
        for (scope, (link, at)) in &cut.begins {
            let signed = signed.get(scope).ok_or(StoreError::Reference)?;
            let values = bind![
                scope.to_bytes(),
                link.line,
                link.hash.to_bytes(),
                at.position,
                at.ordinal,
                signed
            ];
            self.0.note(MOVE, values).await?;
        }
        let values = bind![cut.to.position, cut.to.ordinal];
        self.0.note(DELETE, values).await
    }
}

/// What deleting has to know of an event, whichever version wrote it.
#[derive(Deserialize)]
struct Said {
    at: Time,
    #[serde(default)]
    organization: Option<OrganizationId>,
}

/// The chains that a line is in.
fn scopes(organization: Option<OrganizationId>) -> impl Iterator<Item = Scope> {
    let own = organization.map(Scope::Organization);
    std::iter::once(Scope::Installation).chain(own)
}

fn broken(scope: Scope) -> impl FnOnce(Fault) -> StoreError {
    move |fault| StoreError::Corrupt(format!("the audit log's chain of {scope}: {fault}"))
}
