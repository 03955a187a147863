//! A minute, and what was used in it by whom.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use aeolus_model::{Actor, Time};

use crate::error::ApiError;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
/// Callers told apart in a minute: that many counts are kept of an organization. Those beyond are counted as
/// one.
const CALLERS: usize = 10_000;

/// What may be used in a minute. None: any number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// By all together.
    pub(super) all: Option<NonZeroU32>,
    /// By one caller.
    pub(super) each: Option<NonZeroU32>,
}

/// A minute and what was used in it.
#[derive(Default)]
pub(super) struct Minute {
    began: Option<Time>,
    used: u32,
    by: HashMap<Actor, u32>,
    /// By callers who came when there was no more room to tell them apart.
    by_others: u32,
}

impl Minute {
    /// Counts one, or says how long to wait.
    pub(super) fn take(&mut self, by: &Actor, bounds: Bounds, now: Time) -> Result<(), ApiError> {
        let passed = self.passed(now);
        if passed.is_none() {
            self.began = Some(now);
            (self.used, self.by_others) = (0, 0);
            self.by.clear();
        }
        let left = MINUTE.saturating_sub(passed.unwrap_or_default());
        let wait = left.as_secs().max(1);
        if bounds.all.is_some_and(|most| self.used >= most.get()) {
            return Err(ApiError::Quota(wait));
        }
        if let Some(most) = bounds.each {
            let own = self.own(by);
            if *own >= most.get() {
                return Err(ApiError::QuotaShare(wait));
            }
            *own = own.saturating_add(1);
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// A caller's count. What is refused makes none: its caller has one.
    fn own(&mut self, by: &Actor) -> &mut u32 {
        if self.by.len() < CALLERS || self.by.contains_key(by) {
            self.by.entry(by.clone()).or_default()
        } else {
            &mut self.by_others
        }
    }

    /// How much of the minute has passed; none if it is over, or ahead of a clock that was set back.
    fn passed(&self, now: Time) -> Option<Duration> {
        let began = self.began.filter(|began| *began <= now)?;
        Some(now.since(began)).filter(|passed| *passed < MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use aeolus_model::UserId;

    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);

    fn user(n: u32) -> Actor {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        Actor::User(UserId::from_bytes(bytes))
    }

    #[test]
    fn f73_callers_whose_number_has_no_bound_are_counted_in_bounded_memory() {
        let mut minute = Minute::default();
        let bounds = Bounds {
            all: None,
            each: NonZeroU32::new(2),
        };
        let mut take = |n: usize| {
            let user = user(u32::try_from(n).unwrap());
            let taken = minute.take(&user, bounds, NOW).is_ok();
            assert!(minute.by.len() <= CALLERS);
            taken
        };
        assert!((0..CALLERS).all(&mut take));
        // Who comes after that shares one caller's bound with the others who do, and takes it from nobody else.
        let late: Vec<bool> = (CALLERS..CALLERS + 4).map(&mut take).collect();
        assert_eq!(late, [true, true, false, false]);
        assert!(take(0) && !take(0) && take(1));
    }

    #[test]
    fn a_minute_begins_anew_for_everybody() {
        let mut minute = Minute::default();
        let bounds = Bounds {
            all: NonZeroU32::new(3),
            each: NonZeroU32::new(2),
        };
        let mut take = |n: u32, secs: u64| {
            let now = NOW.plus(Duration::from_secs(secs));
            minute.take(&user(n), bounds, now)
        };
        assert!(take(1, 0).is_ok() && take(1, 1).is_ok());
        assert!(matches!(take(1, 20), Err(ApiError::QuotaShare(40))));
        assert!(take(2, 20).is_ok());
        assert!(matches!(take(3, 20), Err(ApiError::Quota(40))));
        assert!(take(1, 60).is_ok());
        // A clock that was set back begins anew.
        assert!(take(1, 0).is_ok() && take(1, 0).is_ok());
    }
}
