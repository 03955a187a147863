//! Which values of API tokens are in use: control shows when each was last used, and a rotation's grace
//! is over safely once nobody uses the old value.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::plane::TokenUse;
use aeolus_decide::{Access, Allowed, Credential};
use aeolus_model::{Subject, Time};

/// A value in use is told this often.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// What waits to be told. Beyond it a use is left out, and told at a later one.
const MOST: usize = 10_000;
/// Told at a time.
const TOLD: usize = 500;

/// Uses that wait to be told. A request touches this once in a quarter of an hour per value.
#[derive(Default)]
pub(crate) struct Uses(Mutex<Vec<TokenUse>>);

impl Uses {
    /// Notes what an allowance was given for.
    pub(crate) fn note(&self, allowed: &Allowed, now: Time) {
        let Access::As(identity) = allowed.access() else {
            return;
        };
        if let Credential::Token(value) = &identity.credential
            && let (Subject::Token(token), Some(index)) = (value.subject, value.index)
            && value.told.is_due(now, EVERY)
        {
            let at = now.secs();
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() < MOST {
                waiting.push(TokenUse { token, index, at });
            }
        }
    }

    /// The next to be told.
    pub(crate) fn take(&self) -> Vec<TokenUse> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = waiting.len().saturating_sub(TOLD);
        waiting.split_off(rest)
    }
}
