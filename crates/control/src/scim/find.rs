//! Which resources a query means.

use std::time::Duration;

use aeolus_scim::{Error, Filter, Lookups, Projection, Reason, Search, Sort, SortKey};
use aeolus_store::{Read, Step};
use tokio::time::Instant;

use super::answer::ScimFailure;
use super::bytes::{Bytes, Gathered, STEP};
use super::caller::Caller;
use super::kept::{Kept, Stored};
use super::place::From;

/// So long is looked at most.
const DEADLINE: Duration = Duration::from_secs(15);

/// What was found.
pub(super) struct Found {
    /// Those that are wanted, in order.
    pub(super) page: Vec<Stored>,
    /// How many there are in all.
    pub(super) total: u64,
    /// Whether there are more behind the page.
    pub(super) more: bool,
}

/// Finds what a query means: by an index where that can answer it, else by looking at all.
pub(super) async fn find<K: Kept>(
    caller: &Caller,
    view: &mut Read,
    search: &Search,
    (from, count): (&From, u32),
) -> Result<Found, ScimFailure> {
    let connection = caller.connection.id;
    let filter = search.filter.as_ref();
    let lookups = filter.and_then(Filter::lookups).filter(has_indexes::<K>);
    let mut found = match (lookups, filter, &search.sort) {
        (Some(lookups), _, _) => {
            let all = by_index::<K>(caller, view, search, &lookups).await?;
            window(caller, search, all, (from, count))?
        }
        (None, None, None) => listed::<K>(caller, view, (from, count)).await?,
        (None, Some(_), None) => by_walk::<K>(caller, view, search, (from, count)).await?,
        (None, _, Some(sort)) => {
            sorted_walk::<K>(caller, view, (search, sort), (from, count)).await?
        }
    };
    if wants_links::<K>(&search.projection) {
        K::link(view, connection, &mut found.page).await?;
    }
    Ok(found)
}

/// Whether the list of links is in the answer.
pub(super) fn wants_links<K: Kept>(asked: &Projection) -> bool {
    asked.wants(K::KIND, links::<K>())
}

fn links<K: Kept>() -> &'static str {
    K::KIND.links.unwrap_or("groups")
}

/// Whether an index finds what satisfies any of the alternatives.
fn has_indexes<K: Kept>(lookups: &Lookups) -> bool {
    let mut alternatives = lookups.alternatives.iter();
    alternatives.all(|all| all.iter().any(|lookup| K::has_index(lookup.key)))
}

async fn by_index<K: Kept>(
    caller: &Caller,
    view: &mut Read,
    search: &Search,
    lookups: &Lookups,
) -> Result<Vec<Stored>, ScimFailure> {
    let mut found = Gathered::new();
    let judge = Judge::<K>::of(caller, search);
    for all in &lookups.alternatives {
        judge.in_time()?;
        K::find(view, caller.connection.id, all, &mut found).await?;
    }
    let mut found = found.into_all();
    if !lookups.exact {
        found = judge.keep(view, found).await?;
    }
    Ok(found)
}

/// A part of all there are.
async fn listed<K: Kept>(
    caller: &Caller,
    view: &mut Read,
    (from, count): (&From, u32),
) -> Result<Found, ScimFailure> {
    let connection = caller.connection.id;
    let total = K::count(view, connection).await?;
    let wanted = usize_of(count);
    let mut page = Page::new();
    if count == 0 {
        let more = matches!(from, From::Place(place) if *place < total);
        return Ok(page.found(total, more));
    }
    let mut after = from.clone();
    loop {
        let step = match &after {
            From::Place(offset) => K::skip(view, connection, *offset, STEP).await?,
            From::After(key) => K::walk(view, connection, key, STEP).await?,
        };
        if step.is_empty() {
            return Ok(page.found(total, false));
        }
        for stored in step {
            if page.all.len() == wanted {
                return Ok(page.found(total, true));
            }
            after = From::After(stored.key.clone());
            page.add(stored)?;
        }
    }
}

/// What is in an answer.
struct Page {
    all: Vec<Stored>,
    bytes: Bytes,
}

impl Page {
    const fn new() -> Self {
        Self {
            all: Vec::new(),
            bytes: Bytes::of("The page", "ask for fewer with \"count\""),
        }
    }

    fn add(&mut self, stored: Stored) -> Result<(), Error> {
        self.bytes.add(stored.bytes)?;
        self.all.push(stored);
        Ok(())
    }

    fn found(self, total: u64, more: bool) -> Found {
        Found {
            page: self.all,
            total,
            more,
        }
    }
}

/// Looks at all, and keeps what the page needs. What is behind a cursor is what the database has behind it: its order of
/// texts need not be ours.
async fn by_walk<K: Kept>(
    caller: &Caller,
    view: &mut Read,
    search: &Search,
    (from, count): (&From, u32),
) -> Result<Found, ScimFailure> {
    let mut judge = Judge::<K>::of(caller, search);
    let (mut page, mut total, mut more) = (Page::new(), 0_u64, false);
    let place = match from {
        From::Place(offset) => *offset,
        From::After(key) => {
            judge.after = Some(key.clone());
            0
        }
    };
    while let Some(step) = judge.step(view).await? {
        for stored in step {
            total += 1;
            if total <= place {
                continue;
            }
            if page.all.len() < usize_of(count) {
                page.add(stored)?;
            } else {
                more = true;
            }
        }
    }
    if let From::After(_) = from {
        // Those before the cursor only count.
        let all = K::count(view, caller.connection.id).await?;
        judge.after = Some(String::new());
        judge.left = Some(all.saturating_sub(judge.looked));
        while let Some(step) = judge.step(view).await? {
            total += step.len() as u64;
        }
    }
    Ok(page.found(total, more))
}

