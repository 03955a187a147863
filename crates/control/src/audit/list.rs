//! `GET /v1/organizations/{o}/audit` and `GET /v1/audit`.

use aeolus_api::Page;
use aeolus_api::audit::AuditLine;
use aeolus_keys::chain::Scope;
use aeolus_store::{AuditCursor, AuditRecord, Direction, Read, Unit as _};
use axum::Json;
use axum::extract::Path;

use super::filter::{self, Filter};
use super::readable;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// How many lines are looked at for one answer. What has found too few by then says where to go on.
const LOOKED_AT: u32 = 10_000;
/// How many at a time.
const STEP: u32 = 500;

/// Lists what happened in an organization. Cursors are `POSITION.ORDINAL`.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<AuditLine>>, ApiError> {
    let scope = readable(&ctx, Some(&organization)).await?;
    page(&ctx, scope, &query).await.map(Json)
}

/// Lists what happened anywhere.
pub(crate) async fn list_all(ctx: Ctx, query: Query) -> Result<Json<Page<AuditLine>>, ApiError> {
    let scope = readable(&ctx, None).await?;
    page(&ctx, scope, &query).await.map(Json)
}

async fn page(ctx: &Ctx, scope: Scope, query: &Query) -> Result<Page<AuditLine>, ApiError> {
    let asked = query.page::<Cursor>()?;
    let direction = filter::direction(query)?;
    let mut view = ctx.app.store.read().await?;
    let wanted = Filter::of(query, &mut view).await?;
    let nothing = Page {
        items: Vec::new(),
        next_cursor: None,
    };
    let after = asked.after.map(|cursor| cursor.0);
    let Some(after) = begin(&mut view, &wanted, direction, after).await? else {
        return Ok(nothing);
    };
    let organization = match scope {
        Scope::Installation => None,
        Scope::Organization(id) => Some(id),
    };
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let mut step = aeolus_store::Page { after, limit: STEP };
    let mut found = nothing;
    for _ in 0..LOOKED_AT / STEP {
        let mut log = view.audit_log();
        let listing = log.list_from(organization, step, direction).await?;
        let last = listing.items.last().map(|record| record.cursor);
        for record in listing.items {
            if !wanted.fits(&record.event) {
                continue;
            }
            let at = record.cursor;
            found.items.push(line(record, scope));
            if found.items.len() == limit {
                let more = listing.next.is_some() || last != Some(at);
                found.next_cursor = more.then(|| shown(at));
                return Ok(found);
            }
        }
        found.next_cursor = listing.next.map(shown);
        if listing.next.is_none() {
            return Ok(found);
        }
        step.after = listing.next;
    }
    Ok(found)
}

/// Where to begin, by the cursor and the period that is asked for; none where no line is in that.
async fn begin(
    view: &mut Read,
    wanted: &Filter,
    direction: Direction,
    after: Option<AuditCursor>,
) -> Result<Option<Option<AuditCursor>>, ApiError> {
    if after.is_some() {
        return Ok(Some(after));
    }
    let at = match (direction, wanted.since, wanted.until) {
        (Direction::OldestFirst, Some(since), _) => {
            let first = view.audit_log().first_since(since).await?;
            first.map(filter::before)
        }
        (Direction::NewestFirst, _, Some(until)) => {
            let last = view.audit_log().last_until(until).await?;
            last.map(|at| AuditCursor {
                ordinal: at.ordinal.saturating_add(1),
                ..at
            })
        }
        _ => return Ok(Some(None)),
    };
    Ok(at.map(Some))
}

fn line(record: AuditRecord, scope: Scope) -> AuditLine {
    let link = match scope {
        Scope::Installation => record.link,
        Scope::Organization(_) => record.own,
    };
    AuditLine {
        cursor: shown(record.cursor),
        line: link.map(|link| link.line),
        hash: link.map(|link| link.hash.to_string()),
        event: record.event,
    }
}

fn shown(cursor: AuditCursor) -> String {
    format!("{}.{}", cursor.position, cursor.ordinal)
}

struct Cursor(AuditCursor);

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (position, ordinal) = text.split_once('.').ok_or(())?;
        Ok(Self(AuditCursor {
            position: position.parse().map_err(|_| ())?,
            ordinal: ordinal.parse().map_err(|_| ())?,
        }))
    }
}
