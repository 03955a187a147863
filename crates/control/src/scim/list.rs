//! Lists and searches (RFC 7644 §§3.4.2 and 3.4.3, RFC 9865).

use aeolus_scim::schema::ResourceType;
use aeolus_scim::{ListResponse, Page, Position, Query, Search};
use aeolus_store::Read;
use axum::extract::RawQuery;
use serde_json::Value;

use super::answer::{Answer, ScimFailure};
use super::body::Body;
use super::caller::Caller;
use super::find::{self, Found};
use super::kept::Kept;
use super::place::From;
use super::{KINDS, LIMITS, on_kind};

/// A part of a list.
struct Part {
    resources: Vec<Value>,
    total: u64,
    /// Where the next page begins; none where there is nothing behind it.
    next: Option<From>,
}

/// `GET /Users`.
pub(crate) async fn list<K: Kept>(
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Answer, ScimFailure> {
    let query = Query::from_url(query.as_deref().unwrap_or_default())?;
    of_one::<K>(&caller, &query).await
}

/// `POST /Users/.search`.
pub(crate) async fn search<K: Kept>(
    caller: Caller,
    Body(body): Body,
) -> Result<Answer, ScimFailure> {
    of_one::<K>(&caller, &Query::from_body(body)?).await
}

/// `POST /.search`: of all types, one after the other.
pub(crate) async fn search_all(caller: Caller, Body(body): Body) -> Result<Answer, ScimFailure> {
    let query = Query::from_body(body)?;
    let searches = query.on_all(&KINDS, &LIMITS)?;
    answer(&caller, &query, &searches).await
}

async fn of_one<K: Kept>(caller: &Caller, query: &Query) -> Result<Answer, ScimFailure> {
    let search = query.on(K::KIND, &LIMITS)?;
    answer(caller, query, &[(K::KIND, search)]).await
}

async fn answer(
    caller: &Caller,
    query: &Query,
    searches: &[(&'static ResourceType, Search)],
) -> Result<Answer, ScimFailure> {
    let page = query.page(&LIMITS)?;
    let identity = searches.iter().map(|(kind, _)| query.identity(kind));
    let identity = identity.collect::<Vec<_>>().join("\n");
    let now = u64::try_from(caller.app.clock.now().secs()).unwrap_or(0);
    let (begins, mut from, since) = match &page {
        Page::Index { start, .. } => (0, From::Place(start.saturating_sub(1)), now),
        Page::Cursor { cursor: None, .. } => (0, From::Place(0), now),
        Page::Cursor {
            cursor: Some(cursor),
            ..
        } => {
            let position = Position::from_cursor(cursor, &identity, now, &LIMITS)?;
            let sorted = searches.iter().map(|(_, search)| search.sort.is_some());
            let sorted: Vec<bool> = sorted.collect();
            let (begins, from) = From::read(&position.after, &sorted)?;
            (begins, from, position.since)
        }
    };
    let mut view = caller.app.store.read().await?;
    let mut list = ListResponse {
        resources: Vec::new(),
        total: 0,
        page: page.clone(),
        next_cursor: None,
    };
    let mut next = None;
    for (at, (kind, search)) in searches.iter().enumerate() {
        let left = page.count().saturating_sub(limited(list.resources.len()));
        // What comes before where a cursor points only counts.
        let counts_only = at < begins;
        let asked = if counts_only {
            (&From::Place(0), 0)
        } else {
            (&from, left)
        };
        let part = part(caller, &mut view, (kind, search), asked).await?;
        list.total += part.total;
        list.resources.extend(part.resources);
        if counts_only {
            continue;
        }
        next = next.or_else(|| part.next.map(|next| next.print(at)));
        from = match (&page, from) {
            // An index goes on in the next type.
            (Page::Index { .. }, From::Place(offset)) => {
                From::Place(offset.saturating_sub(part.total))
            }
            _ => From::Place(0),
        };
    }
    if let (Page::Cursor { count: 1.., .. }, Some(after)) = (&page, next) {
        list.next_cursor = Some(Position { after, since }.to_cursor(&identity));
    }
    Ok(Answer::of(list.into_json()))
}

async fn part(
    caller: &Caller,
    view: &mut Read,
    (kind, search): (&'static ResourceType, &Search),
    (from, count): (&From, u32),
) -> Result<Part, ScimFailure> {
    on_kind!(kind, K => part_of::<K>(caller, view, search, (from, count)).await)
}

async fn part_of<K: Kept>(
    caller: &Caller,
    view: &mut Read,
    search: &Search,
    (from, count): (&From, u32),
) -> Result<Part, ScimFailure> {
    let Found { page, total, more } = find::find::<K>(caller, view, search, (from, count)).await?;
    let next = match page.last() {
        _ if !more => None,
        // There was no room for any.
        None => Some(from.clone()),
        Some(_) if search.sort.is_some() => {
            let before = from.place()?;
            Some(From::Place(before.saturating_add(page.len() as u64)))
        }
        Some(last) => Some(From::After(last.key.clone())),
    };
    let resources = page
        .iter()
        .map(|stored| stored.show(&caller.base, &search.projection));
    Ok(Part {
        resources: resources.collect(),
        total,
        next,
    })
}

fn limited(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
