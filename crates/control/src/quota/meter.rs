//! Counting.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::quota::Quota;
use aeolus_model::{Actor, OrganizationId, Time};
use aeolus_store::Organization;

use super::own;
use crate::error::ApiError;

const MINUTE: Duration = Duration::from_secs(60);
/// With so many callers of one organization in mind, those whose minute is over are forgotten.
const MANY: usize = 1_000;

/// What each organization has used in its minute.
pub(crate) struct Meters {
    usual: Quota,
    held: Mutex<HashMap<OrganizationId, Held>>,
}

#[derive(Default)]
struct Held {
    /// The last quota of its own that could be read.
    own: Quota,
    /// Whether the one that is stored now can't.
    unreadable: bool,
    calls: Window,
    sign_ins: Window,
    /// Of each caller, what only ends something.
    endings: HashMap<Actor, Window>,
}

/// A minute and what was used in it.
#[derive(Default)]
struct Window {
    began: Option<Time>,
    used: u32,
}

impl Meters {
    /// With what is usual.
    pub(crate) fn new(usual: Quota) -> Self {
        Self {
            usual,
            held: Mutex::default(),
        }
    }

    /// What counts for an organization. A quota that can't be read, such as one that says 0, is none:
    /// the last good one counts on (F71), or the usual where this process has seen none.
    pub(crate) fn of(&self, organization: &Organization) -> Quota {
        self.with(organization, |_, quota| quota)
    }

    /// Counts a request about an organization. What only ends something is counted with the one who asks.
    pub(crate) fn call(
        &self,
        organization: &Organization,
        ends: Option<&Actor>,
        now: Time,
    ) -> Result<(), ApiError> {
        self.with(organization, |held, quota| {
            let most = quota.api_calls_per_minute;
            let Some(actor) = ends else {
                return held.calls.take(most, now);
            };
            if held.endings.len() >= MANY {
                held.endings
                    .retain(|_, window| window.passed(now).is_some());
            }
            let window = held.endings.entry(actor.clone()).or_default();
            window.take(most, now)
        })
    }

    /// Counts a sign-in to one of its deployments.
    pub(crate) fn sign_in(&self, organization: &Organization, now: Time) -> Result<(), ApiError> {
        self.with(organization, |held, quota| {
            held.sign_ins.take(quota.sign_ins_per_minute, now)
        })
    }

    /// How many organizations have a quota that can't be read.
    pub(crate) fn unreadable(&self) -> usize {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.values().filter(|held| held.unreadable).count()
    }

    fn with<T>(&self, organization: &Organization, count: impl FnOnce(&mut Held, Quota) -> T) -> T {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.entry(organization.id).or_default();
        let own = own(organization);
        if own.is_none() && !held.unreadable {
            let name = &organization.name;
            tracing::error!(organization = %name, "the quota can't be read: the last good one counts on");
        }
        held.unreadable = own.is_none();
        held.own = own.unwrap_or(held.own);
        let quota = held.own.or(self.usual);
        count(held, quota)
    }
}

impl Window {
    /// How much of the minute has passed; none if it is over, or ahead of a clock that was set back.
    fn passed(&self, now: Time) -> Option<Duration> {
        let began = self.began.filter(|began| *began <= now)?;
        Some(now.since(began)).filter(|passed| *passed < MINUTE)
    }

    /// Counts one of at most so many, or says how long to wait.
    fn take(&mut self, most: Option<NonZeroU32>, now: Time) -> Result<(), ApiError> {
        let passed = self.passed(now);
        if passed.is_none() {
            (self.began, self.used) = (Some(now), 0);
        }
        if most.is_some_and(|most| self.used >= most.get()) {
            let left = MINUTE.saturating_sub(passed.unwrap_or_default());
            return Err(ApiError::Quota(left.as_secs().max(1)));
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aeolus_store::ManagedBy;

    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);

    fn organization(n: u8, quota: &str) -> Organization {
        Organization {
            id: OrganizationId::from_bytes([n; 16]),
            name: "acme".parse().unwrap(),
            policy: String::new(),
            quota: quota.to_owned(),
            managed_by: ManagedBy::Api,
            revision: 1,
        }
    }

    fn user(n: u8) -> Actor {
        Actor::User(aeolus_model::UserId::from_bytes([n; 16]))
    }

    fn usual(calls: u32) -> Quota {
        Quota {
            api_calls_per_minute: NonZeroU32::new(calls),
            ..Quota::default()
        }
    }

    #[test]
    fn one_organizations_flood_is_its_own() {
        let meters = Meters::new(usual(2));
        let (one, two) = (organization(1, ""), organization(2, ""));
        let later = |secs| NOW.plus(Duration::from_secs(secs));
        assert!(meters.call(&one, None, NOW).is_ok());
        assert!(meters.call(&one, None, later(59)).is_ok());
        assert!(matches!(
            meters.call(&one, None, later(59)),
            Err(ApiError::Quota(1))
        ));
        assert!(meters.call(&two, None, later(59)).is_ok());
        assert!(meters.sign_in(&one, later(59)).is_ok(), "counted apart");
        // Nobody can use up what somebody else needs to end something.
        let (thief, owner) = (user(1), user(2));
        let ends = |actor| meters.call(&one, Some(actor), later(59)).is_ok();
        assert_eq!(
            [ends(&thief), ends(&thief), ends(&thief)],
            [true, true, false]
        );
        assert!(ends(&owner));
        assert!(meters.call(&one, None, later(60)).is_ok());
        // A clock that was set back begins anew.
        assert!(meters.call(&one, None, NOW).is_ok());
    }

    #[test]
    fn f71_a_quota_that_says_nothing_leaves_the_last_good_one() {
        let meters = Meters::new(usual(10));
        let good = organization(1, r#"{"apiCallsPerMinute": 3}"#);
        assert!(meters.call(&good, None, NOW).is_ok());
        for odd in [
            r#"{"apiCallsPerMinute": 0}"#,
            r#"{"apiCallsPerMinute": -1}"#,
            r#"{"apiCallsPerMinute": null, "signInsPerMinute": 0}"#,
            "{",
        ] {
            let quota = meters.of(&organization(1, odd));
            assert_eq!(quota.api_calls_per_minute, NonZeroU32::new(3), "{odd}");
            let unseen = meters.of(&organization(2, odd));
            assert_eq!(unseen, usual(10), "{odd}");
        }
        assert_eq!(meters.unreadable(), 2);
        assert!(meters.call(&organization(1, "{"), None, NOW).is_ok());
        let again = meters.of(&organization(1, r#"{"apiCallsPerMinute": 7}"#));
        assert_eq!(again.api_calls_per_minute, NonZeroU32::new(7));
        assert_eq!(meters.unreadable(), 1);
    }
}
