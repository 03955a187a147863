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

/// How much of what clients wrote is read at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// So many records at most.
    pub rows: u32,
    /// So many bytes of them at most, but for the first, which is read however large it is.
    pub bytes: u64,
}

impl Step {
    /// How many of the next records, of these sizes in bytes, are one step.
    pub(crate) fn fits(&self, sizes: &[u64]) -> u32 {
        let mut bytes = 0_u64;
        let within = sizes.iter().enumerate().take_while(|(at, size)| {
            bytes = bytes.saturating_add(**size);
            *at == 0 || bytes <= self.bytes
        });
        u32::try_from(within.count()).unwrap_or(u32::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_ends_where_it_would_be_too_large_and_is_never_empty() {
        let step = Step { rows: 9, bytes: 10 };
        for (sizes, fits) in [
            (vec![], 0),
            (vec![11], 1),
            (vec![11, 1], 1),
            (vec![5, 5], 2),
            (vec![5, 5, 1], 2),
            (vec![5, 6, 1], 1),
            (vec![0, 0, 0], 3),
            (vec![u64::MAX, u64::MAX], 1),
        ] {
            assert_eq!(step.fits(&sizes), fits, "{sizes:?}");
        }
    }
}
