//! How much a query may load.

use aeolus_scim::{Error, Reason};

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
