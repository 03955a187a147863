//! Versions of a resource (RFC 7644 §3.14) and conditions on them (RFC 9110 §13).

use std::fmt;

/// A version, as `meta.version` and the header `ETag` have it. It is weak: two texts of the same resource may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(u64);

/// What becomes of a request with conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It is done.
    Proceed,
    /// The client has it already: 304.
    NotModified,
    /// It isn't done: 412.
    Stale,
}

/// The conditions of a request: the values of `If-Match` and `If-None-Match`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// It has to be in one of these versions.
    pub if_match: Option<&'a str>,
    /// It must be in none of these.
    pub if_none_match: Option<&'a str>,
}

impl Version {
    /// The version of a resource that was written so many times.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Whether a header names it. What can't be read names nothing.
    fn is_named_in(&self, header: &str) -> bool {
        let own = format!("\"{}\"", self.0);
        header.split(',').map(str::trim).any(|tag| {
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            tag == "*" || strong == own
        })
    }
}

impl Conditions<'_> {
    /// Judges a request on a resource in this version. Reading what is known already is no failure.
    pub fn judge(&self, current: &Version, reads: bool) -> Condition {
        if self
            .if_match
            .is_some_and(|header| !current.is_named_in(header))
        {
            return Condition::Stale;
        }
        if self
            .if_none_match
            .is_some_and(|header| current.is_named_in(header))
        {
            return if reads {
                Condition::NotModified
            } else {
                Condition::Stale
            };
        }
        Condition::Proceed
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/\"{}\"", self.0)
    }
}
