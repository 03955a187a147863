//! What one client may cost the others.
//!
//! A source whose credentials fail too often has no further unknown one looked at: it gets 429
//! instead, before a signature is verified, whatever the credential is. What is known already goes
//! on from there as ever, a token in memory as well as a session's cookie, so nobody can be locked
//! out by somebody else's failures at the same address. See `docs/design/009-limits.md`.

mod buckets;
mod connections;
mod source;
mod waiting;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aeolus_decide::Reason;
use aeolus_model::{Rng, Subject};

use buckets::{Buckets, Rate};

pub(crate) use buckets::Budget;
pub use connections::Caps;
pub(crate) use connections::Connections;
pub(crate) use source::Source;
pub use waiting::Load;
pub(crate) use waiting::{Class, Waiting};

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
}

/// How often a rate was exceeded since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limited {
    /// Unknown credentials that were not looked at because of where they came from.
    pub sources: u64,
    /// Requests that would have been allowed but for their subject's rate.
    pub subjects: u64,
}

impl Limits {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        Self {
            failed: Buckets::new(rng),
            requests: Buckets::new(rng),
            sources: AtomicU64::new(0),
            subjects: AtomicU64::new(0),
        }
    }

    /// Whether an unknown credential from here may be looked at. An address that isn't known stands
    /// for everybody and is never limited.
    pub(crate) fn may_try(&self, source: Option<Source>, rates: Rates, now: Duration) -> bool {
        let (Some(source), Some(rate)) = (source, rates.failed) else {
            return true;
        };
        let rate = Rate::per_minute(rate);
        let spent = self.failed.is_empty(&source, rate, now);
        if spent {
            self.sources.fetch_add(1, Ordering::Relaxed);
        }
        !spent
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
            let rate = Rate::per_minute(rate);
            self.failed.take(&source, rate, now);
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
        }
    }
}

/// Whether a cause says that nobody ever issued this credential to anybody. One that was good once
/// (expired, revoked, signed out) is no guess: a program that goes on using it must not keep its
/// successor, on the same machine, from being tried. Nor is a cookie that doesn't open: that is what
/// every tab has after a plane secret was given up, and opening it costs next to nothing.
const fn is_made_up(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::SchemeUnknown
            | Reason::TokenMalformed
            | Reason::TokenTooLong
            | Reason::TokenKeyUnknown
            | Reason::TokenSignature
            | Reason::TokenIssuer
            | Reason::TokenClaims
            | Reason::TokenIndexUnknown
            | Reason::IdpIssuerUnknown
            | Reason::IdpAlgorithm
            | Reason::IdpSignature
            | Reason::IdpClaims
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert!(!is_made_up(once_good), "{once_good:?}");
        }
    }
}
