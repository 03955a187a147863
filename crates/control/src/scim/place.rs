//! Where a part of a list begins, and how a cursor says that.

use aeolus_scim::{Error, Reason};

/// Which of all that are found are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// From a place on, counted from 0.
    Place(u64),
    /// After one with this key. Only where they are in the order of keys.
    After(String),
}

impl From {
    /// What a cursor says of a list of several types: in which of them the next page begins, and where.
    pub(super) fn print(&self, kind: usize) -> String {
        match self {
            Self::Place(place) => format!("{kind}.p{place}"),
            Self::After(key) => format!("{kind}.k{key}"),
        }
    }

    /// Reads that, with whether each of the types is sorted: then only a place means something.
    ///
    /// # Errors
    /// `invalidCursor` for whatever [`From::print`] doesn't print for such a list.
    pub(super) fn read(text: &str, sorted: &[bool]) -> Result<(usize, Self), Error> {
        Self::parse(text, sorted).ok_or_else(none_of_ours)
    }

    fn parse(text: &str, sorted: &[bool]) -> Option<(usize, Self)> {
        let (kind, rest) = text.split_once('.')?;
        let kind = kind.parse().ok()?;
        let is_sorted = *sorted.get(kind)?;
        if let Some(place) = rest.strip_prefix('p') {
            return Some((kind, Self::Place(place.parse().ok()?)));
        }
        let key = rest.strip_prefix('k')?;
        // No key has it, and PostgreSQL takes none with it.
        let can_be = !is_sorted && !key.contains('\0');
        can_be.then(|| (kind, Self::After(key.to_owned())))
    }

    /// The place: in an order that isn't that of keys nothing else says where to begin.
    pub(super) fn place(&self) -> Result<u64, Error> {
        match self {
            Self::Place(place) => Ok(*place),
            Self::After(_) => Err(none_of_ours()),
        }
    }
}

fn none_of_ours() -> Error {
    let why = "The cursor is none of this query's: ask again without one.";
    Error::new(Reason::InvalidCursor, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scim_a_cursor_says_one_place_of_one_type_or_is_invalid() {
        let sorted = [false, true];
        for (kind, from) in [
            (0, From::Place(0)),
            (0, From::After("a.p1@corp.test".to_owned())),
            (0, From::After(String::new())),
            (1, From::Place(u64::MAX)),
        ] {
            let text = from.print(kind);
            assert_eq!(From::read(&text, &sorted).unwrap(), (kind, from), "{text}");
        }
        for bad in [
            "", "0", "0.", ".p1", "0.x", "2.p0", "x.p0", "0.p", "0.p-1", "0.px", "1.kada", "0.ka\0",
        ] {
            let error = From::read(bad, &sorted).unwrap_err();
            assert_eq!(error.reason, Reason::InvalidCursor, "{bad}");
        }
    }
}
