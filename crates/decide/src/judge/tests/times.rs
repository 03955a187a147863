//! Ends, and how exactly they are kept.

use std::time::Duration;

use aeolus_keys::Kind;
use aeolus_model::Time;
use aeolus_snapshot::section;

use super::{HOUR, allowed, denied, get};
use crate::Reason;
use crate::fixture::*;

#[test]
fn f33_f35_leeway_is_sixty_seconds_exactly() {
    let fleet = Fleet::new();
    let mut claims = fleet.access_claims();
    claims.exp = NOW.secs() - 59;
    assert!(allowed(&get(&fleet, &fleet.bearer(Kind::Access, &claims))));
    claims.exp = NOW.secs() - 60;
    let over = get(&fleet, &fleet.bearer(Kind::Access, &claims));
    assert_eq!(denied(over), Reason::TokenExpired);
    // A control whose clock is ahead issues from the future.
    claims.exp = NOW.secs() + 600;
    for (ahead, passes) in [(0, true), (59, true), (60, true), (61, false), (90, false)] {
        claims.iat = NOW.secs() + ahead;
        let answer = get(&fleet, &fleet.bearer(Kind::Access, &claims));
        if passes {
            assert!(allowed(&answer), "{ahead}");
        } else {
            assert_eq!(denied(answer), Reason::TokenNotYetValid, "{ahead}");
        }
    }
}

#[test]
fn f36_leap_days_2038_and_9999_are_days_like_others() {
    const YEAR: i64 = 365 * 86_400;
    // 2028-02-29, the last second of 31 bits, the last year that a date shows with four digits.
    for now in [1_835_438_400, 2_147_483_647, 253_402_300_799 - YEAR] {
        let mut fleet = Fleet::new();
        fleet.now = Time::from_secs(now);
        let mut claims = fleet.access_claims();
        (claims.iat, claims.auth_time, claims.exp) = (now, now, now + YEAR);
        let bearer = fleet.bearer(Kind::Access, &claims);
        for (later, passes) in [(0, true), (1, true), (YEAR + 59, true), (YEAR + 60, false)] {
            fleet.now = Time::from_secs(now + later);
            let answer = get(&fleet, &bearer);
            if passes {
                assert!(allowed(&answer), "{now} + {later}");
            } else {
                assert_eq!(denied(answer), Reason::TokenExpired, "{now} + {later}");
            }
        }
    }
}

/// The end that control publishes is in the
/// snapshot, so a gate that is cut off keeps to it by its own clock.
#[test]
fn f49_both_values_of_a_rotated_token_pass_to_the_end_of_grace_on_a_cut_off_gate_too() {
    let mut fleet = Fleet::new();
    let mut old = fleet.api_claims();
    old.exp = NOW.plus(24 * HOUR).secs();
    let mut new = old.clone();
    new.idx = 6;
    let [old, new] = [old, new].map(|claims| fleet.bearer(Kind::Api, &claims));
    fleet.revocations().ends = vec![section::End {
        index: 5,
        not_after: NOW.plus(HOUR).secs(),
    }];
    for cut_off in [false, true] {
        // Control's end of grace is exact: it is no token's `exp`, so no leeway is added to it.
        for (since, passes) in [(0, true), (3_599, true), (3_600, false), (7_200, false)] {
            let since = Duration::from_secs(since);
            fleet.now = NOW.plus(since);
            fleet.age = Some(if cut_off { since } else { Duration::ZERO });
            assert!(allowed(&get(&fleet, &new)), "{since:?}");
            let answer = get(&fleet, &old);
            if passes {
                assert!(allowed(&answer), "{since:?}");
            } else {
                assert_eq!(denied(answer), Reason::TokenEnded, "{since:?}");
            }
        }
    }
}

#[test]
fn f14_past_the_bound_good_tokens_pass_until_their_own_end() {
    let mut fleet = Fleet::new();
    fleet.sections.deployments.deployments[0].stale_then =
        section::StalePolicy::ServeUntilExp as i32;
    let mut claims = fleet.access_claims();
    claims.exp = NOW.plus(48 * HOUR).secs();
    let bearer = fleet.bearer(Kind::Access, &claims);
    for (left, passes) in [
        (3_600, true),
        (0, true),
        (-59, true),
        (-60, false),
        (-61, false),
    ] {
        fleet.now = Time::from_secs(claims.exp - left);
        fleet.age = Some(fleet.now.since(NOW));
        let answer = get(&fleet, &bearer);
        if passes {
            assert!(allowed(&answer), "{left}");
        } else {
            assert_eq!(denied(answer), Reason::TokenExpired, "{left}");
        }
    }
}
