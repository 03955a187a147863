//! Counting.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::quota::{Quota, Share};
use aeolus_model::{Actor, OrganizationId, Time};
use aeolus_store::Organization;

use super::minute::{Bounds, MINUTE, Minute};
use super::own;
use crate::error::ApiError;

/// An organization that nobody has asked about for so long is forgotten.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// And so long if its quota can't be read: until then the last good one counts on, and the metric says so.
const KEPT_UNREADABLE: Duration = Duration::from_secs(86_400);

/// What each organization has used in its minute.
pub(crate) struct Meters {
    usual: Quota,
    held: Mutex<Organizations>,
}

#[derive(Default)]
struct Organizations {
    of: HashMap<OrganizationId, Held>,
    /// When those who were not seen were last forgotten.
    swept: Option<Time>,
}

struct Held {
    /// When somebody last asked about it.
    seen: Time,
    /// The last quota of its own that could be read.
    own: Quota,
    /// Whether the one that is stored now can't.
    unreadable: bool,
    calls: Minute,
    sign_ins: Minute,
    /// What only ends something.
    endings: Minute,
}

impl Meters {
    /// With what is usual.
    pub(crate) fn new(usual: Quota) -> Self {
        let half = Quota {
            caller_percent: Some(Share::HALF),
            ..Quota::default()
        };
        Self {
            usual: usual.or(half),
            held: Mutex::default(),
        }
    }

    /// What counts for an organization. A quota that can't be read, such as one that says 0, is none:
    /// the last good one counts on (F71), or the usual where this process has seen none.
    pub(crate) fn of(&self, organization: &Organization, now: Time) -> Quota {
        self.with(organization, now, |_, quota| quota)
    }

    /// Counts a request about an organization. What only ends something is counted of each caller by
    /// themselves.
    pub(crate) fn call(
        &self,
        organization: &Organization,
        (by, ends): (&Actor, bool),
        now: Time,
    ) -> Result<(), ApiError> {
        self.with(organization, now, |held, quota| {
            let all = quota.api_calls_per_minute;
            if ends {
                let bounds = Bounds {
                    all: None,
                    each: all,
                };
                return held.endings.take(by, bounds, now);
            }
            let each = all.zip(quota.caller_percent);
            let each = each.map(|(all, share)| share.of(all));
            held.calls.take(by, Bounds { all, each }, now)
        })
    }

    /// Counts a sign-in of somebody to one of its deployments.
    pub(crate) fn sign_in(
        &self,
        organization: &Organization,
        by: &Actor,
        now: Time,
    ) -> Result<(), ApiError> {
        self.with(organization, now, |held, quota| {
            let all = quota.sign_ins_per_minute;
            let each = all.zip(quota.caller_percent);
            let each = each.map(|(all, share)| share.of(all));
            held.sign_ins.take(by, Bounds { all, each }, now)
        })
    }

    /// How many organizations have a quota that can't be read.
    pub(crate) fn unreadable(&self) -> usize {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.of.values().filter(|held| held.unreadable).count()
    }