/// Looks at all, keeps what they are ordered by, and loads those of the page.
async fn sorted_walk<K: Kept>(
    caller: &Caller,
    view: &mut Read,
    (search, sort): (&Search, &Sort),
    (from, count): (&From, u32),
) -> Result<Found, ScimFailure> {
    let mut judge = Judge::<K>::of(caller, search);
    let mut bytes = Bytes::of(
        "What these are sorted by",
        "filter for less at a time, or sort by something shorter",
    );
    let mut all: Vec<(SortKey, String)> = Vec::new();
    while let Some(step) = judge.step(view).await? {
        for stored in step {
            let key = sort.key(&stored.whole(&caller.base));
            bytes.add(key.bytes() + stored.id.len())?;
            all.push((key, stored.id));
        }
    }
    // They came in the order of their keys, and stay in it where the order says nothing.
    all.sort_by(|left, right| sort.compare(&left.0, &right.0));
    let offset = usize::try_from(from.place()?).unwrap_or(usize::MAX);
    let more = all.len() > offset.saturating_add(usize_of(count));
    let mut page = Page::new();
    for (_, id) in all.iter().skip(offset).take(usize_of(count)) {
        if let Some(stored) = K::load(view, caller.connection.id, id).await? {
            page.add(stored)?;
        }
    }
    Ok(page.found(all.len() as u64, more))
}

/// The page of what was found by an index.
fn window(
    caller: &Caller,
    search: &Search,
    mut all: Vec<Stored>,
    (from, count): (&From, u32),
) -> Result<Found, Error> {
    let total = all.len() as u64;
    if let Some(sort) = &search.sort {
        all.sort_by_cached_key(|stored| stored.key.clone());
        let mut keyed: Vec<(SortKey, Stored)> = all
            .into_iter()
            .map(|stored| (sort.key(&stored.whole(&caller.base)), stored))
            .collect();
        keyed.sort_by(|left, right| sort.compare(&left.0, &right.0));
        all = keyed.into_iter().map(|(_, stored)| stored).collect();
    }
    let offset = match from {
        From::After(key) if search.sort.is_none() => {
            all.iter().take_while(|stored| stored.key <= *key).count()
        }
        from => usize::try_from(from.place()?).unwrap_or(usize::MAX),
    };
    let more = all.len() > offset.saturating_add(usize_of(count));
    let page = all.into_iter().skip(offset).take(usize_of(count)).collect();
    Ok(Found { page, total, more })
}

fn usize_of(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Looks at resources, some at a time.
struct Judge<'a, K> {
    caller: &'a Caller,
    filter: Option<&'a Filter>,
    needs_links: bool,
    /// The key of the last that was looked at; none when all were.
    after: Option<String>,
    /// How many were looked at.
    looked: u64,
    /// How many more are to be; none: all.
    left: Option<u64>,
    until: Instant,
    kind: std::marker::PhantomData<K>,
}

impl<'a, K: Kept> Judge<'a, K> {
    fn of(caller: &'a Caller, search: &'a Search) -> Self {
        let filter = search.filter.as_ref();
        Self {
            caller,
            filter,
            needs_links: filter.is_some_and(|filter| filter.uses(links::<K>())),
            after: Some(String::new()),
            looked: 0,
            left: None,
            until: Instant::now() + DEADLINE,
            kind: std::marker::PhantomData,
        }
    }

    /// Of the next ones, those that the filter holds for; none after the last.
    async fn step(&mut self, view: &mut Read) -> Result<Option<Vec<Stored>>, ScimFailure> {
        let Some(after) = self.after.take() else {
            return Ok(None);
        };
        self.in_time()?;
        let connection = self.caller.connection.id;
        let left = self.left.unwrap_or(u64::MAX);
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        if left == 0 {
            return Ok(None);
        }
        let rows = left.min(STEP.rows);
        let step = K::walk(view, connection, &after, Step { rows, ..STEP }).await?;
        let many = step.len() as u64;
        self.looked += many;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(many);
        }
        self.after = step.last().map(|stored| stored.key.clone());
        self.keep(view, step).await.map(Some)
    }

    /// An error once this takes too long.
    fn in_time(&self) -> Result<(), Error> {
        if Instant::now() < self.until {
            return Ok(());
        }
        let why = format!(
            "Looking for this takes too long, for want of an index that answers it: filter by {}.",
            K::FOUND_BY
        );
        Err(Error::new(Reason::TooMany, why))
    }

    async fn keep(
        &self,
        view: &mut Read,
        mut all: Vec<Stored>,
    ) -> Result<Vec<Stored>, ScimFailure> {
        if self.needs_links {
            K::link(view, self.caller.connection.id, &mut all).await?;
        }
        if let Some(filter) = self.filter {
            all.retain(|stored| filter.matches(&stored.whole(&self.caller.base)));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Groups, LIMITS, Users};
    use super::*;

    fn indexed<K: Kept>(filter: &str) -> bool {
        let filter = Filter::parse(K::KIND, filter, &LIMITS).unwrap();
        filter
            .lookups()
            .is_some_and(|found| has_indexes::<K>(&found))
    }

    #[test]
    fn scim_what_no_index_answers_is_looked_for_within_limits() {
        assert!(indexed::<Groups>("displayName eq \"a\""));
        assert!(!indexed::<Users>("displayName eq \"a\""));
        assert!(!indexed::<Users>("displayName eq \"a\" or id eq \"b\""));
        assert!(indexed::<Users>("displayName eq \"a\" and id eq \"b\""));
    }
}
