//! What one client may cost the others.
//!
//! A source whose credentials fail too often has no further unknown one looked at: it gets 429
//! instead, before a signature is verified, whatever the credential is. What is known already goes
//! on from there as ever, a token in memory as well as a session's cookie, so nobody can be locked
//! out by somebody else's failures at the same address. See `docs/design/009-limits.md`.

mod buckets;
mod connections;
mod waiting;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aeolus_decide::Reason;
use aeolus_model::{Rng, Subject};

use buckets::{Buckets, Rate};

pub(crate) use aeolus_model::Source;
pub(crate) use buckets::Budget;
pub use connections::Caps;
pub(crate) use connections::Connections;
pub use waiting::Load;
pub(crate) use waiting::{Class, Waiter, Waiting};

/// How many times the rate of one source all sources of an IPv6 site have together: who has a /48
/// could else try 65,536 times as much, and fill everybody's buckets.
const SITE: NonZeroU32 = NonZeroU32::new(16).unwrap();

/// How often what may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Credentials of one source that nobody issued, per minute.
    pub failed: Option<NonZeroU32>,
    /// Allowed requests of one subject per minute.
    pub requests_per_subject: Option<NonZeroU32>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            failed: NonZeroU32::new(600),
            requests_per_subject: None,
        }
    }
}

/// What has been used up of the rates. All times are since the gate's start.
pub(crate) struct Limits {
    failed: Buckets,
    requests: Buckets,
    sources: AtomicU64,
    subjects: AtomicU64,
    nameless: AtomicU64,
}

/// How often a rate was exceeded since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limited {
    /// Unknown credentials that were not looked at because of where they came from.
    pub sources: u64,
    /// Requests that would have been allowed but for their subject's rate.
    pub subjects: u64,
    /// Requests whose source is not known, so that nothing could be counted against it.
    pub nameless: u64,
}

impl Limits {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        Self {
            failed: Buckets::new(rng),
            requests: Buckets::new(rng),
            sources: AtomicU64::new(0),
            subjects: AtomicU64::new(0),
            nameless: AtomicU64::new(0),
        }
    }

    /// Whether an unknown credential from here may be looked at. An address that isn't known stands
    /// for everybody behind a proxy that doesn't say it, so it is counted and never limited: one
    /// who guesses would else keep everybody from using a new token.
    pub(crate) fn may_try(&self, source: Option<Source>, rates: Rates, now: Duration) -> bool {
        let (Some(source), Some(rate)) = (source, rates.failed) else {
            return true;
        };
        let (own, shared) = (Rate::per_minute(rate), of_site(rate));
        let site_is_empty = |site| self.failed.is_empty(&site, shared, now);
        let spent =
            self.failed.is_empty(&source, own, now) || source.site().is_some_and(site_is_empty);
        if spent {
            self.sources.fetch_add(1, Ordering::Relaxed);
        }
        !spent
    }

    /// Counts a request whose source is not known.
    pub(crate) fn nameless(&self) {
        self.nameless.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a refusal if its cause is a credential that nobody issued.
    pub(crate) fn refused(
        &self,
        reason: Reason,
        source: Option<Source>,
        rates: Rates,
        now: Duration,
    ) {
        let (Some(source), Some(rate)) = (source, rates.failed) else {
            return;
        };
        if is_made_up(reason) {
            self.failed.take(&source, Rate::per_minute(rate), now);
            if let Some(site) = source.site() {
                self.failed.take(&site, of_site(rate), now);
            }
        }
    }

    /// Whether another request of a subject may be allowed.
    pub(crate) fn may_go_on(&self, subject: Subject, rates: Rates, now: Duration) -> bool {
        let Some(rate) = rates.requests_per_subject else {
            return true;
        };
        let rate = Rate::per_minute(rate);
        let goes = self.requests.try_take(&subject, rate, now);
        if !goes {
            self.subjects.fetch_add(1, Ordering::Relaxed);
        }
        goes
    }

    pub(crate) fn usage(&self) -> Limited {
        Limited {
            sources: self.sources.load(Ordering::Relaxed),
            subjects: self.subjects.load(Ordering::Relaxed),
            nameless: self.nameless.load(Ordering::Relaxed),
        }
    }
}

/// What all sources of a site have together, where one has `rate`.
const fn of_site(rate: NonZeroU32) -> Rate {
    Rate::per_minute(rate.saturating_mul(SITE))
}

/// Whether a cause says that nobody ever issued this credential to anybody. One that was good once
/// (expired, revoked, signed out) is no guess: a program that goes on using it must not keep its
/// successor, on the same machine, from being tried. Nor is a cookie that doesn't open: that is what
/// every tab has after a plane secret was given up, and opening it costs next to nothing. Nor is what
/// can't be read to its end before a signature is looked at, a token with 200 groups say: providers
/// do issue them.
const fn is_made_up(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::SchemeUnknown
            | Reason::TokenMalformed
            | Reason::TokenKeyUnknown
            | Reason::TokenSignature
            | Reason::TokenIssuer
            | Reason::TokenClaims
            | Reason::TokenIndexUnknown
            | Reason::IdpIssuerUnknown
            | Reason::IdpAlgorithm
            | Reason::IdpSignature
    )
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use aeolus_testkit::SeededRng;

    use super::*;

    /// The first address of a /64 of one /48.
    fn of_network(site: u16, network: u16) -> Source {
        let address = Ipv6Addr::new(0x2001, 0xdb8, site, network, 0, 0, 0, 1);
        Source::of(IpAddr::V6(address))
    }

    #[test]
    fn who_has_a_whole_site_of_addresses_has_sixteen_times_the_rate_and_fills_nobody_elses() {
        let limits = Limits::new(&SeededRng::new("site"));
        let (rates, now) = (
            Rates {
                failed: NonZeroU32::new(3),
                ..Rates::default()
            },
            Duration::from_secs(1_000),
        );
        let fail = |source| {
            let source = Some(source);
            let may = limits.may_try(source, rates, now);
            if may {
                limits.refused(Reason::TokenSignature, source, rates, now);
            }
            may
        };
        let one: Vec<_> = (0..9).filter(|_| fail(of_network(1, 1))).collect();
        assert_eq!(one.len(), 3);
        let tried = (0..=u16::MAX).filter(|network| fail(of_network(2, *network)));
        assert_eq!(tried.count(), 48);
        // IPv4 has no sites, and who is elsewhere has their own.
        let elsewhere = (0..1_000_u16).filter(|site| fail(of_network(*site + 3, 1)));
        assert_eq!(elsewhere.count(), 1_000);
        let v4 = (0..100_u8).map(|last| Source::of(IpAddr::from([192, 0, 2, last])));
        assert_eq!(v4.filter(|source| fail(*source)).count(), 100);
    }

    #[test]
    fn only_what_was_never_issued_counts_whoever_is_said_to_have_issued_it() {
        for forged in [Reason::TokenSignature, Reason::IdpSignature] {
            assert!(is_made_up(forged), "{forged:?}");
        }
        for once_good in [
            Reason::TokenExpired,
            Reason::TokenRevoked,
            Reason::SessionEnded,
            Reason::SessionMalformed,
            Reason::IdpKeyUnknown,
            Reason::IdpClaims,
            Reason::TokenTooLong,
        ] {
            assert!(!is_made_up(once_good), "{once_good:?}");
        }
    }
}
