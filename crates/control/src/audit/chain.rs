//! Reading a chain from the database, a page and a view at a time, so that nothing is held however long
//! it is and however slowly it is read.

use aeolus_keys::chain::{Link, Scope};
use aeolus_model::Time;
use aeolus_snapshot::{Checkpoint, sign_checkpoint};
use aeolus_store::{
    AuditBegin, AuditChain, AuditCursor, AuditLine, Direction, Page, Read, StoreError, Unit as _,
};

use super::filter;
use crate::app::App;
use crate::error::ApiError;

const LINES: u32 = 500;

/// A part of the log without gaps.
pub(super) struct Stretch {
    pub(super) scope: Scope,
    /// The chain before its first line.
    pub(super) begin: Link,
    /// The chain's end when reading began, if the stretch goes so far.
    pub(super) head: Option<Link>,
    /// What was deleted before its first line, if it begins there.
    pub(super) deleted: Option<AuditBegin>,
    after: Option<AuditCursor>,
    /// Its last line. What is added while it is read doesn't belong to it.
    to: AuditCursor,
    done: bool,
}

impl Stretch {
    /// Everything there is.
    pub(super) async fn whole(view: &mut Read, scope: Scope) -> Result<Self, StoreError> {
        let chain = view.audit_log().chain(scope).await?;
        let to = chain
            .as_ref()
            .map_or(AuditCursor::END, |chain| chain.head_at);
        Ok(Self {
            scope,
            begin: chain.as_ref().map_or(Link::START, AuditChain::begin),
            head: Some(chain.as_ref().map_or(Link::START, |chain| chain.head)),
            deleted: chain.and_then(|chain| chain.begin),
            after: None,
            to,
            done: false,
        })
    }

    /// From the first line of a period to its last, with everything between.
    pub(super) async fn of(
        view: &mut Read,
        scope: Scope,
        (since, until): (Option<Time>, Option<Time>),
    ) -> Result<Self, StoreError> {
        let mut stretch = Self::whole(view, scope).await?;
        if let Some(since) = since {
            match view.audit_log().first_since(since).await? {
                Some(first) => stretch.begin_at(view, first).await?,
                None => stretch.done = true,
            }
        }
        if let Some(until) = until {
            let last = view.audit_log().last_until(until).await?;
            stretch.done |= last.is_none();
            if let Some(last) = last.filter(|last| *last < stretch.to) {
                stretch.to = last;
                stretch.head = None;
            }
        }
        if stretch.done {
            stretch.head = None;
        }
        Ok(stretch)
    }

    async fn begin_at(&mut self, view: &mut Read, first: AuditCursor) -> Result<(), StoreError> {
        self.after = Some(filter::before(first));
        let organization = match self.scope {
            Scope::Installation => None,
            Scope::Organization(id) => Some(id),
        };
        let page = Page {
            after: Some(first),
            limit: 1,
        };
        let newest = Direction::NewestFirst;
        let before = view
            .audit_log()
            .list_from(organization, page, newest)
            .await?;
        let before = before.items.first().and_then(|record| match self.scope {
            Scope::Installation => record.link,
            Scope::Organization(_) => record.own,
        });
        if let Some(before) = before {
            (self.begin, self.deleted) = (before, None);
        }
        Ok(())
    }

    /// The next lines; none at the end.
    pub(super) async fn next(&mut self, app: &App) -> Result<Option<Vec<AuditLine>>, StoreError> {
        if self.done {
            return Ok(None);
        }
        let page = Page {
            after: self.after,
            limit: LINES,
        };
        let mut view = app.store.read().await?;
        let listing = view.audit_log().lines(self.scope, page).await?;
        self.after = listing.next;
        let mut lines = listing.items;
        let read = lines.len();
        lines.retain(|line| line.cursor <= self.to);
        self.done = self.after.is_none() || lines.len() < read;
        Ok(Some(lines))
    }
}

/// Signs what a chain's link is.
pub(super) fn sign(app: &App, scope: Scope, link: Link) -> Result<(String, Time), ApiError> {
    let checkpoint = Checkpoint {
        issuer: app.issuer.clone(),
        scope,
        link,
        at: app.clock.now(),
    };
    let key = app.keys.snapshot().map_err(ApiError::internal)?;
    let signed = sign_checkpoint(&checkpoint, &key);
    Ok((signed.map_err(ApiError::internal)?, checkpoint.at))
}
