//! When control was last used with a session. Kept in memory and written in rounds, so that no
//! request writes; a process that is killed loses what is newer than its last round.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aeolus_model::{SessionId, Time};

/// More sessions than these aren't noted between two rounds.
const MAX: usize = 100_000;

/// What was used since the last round.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<SessionId, Time>>);

impl Seen {
    /// Notes a use.
    pub(crate) fn note(&self, session: SessionId, at: Time) {
        let mut held = self.held();
        if held.len() < MAX || held.contains_key(&session) {
            held.insert(session, at);
        }
    }

    /// The last use that isn't written yet.
    pub(crate) fn of(&self, session: SessionId) -> Option<Time> {
        self.held().get(&session).copied()
    }

    /// Everything that isn't written yet.
    pub(crate) fn all(&self) -> Vec<(SessionId, Time)> {
        self.held().iter().map(|(id, at)| (*id, *at)).collect()
    }

    /// Forgets what has been written, but for what was used again meanwhile.
    pub(crate) fn forget(&self, written: &[(SessionId, Time)]) {
        let mut held = self.held();
        for (session, at) in written {
            if held.get(session) == Some(at) {
                held.remove(session);
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<SessionId, Time>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_while_others_are_written_is_kept() {
        let (seen, id) = (Seen::default(), SessionId::from_bytes([1; 16]));
        let other = SessionId::from_bytes([2; 16]);
        seen.note(id, Time::from_secs(1));
        seen.note(other, Time::from_secs(1));
        let written = seen.all();
        seen.note(id, Time::from_secs(2));
        seen.forget(&written);
        assert_eq!(seen.all(), [(id, Time::from_secs(2))]);
        assert_eq!(seen.of(other), None);
    }
}
