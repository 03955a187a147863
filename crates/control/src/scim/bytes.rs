//! How much a query may load.

use std::collections::BTreeMap;

use aeolus_scim::{Error, Reason};
use aeolus_store::Step;

use super::kept::Stored;

/// So many resources are loaded at a time, and so many bytes of them: each may be large.
pub(super) const STEP: Step = Step {
    rows: 100,
    bytes: 8 * 1024 * 1024,
};
/// So many are loaded at a time of those that an index finds: each has 1 MiB at most (note 030).
pub(super) const AT_ONCE: usize = 8;

/// So many bytes of resources are in memory for one question at most.
const BYTES: usize = 32 * 1024 * 1024;

/// How much of something is in memory.
pub(super) struct Bytes {
    so_far: usize,
    what: &'static str,
    advice: &'static str,
}

impl Bytes {
    /// None so far; what it is and what to do when it is too much, for the client.
    pub(super) const fn of(what: &'static str, advice: &'static str) -> Self {
        Self {
            so_far: 0,
            what,
            advice,
        }
    }

    /// More of it.
    ///
    /// # Errors
    /// `tooMany` once it is more than 32 MiB.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), Error> {
        self.so_far = self.so_far.saturating_add(bytes);
        if self.so_far > BYTES {
            let Self { what, advice, .. } = self;
            let why = format!("{what} has more than {BYTES} bytes: {advice}.");
            return Err(Error::new(Reason::TooMany, why));
        }
        Ok(())
    }
}

/// What indexes find, each once and in the order of keys.
pub(crate) struct Gathered {
    found: BTreeMap<String, Stored>,
    bytes: Bytes,
}

impl Gathered {
    /// Nothing so far.
    pub(super) const fn new() -> Self {
        Self {
            found: BTreeMap::new(),
            bytes: Bytes::of("What the filter asks for", "filter for less at a time"),
        }
    }

    /// One more.
    ///
    /// # Errors
    /// `tooMany` once they are too large together.
    pub(super) fn add(&mut self, stored: Stored) -> Result<(), Error> {
        if !self.found.contains_key(&stored.key) {
            self.bytes.add(stored.bytes)?;
            self.found.insert(stored.key.clone(), stored);
        }
        Ok(())
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<Stored> {
        self.found.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scim_what_is_in_memory_at_once_has_a_limit() {
        let mut bytes = Bytes::of("This", "ask for less");
        for _ in 0..32 {
            bytes.add(1024 * 1024).unwrap();
        }
        let error = bytes.add(1).unwrap_err();
        assert_eq!(error.reason, Reason::TooMany);
        assert!(error.detail.ends_with("ask for less."), "{error}");
    }
}
