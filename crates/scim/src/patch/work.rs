//! What a PATCH costs, counted in comparisons.

use serde_json::Value;

use crate::error::{Error, Reason};
use crate::limits::Limits;
use crate::value::weight;

/// How much may be worked on, and how much was: of one PATCH, or of all operations of a bulk request together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    done: u64,
    most: u64,
}

impl Budget {
    /// What one request may cost.
    pub fn new(limits: &Limits) -> Self {
        Self {
            done: 0,
            most: limits.patch_work,
        }
    }

    /// Counts work that is about to be done: [`Reason::TooMany`] where it would be more than is left.
    pub fn charge(&mut self, comparisons: usize) -> Result<(), Error> {
        let comparisons = u64::try_from(comparisons).unwrap_or(u64::MAX);
        self.done = self.done.saturating_add(comparisons);
        if self.done > self.most {
            return Err(Error::new(
                Reason::TooMany,
                "The operations of this request cost too much together: send them in several.",
            ));
        }
        Ok(())
    }

    /// How many comparisons it took so far.
    pub fn spent(&self) -> u64 {
        self.done
    }

    /// Counts the comparison of each of these values with so many others.
    pub(crate) fn compare(&mut self, values: &[Value], with: usize) -> Result<(), Error> {
        self.charge(cost(values.iter()).saturating_mul(with))
    }
}

/// What it costs to look at values once, or to copy them.
pub(crate) fn cost<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> usize {
    const BYTES_AT_ONCE: usize = 32;
    values.clone().count() + weight(values) / BYTES_AT_ONCE
}
