//! What was learnt of sessions, kept so that a check reads it without a lock.

use std::collections::HashMap;

use aeolus_model::{SessionId, Time};
use arc_swap::ArcSwap;

use super::renewal::Renewal;

/// A part is copied when something is learnt of one of its sessions, so parts are small.
const PARTS: usize = 1024;
/// Renewals that a part keeps; 200,000 in all. Further ones are asked for again.
const PART: usize = 200;

type Part = HashMap<SessionId, (Renewal, Time)>;

/// What was learnt, by session, until it doesn't matter any more.
#[derive(Debug)]
pub(super) struct Learnt(Box<[ArcSwap<Part>]>);

impl Default for Learnt {
    fn default() -> Self {
        Self((0..PARTS).map(|_| ArcSwap::default()).collect())
    }
}

impl Learnt {
    /// What is known of a session.
    pub(super) fn get(&self, session: SessionId) -> Option<Renewal> {
        let part = self.part(session)?.load();
        part.get(&session).map(|(renewal, _)| *renewal)
    }

    /// Keeps something of a session until a time. An end is never forgotten for a renewal that was under
    /// way, nor for want of room.
    pub(super) fn put(&self, session: SessionId, renewal: Renewal, until: Time, now: Time) {
        let Some(part) = self.part(session) else {
            return;
        };
        part.rcu(|held| {
            let living = held.iter().filter(|(_, (_, until))| *until > now);
            let mut next: Part = living.map(|(id, learnt)| (*id, *learnt)).collect();
            let ended = matches!(next.get(&session), Some((Renewal::Ended, _)));
            let room = next.len() < PART || next.contains_key(&session);
            if renewal == Renewal::Ended || (room && !ended) {
                next.insert(session, (renewal, until));
            }
            next
        });
    }

    /// The last bytes of an id are random, so that sessions spread over the parts.
    fn part(&self, session: SessionId) -> Option<&ArcSwap<Part>> {
        let [.., high, low] = *session.as_bytes();
        self.0
            .get(usize::from(u16::from_be_bytes([high, low])) % PARTS)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Time = Time::from_secs(1_000);
    const LATER: Time = Time::from_secs(2_000);

    /// All in one part.
    fn session(number: u16) -> SessionId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        SessionId::from_bytes(bytes)
    }

    #[test]
    fn an_end_wins_over_what_comes_before_and_after_it() {
        let learnt = Learnt::default();
        let one = session(1);
        assert_eq!(learnt.get(one), None);
        learnt.put(one, Renewal::Renewed(LATER), LATER, NOW);
        assert_eq!(learnt.get(one), Some(Renewal::Renewed(LATER)));
        learnt.put(one, Renewal::Ended, LATER, NOW);
        learnt.put(one, Renewal::Renewed(LATER), LATER, NOW);
        assert_eq!(learnt.get(one), Some(Renewal::Ended));
        assert_eq!(learnt.get(session(2)), None);
    }

    #[test]
    fn a_full_part_takes_ends_and_what_it_knows_and_forgets_what_is_over() {
        let learnt = Learnt::default();
        for number in (0..).take(PART) {
            learnt.put(session(number), Renewal::Renewed(LATER), LATER, NOW);
        }
        let (new, end) = (session(1_000), session(1_001));
        learnt.put(new, Renewal::Renewed(LATER), LATER, NOW);
        assert_eq!(learnt.get(new), None, "no room");
        let longer = LATER.plus(Duration::from_secs(9));
        learnt.put(session(0), Renewal::Renewed(longer), longer, NOW);
        assert_eq!(learnt.get(session(0)), Some(Renewal::Renewed(longer)));
        learnt.put(end, Renewal::Ended, longer, NOW);
        assert_eq!(learnt.get(end), Some(Renewal::Ended));
        learnt.put(new, Renewal::Renewed(longer), longer, LATER);
        assert_eq!(learnt.get(new), Some(Renewal::Renewed(longer)));
        assert_eq!(learnt.get(session(1)), None, "its time was over");
        assert_eq!(learnt.get(end), Some(Renewal::Ended));
    }
}