    fn with<T>(
        &self,
        organization: &Organization,
        now: Time,
        count: impl FnOnce(&mut Held, Quota) -> T,
    ) -> T {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        all.sweep(now);
        let held = all.of.entry(organization.id);
        let held = held.or_insert_with(|| Held::new(now));
        held.seen = now;
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

impl Organizations {
    /// Once a minute forgets those that nobody asks about any more: so there is never more than was asked
    /// about in a few minutes.
    fn sweep(&mut self, now: Time) {
        let recent = |swept: &Time| *swept <= now && now.since(*swept) < MINUTE;
        if self.swept.as_ref().is_some_and(recent) {
            return;
        }
        self.swept = Some(now);
        self.of.retain(|_, held| now.since(held.seen) < held.kept());
    }
}

impl Held {
    fn new(now: Time) -> Self {
        Self {
            seen: now,
            own: Quota::default(),
            unreadable: false,
            calls: Minute::default(),
            sign_ins: Minute::default(),
            endings: Minute::default(),
        }
    }

    const fn kept(&self) -> Duration {
        if self.unreadable {
            KEPT_UNREADABLE
        } else {
            KEPT
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use aeolus_store::ManagedBy;

    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);

    fn later(secs: u64) -> Time {
        NOW.plus(Duration::from_secs(secs))
    }

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

    /// One caller may use everything, unless another share is given.
    fn usual(calls: u32) -> Quota {
        Quota {
            api_calls_per_minute: NonZeroU32::new(calls),
            caller_percent: Some(Share::WHOLE),
            ..Quota::default()
        }
    }

    #[test]
    fn one_organizations_flood_is_its_own() {
        let meters = Meters::new(usual(2));
        let (one, two) = (organization(1, ""), organization(2, ""));
        let ann = user(1);
        let call = |of, now| meters.call(of, (&ann, false), now);
        assert!(call(&one, NOW).is_ok());
        assert!(call(&one, later(59)).is_ok());
        assert!(matches!(call(&one, later(59)), Err(ApiError::Quota(1))));
        assert!(call(&two, later(59)).is_ok());
        let signed_in = meters.sign_in(&one, &ann, later(59));
        assert!(signed_in.is_ok(), "counted apart");
        // Nobody can use up what somebody else needs to end something.
        let (thief, owner) = (user(2), user(3));
        let ends = |by| meters.call(&one, (by, true), later(59)).is_ok();
        assert_eq!(
            [ends(&thief), ends(&thief), ends(&thief)],
            [true, true, false]
        );
        assert!(ends(&owner));
        assert!(call(&one, later(60)).is_ok());
    }

    #[test]
    fn f73_one_caller_has_a_share_and_the_others_the_rest() {
        let quota = Quota {
            sign_ins_per_minute: NonZeroU32::new(3),
            caller_percent: None,
            ..usual(5)
        };
        let meters = Meters::new(quota);
        let half = organization(1, "");
        let all = organization(2, r#"{"callerPercent": 100}"#);
        let calls = |of, by: u8| {
            let by = user(by);
            (0..9)
                .take_while(|_| meters.call(of, (&by, false), NOW).is_ok())
                .count()
        };
        assert_eq!(
            (calls(&half, 1), calls(&half, 2), calls(&half, 3)),
            (3, 2, 0)
        );
        assert_eq!((calls(&all, 1), calls(&all, 2)), (5, 0));
        let sign_ins = |of, by: u8| {
            let by = user(by);
            (0..9)
                .take_while(|_| meters.sign_in(of, &by, NOW).is_ok())
                .count()
        };
        assert_eq!((sign_ins(&half, 1), sign_ins(&half, 2)), (2, 1));
    }

    #[test]
    fn organizations_that_nobody_asks_about_are_forgotten() {
        let meters = Meters::new(usual(10));
        let held = || {
            let held = meters.held.lock().unwrap();
            let mut held: Vec<u8> = held.of.keys().map(|id| id.as_bytes()[0]).collect();
            held.sort_unstable();
            held
        };
        let (quiet, busy) = (organization(1, ""), organization(2, ""));
        let odd = organization(3, "{");
        meters.of(&odd, NOW);
        meters.of(&quiet, NOW);
        for minute in 0..5 {
            assert_eq!(meters.of(&busy, later(minute * 60)), usual(10));
            assert_eq!(held(), [1, 2, 3], "after {minute} minutes");
        }
        meters.of(&busy, later(5 * 60));
        assert_eq!(held(), [2, 3]);
        // One whose quota can't be read is spoken of for a day.
        assert_eq!(meters.unreadable(), 1);
        meters.of(&busy, later(86_400 - 1));
        assert_eq!(held(), [2, 3]);
        meters.of(&busy, later(86_400 + 60));
        assert_eq!((held(), meters.unreadable()), (vec![2], 0));
        // A clock that was set back forgets nothing that counts.
        meters.of(&quiet, NOW);
        assert_eq!(held(), [1, 2]);
    }

    #[test]
    fn f71_a_quota_that_says_nothing_leaves_the_last_good_one() {
        let meters = Meters::new(usual(10));
        let of = |organization| meters.of(&organization, NOW);
        of(organization(1, r#"{"apiCallsPerMinute": 3}"#));
        for odd in [
            r#"{"apiCallsPerMinute": 0}"#,
            r#"{"apiCallsPerMinute": -1}"#,
            r#"{"apiCallsPerMinute": null, "signInsPerMinute": 0}"#,
            r#"{"callerPercent": 0}"#,
            r#"{"callerPercent": 101}"#,
            "{",
        ] {
            let quota = of(organization(1, odd));
            assert_eq!(quota.api_calls_per_minute, NonZeroU32::new(3), "{odd}");
            assert_eq!(of(organization(2, odd)), usual(10), "{odd}");
        }
        assert_eq!(meters.unreadable(), 2);
        let ann = user(1);
        let call = meters.call(&organization(1, "{"), (&ann, false), NOW);
        assert!(call.is_ok());
        let again = of(organization(1, r#"{"apiCallsPerMinute": 7}"#));
        assert_eq!(again.api_calls_per_minute, NonZeroU32::new(7));
        assert_eq!(meters.unreadable(), 1);
    }
}
