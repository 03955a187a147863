//! How often codes may be tried. Whoever knows the password may try, and must neither find a code nor keep its
//! owner out by wrong ones: so each source waits for its own, and all that nobody ever proved it from have
//! one bound together. What that leaves to guessing is in the design note.

use std::time::Duration;

use aeolus_model::{Time, UserId};
use aeolus_store::{SecondFactor, StoreError, Tries, Unit as _, Write};

use super::Refused;

/// Wrong tries from a source that make nobody wait; from then on each wait is twice the last.
const FREE: u64 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// No more wrong tries than this from a source without a day between them, and in a day from all together that
/// it was not proved from (NIST SP 800-63B §3.2.2).
const MOST: u64 = 100;
const DAY: Duration = Duration::from_secs(86_400);
/// So long somebody is known at a source after they proved it there.
pub(crate) const KNOWN: Duration = Duration::from_secs(30 * 86_400);
/// Recovery codes from one source in a window. Nobody guesses one of 80 bits: this is for the work alone.
const RECOVERY_MOST: u64 = 20;
const RECOVERY_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Somebody who tries, at a source.
pub(super) struct Trier<'a> {
    pub(super) user: UserId,
    pub(super) source: &'a str,
    known: bool,
}

impl<'a> Trier<'a> {
    /// Who may try a code now. The factor's row must be locked.
    pub(super) async fn admit(
        write: &mut Write,
        factor: &SecondFactor,
        source: &'a str,
        now: Time,
    ) -> Result<Result<Self, Refused>, StoreError> {
        let tries = write.second_factors().tries(factor.user, source).await?;
        let known = tries.proved_at.is_some_and(|at| now.since(at) < KNOWN);
        let wait = of_source(tries, now).max(of_strangers(factor, known, now));
        if let Some(seconds) = wait {
            return Ok(Err(Refused::Wait(seconds)));
        }
        Ok(Ok(Self {
            user: factor.user,
            source,
            known,
        }))
    }

    /// Counts a wrong code.
    pub(super) async fn missed(self, write: &mut Write, now: Time) -> Result<(), StoreError> {
        let mut factors = write.second_factors();
        factors.missed(self.user, self.source, now).await?;
        if self.known {
            return Ok(());
        }
        factors.missed_by_strangers(self.user, (DAY, now)).await
    }
}

/// Seconds until another recovery code from a source is looked at; none if it is at once.
pub(super) async fn recovery_wait(
    write: &mut Write,
    (user, source): (UserId, &str),
    now: Time,
) -> Result<Option<u64>, StoreError> {
    let bucket = format!("recovery:{user}:{source}");
    let mut throttles = write.throttles();
    let throttle = throttles.hit(&bucket, RECOVERY_WINDOW, now).await?;
    if throttle.hits <= RECOVERY_MOST {
        return Ok(None);
    }
    let left = RECOVERY_WINDOW.saturating_sub(now.since(throttle.started_at));
    Ok(Some(left.as_secs().max(1)))
}

fn of_source(tries: Tries, now: Time) -> Option<u64> {
    let more = tries.failures.checked_sub(FREE)?;
    let wait = if tries.failures >= MOST {
        DAY
    } else {
        let doubled = u32::try_from(more).unwrap_or(u32::MAX).min(16);
        FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT)
    };
    left(wait, now.since(tries.tried_at))
}

fn of_strangers(factor: &SecondFactor, known: bool, now: Time) -> Option<u64> {
    let bound = !known && factor.failures >= MOST;
    bound.then(|| left(DAY, now.since(factor.counted_from)))?
}

fn left(wait: Duration, passed: Duration) -> Option<u64> {
    let left = wait.saturating_sub(passed);
    (!left.is_zero()).then(|| left.as_secs().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_codes_are_free_and_then_each_wait_is_twice_the_last() {
        let after = |failures, secs: i64| {
            let tries = Tries {
                failures,
                tried_at: Time::from_secs(1000),
                proved_at: None,
            };
            of_source(tries, Time::from_secs(1000 + secs))
        };
        assert_eq!(after(4, 0), None);
        assert_eq!(after(5, 0), Some(30));
        assert_eq!(after(5, 29), Some(1));
        assert_eq!(after(5, 30), None);
        assert_eq!(after(6, 0), Some(60));
        assert_eq!(after(9, 0), Some(480));
        assert_eq!(after(10, 0), Some(900));
        assert_eq!(after(99, 0), Some(900));
        assert_eq!(after(100, 0), Some(86_400));
        assert_eq!(after(u64::MAX, 86_400), None);
    }

    #[test]
    fn all_strangers_have_a_hundred_a_day_and_whoever_is_known_there_has_their_own() {
        let factor = |failures| SecondFactor {
            user: UserId::from_bytes([1; 16]),
            sealed: Vec::new(),
            created_at: Time::EPOCH,
            confirmed_at: Some(Time::EPOCH),
            last_step: 0,
            failures,
            counted_from: Time::from_secs(1000),
        };
        let at = |secs: i64| Time::from_secs(1000 + secs);
        assert_eq!(of_strangers(&factor(99), false, at(0)), None);
        assert_eq!(of_strangers(&factor(100), false, at(400)), Some(86_000));
        assert_eq!(of_strangers(&factor(100), true, at(400)), None);
        assert_eq!(of_strangers(&factor(100), false, at(86_400)), None);
    }
}
