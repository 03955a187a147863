//! Which part of a list is asked for: by index (RFC 7644 §3.4.2.4) or by cursor (RFC 9865).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Reason};
use crate::limits::Limits;

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// From a place in the list on.
    Index {
        /// The first resource's place, counted from 1.
        start: u64,
        /// How many resources at most.
        count: u32,
    },
    /// From where another page ended.
    Cursor {
        /// What that page said; none for the first page.
        cursor: Option<String>,
        /// How many resources at most.
        count: u32,
    },
}

/// What of a request says which page it asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageRequest<'a> {
    /// `startIndex`.
    pub start_index: Option<&'a str>,
    /// `count`.
    pub count: Option<&'a str>,
    /// `cursor`: empty for the first page.
    pub cursor: Option<&'a str>,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The last row's place in the order, as the store names it.
    pub after: String,
    /// Seconds since 1970 when the first page was asked for.
    pub since: u64,
}

impl Page {
    /// Reads a request. Places below 1 mean 1, counts below 0 mean 0, those above the limit mean the limit.
    pub fn parse(request: PageRequest<'_>, limits: &Limits) -> Result<Self, Error> {
        let whole = |text: Option<&str>, reason, name: &str| match text.map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => match text.parse::<i64>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Error::new(reason, format!("\"{name}\" is a whole number."))),
            },
        };
        let reason = match request.cursor {
            Some(_) => Reason::InvalidCount,
            None => Reason::InvalidValue,
        };
        let count = match whole(request.count, reason, "count")? {
            None => limits.page_default,
            Some(count) => u32::try_from(count.max(0))
                .unwrap_or(u32::MAX)
                .min(limits.page_max),
        };
        if let Some(cursor) = request.cursor {
            let cursor = (!cursor.is_empty()).then(|| cursor.to_owned());
            return Ok(Self::Cursor { cursor, count });
        }
        let start = whole(request.start_index, Reason::InvalidValue, "startIndex")?;
        let start = start
            .and_then(|start| u64::try_from(start).ok())
            .unwrap_or(1)
            .max(1);
        Ok(Self::Index { start, count })
    }

    /// How many resources at most.
    pub fn count(&self) -> u32 {
        match self {
            Self::Index { count, .. } | Self::Cursor { count, .. } => *count,
        }
    }
}

impl Position {
    /// What a client asks for the next page of this query with: characters that a URL has as they are.
    pub fn to_cursor(&self, query: &str) -> String {
        let text = format!(
            "1.{:016x}.{}.{}",
            fingerprint(query),
            self.since,
            self.after
        );
        URL_SAFE_NO_PAD.encode(text)
    }

    /// Reads a cursor that a client sent for this query, at a time in seconds since 1970.
    pub fn from_cursor(
        cursor: &str,
        query: &str,
        now: u64,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let invalid = || {
            Error::new(
                Reason::InvalidCursor,
                "The cursor is none of this query's: ask again without one.",
            )
        };
        if cursor.len() > limits.filter_bytes {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        let mut parts = text.splitn(4, '.');
        let mut part = || parts.next().ok_or_else(invalid);
        let (edition, of, since, after) = (part()?, part()?, part()?, part()?);
        if edition != "1" || of != format!("{:016x}", fingerprint(query)) {
            return Err(invalid());
        }
        let since: u64 = since.parse().map_err(|_| invalid())?;
        if since > now.saturating_add(limits.cursor_seconds) {
            return Err(invalid());
        }
        if now.saturating_sub(since) > limits.cursor_seconds {
            return Err(Error::new(
                Reason::ExpiredCursor,
                "The cursor is too old: ask again without one.",
            ));
        }
        let after = after.to_owned();
        Ok(Self { after, since })
    }
}

/// Tells queries apart (FNV-1a). It protects nothing: a forged cursor selects only what its sender may ask for.
fn fingerprint(query: &str) -> u64 {
    query.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits::DEFAULT;

    #[test]
    fn a_cursor_is_opaque_unreserved_and_of_one_query() {
        let position = Position {
            after: "ada.b|1\u{e9}".to_owned(),
            since: 1_000,
        };
        let cursor = position.to_cursor("q");
        assert!(
            cursor
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        );
        let read = |query, now| Position::from_cursor(&cursor, query, now, &LIMITS);
        assert_eq!(read("q", 4_600).unwrap(), position);
        assert_eq!(read("q", 4_601).unwrap_err().reason, Reason::ExpiredCursor);
        assert_eq!(
            read("other", 1_000).unwrap_err().reason,
            Reason::InvalidCursor
        );
        for broken in ["", "%", "MQ", "MS4wLjEuYQ"] {
            let error = Position::from_cursor(broken, "q", 1_000, &LIMITS).unwrap_err();
            assert_eq!(error.reason, Reason::InvalidCursor);
        }
    }
}
