//! What was learnt of sessions, kept so that a check reads it without a lock.

use std::collections::HashMap;

use aeolus_model::{OrganizationId, SessionId, Time};
use arc_swap::ArcSwap;

use super::renewal::Renewal;

/// A part is copied when something is learnt of one of its sessions, so parts are small.
const PARTS: usize = 1024;
/// Renewals that a part keeps; 200,000 in all. Further ones are asked for again.
const PART: usize = 200;

type Part = HashMap<SessionId, Known>;

/// What was learnt of one session.
#[derive(Clone, Debug, Default)]
struct Known {
    /// It ended everywhere; not to be forgotten before.
    ended: Option<Time>,
    /// In each organization, and until when it matters. There is hardly ever more than one.
    places: Vec<(OrganizationId, Renewal, Time)>,
}

impl Known {
    fn at(&self, organization: OrganizationId) -> Option<Renewal> {
        if self.ended.is_some() {
            return Some(Renewal::Ended);
        }
        let mut places = self.places.iter();
        let place = places.find(|(at, ..)| *at == organization)?;
        Some(place.1)
    }

    /// Without what doesn't matter any more; nothing if that is all.
    fn living(&self, now: Time) -> Option<Self> {
        let places = self.places.iter().filter(|(.., until)| *until > now);
        let living = Self {
            ended: self.ended.filter(|until| *until > now),
            places: places.copied().collect(),
        };
        (living.ended.is_some() || !living.places.is_empty()).then_some(living)
    }
}

/// What was learnt, by session and organization, until it doesn't matter any more.
#[derive(Debug)]
pub(super) struct Learnt(Box<[ArcSwap<Part>]>);

impl Default for Learnt {
    fn default() -> Self {
        Self((0..PARTS).map(|_| ArcSwap::default()).collect())
    }
}

impl Learnt {
    /// What is known of a session in an organization.
    pub(super) fn get(&self, session: SessionId, organization: OrganizationId) -> Option<Renewal> {
        let part = self.part(session)?.load();
        part.get(&session)?.at(organization)
    }

    /// Keeps something of a session in an organization until a time. An end is never forgotten for a renewal
    /// that was under way, nor for want of room.
    pub(super) fn put(
        &self,
        (session, organization): (SessionId, OrganizationId),
        renewal: Renewal,
        until: Time,
        now: Time,
    ) {
        self.change(session, now, |part| {
            let held: usize = part.values().map(|known| known.places.len()).sum();
            let known = part.get(&session).and_then(|known| known.at(organization));
            let room = held < PART || known.is_some();
            if renewal == Renewal::Ended || (room && known != Some(Renewal::Ended)) {
                let places = &mut part.entry(session).or_default().places;
                places.retain(|(at, ..)| *at != organization);
                places.push((organization, renewal, until));
            }
        });
    }

    /// Keeps until a time that a session has ended everywhere.
    pub(super) fn end(&self, session: SessionId, until: Time, now: Time) {
        self.change(session, now, |part| {
            let known = part.entry(session).or_default();
            known.ended = known.ended.max(Some(until));
        });
    }

    fn change(&self, session: SessionId, now: Time, change: impl Fn(&mut Part)) {
        let Some(part) = self.part(session) else {
            return;
        };
        part.rcu(|held| {
            let living = held.iter();
            let living = living.filter_map(|(id, known)| Some((*id, known.living(now)?)));
            let mut next: Part = living.collect();
            change(&mut next);
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

    const ACME: OrganizationId = OrganizationId::from_bytes([1; 16]);
    const OTHER: OrganizationId = OrganizationId::from_bytes([2; 16]);

    #[test]
    fn an_end_wins_over_what_comes_before_and_after_it() {
        let learnt = Learnt::default();
        let one = session(1);
        assert_eq!(learnt.get(one, ACME), None);
        learnt.put((one, ACME), Renewal::Renewed(LATER), LATER, NOW);
        assert_eq!(learnt.get(one, ACME), Some(Renewal::Renewed(LATER)));
        learnt.end(one, LATER, NOW);
        learnt.put((one, ACME), Renewal::Renewed(LATER), LATER, NOW);
        for place in [ACME, OTHER] {
            assert_eq!(learnt.get(one, place), Some(Renewal::Ended));
        }
        assert_eq!(learnt.get(session(2), ACME), None);
    }

    #[test]
    fn each_organization_has_its_own_renewals_and_ends() {
        let learnt = Learnt::default();
        let one = session(1);
        let longer = LATER.plus(Duration::from_secs(9));
        learnt.put((one, ACME), Renewal::Renewed(LATER), LATER, NOW);
        assert_eq!(learnt.get(one, OTHER), None);
        learnt.put((one, OTHER), Renewal::Renewed(longer), longer, NOW);
        learnt.put((one, ACME), Renewal::Ended, longer, NOW);
        learnt.put((one, ACME), Renewal::Renewed(longer), longer, NOW);
        assert_eq!(learnt.get(one, ACME), Some(Renewal::Ended));
        assert_eq!(learnt.get(one, OTHER), Some(Renewal::Renewed(longer)));
        // What is over in the one is forgotten by itself.
        learnt.put((one, OTHER), Renewal::Renewed(longer), longer, longer);
        assert_eq!(learnt.get(one, ACME), None);
    }

    #[test]
    fn a_full_part_takes_ends_and_what_it_knows_and_forgets_what_is_over() {
        let learnt = Learnt::default();
        for number in (0..).take(PART) {
            learnt.put((session(number), ACME), Renewal::Renewed(LATER), LATER, NOW);
        }
        let (new, end) = (session(1_000), session(1_001));
        for place in [(new, ACME), (session(0), OTHER)] {
            learnt.put(place, Renewal::Renewed(LATER), LATER, NOW);
            assert_eq!(learnt.get(place.0, place.1), None, "no room");
        }
        let longer = LATER.plus(Duration::from_secs(9));
        let known = (session(0), ACME);
        learnt.put(known, Renewal::Renewed(longer), longer, NOW);
        assert_eq!(learnt.get(known.0, ACME), Some(Renewal::Renewed(longer)));
        learnt.end(end, longer, NOW);
        learnt.put((new, OTHER), Renewal::Ended, longer, NOW);
        assert_eq!(learnt.get(end, ACME), Some(Renewal::Ended));
        assert_eq!(learnt.get(new, OTHER), Some(Renewal::Ended));
        learnt.put((new, ACME), Renewal::Renewed(longer), longer, LATER);
        assert_eq!(learnt.get(new, ACME), Some(Renewal::Renewed(longer)));
        assert_eq!(learnt.get(session(1), ACME), None, "its time was over");
        assert_eq!(learnt.get(end, ACME), Some(Renewal::Ended));
    }
}
