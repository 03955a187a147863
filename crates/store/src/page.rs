//! Cursor paging.

/// Which part of a list is asked for: at most `limit` items after a cursor.
///
/// Ids sort by creation time, so the last item's id is the cursor and nothing that exists
/// throughout is shown twice or missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<C> {
    /// The last item of the page before, or none for the first page.
    pub after: Option<C>,
    /// How many at most; at least one is read.
    pub limit: u32,
}

impl<C> Page<C> {
    /// The first page.
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// One more than the limit, to learn whether there is a next page.
    pub(crate) fn fetch(&self) -> i64 {
        i64::from(self.limit.max(1)) + 1
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor for the next part, if there is one.
    pub next: Option<C>,
}

impl<T, C: Copy> Listing<T, C> {
    /// Cuts what was read down to the page.
    pub(crate) fn cut(mut items: Vec<T>, page: &Page<C>, cursor: impl Fn(&T) -> C) -> Self {
        let limit = usize::try_from(page.limit.max(1)).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}
