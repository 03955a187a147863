//! What a PATCH costs, counted in comparisons.

use serde_json::Value;

use crate::error::{Error, Reason};
use crate::value::weight;

#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    done: u64,
    most: u64,
}

impl Work {
    pub(super) fn new(most: u64) -> Self {
        Self { done: 0, most }
    }

    /// Counts work that is about to be done.
    pub(super) fn charge(&mut self, comparisons: usize) -> Result<(), Error> {
        let comparisons = u64::try_from(comparisons).unwrap_or(u64::MAX);
        self.done = self.done.saturating_add(comparisons);
        if self.done > self.most {
            return Err(Error::new(
                Reason::TooMany,
                "The operations of this PATCH cost too much together: send them in several.",
            ));
        }
        Ok(())
    }

    /// Counts the comparison of each of these values with so many others.
    pub(super) fn compare(&mut self, values: &[Value], with: usize) -> Result<(), Error> {
        const BYTES_AT_ONCE: usize = 32;
        let cost = values.len() + weight(values.iter()) / BYTES_AT_ONCE;
        self.charge(cost.saturating_mul(with))
    }

    pub(super) fn done(self) -> u64 {
        self.done
    }
}
