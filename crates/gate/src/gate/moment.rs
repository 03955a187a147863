//! What one decision is made at, and for whom.

use std::sync::Arc;
use std::time::Duration;

use aeolus_decide::{Freshness, Judge, Memory, World};
use aeolus_model::Time;
use arc_swap::Guard;

use crate::limits::Source;
use crate::settings::Live;

/// What is known at the moment of one decision.
pub(super) struct Moment {
    pub(super) world: Option<Arc<World>>,
    pub(super) now: Time,
    pub(super) age: Option<Duration>,
    pub(super) settings: Guard<Arc<Live>>,
}

impl Moment {
    pub(super) fn judge<'a>(&self, world: &'a World, memory: &'a dyn Memory) -> Judge<'a> {
        Judge {
            world,
            memory,
            freshness: Freshness { age: self.age },
            now: self.now,
        }
    }
}

/// Where a request comes from, and when, since the gate's start: what limits count by.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    pub(super) source: Option<Source>,
    pub(super) at: Duration,
}
