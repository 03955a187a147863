//! Requests that wait for somebody else: for an Airflow's answer, or for control's.
//!
//! Each holds memory and two sockets for as long as that takes, so they are bounded. When many wait,
//! whoever can come again loses least: strangers are turned away first, then those who sign in, and
//! people and programs at work last. Health never waits, so it is never turned away.

use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use aeolus_model::Rng;
use siphasher::sip::SipHasher24;

use super::Source;

/// For whom a request would wait, first those that are turned away first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anybody: public paths, tokens that were never seen.
    Stranger,
    /// Somebody who signs in.
    SignIn,
    /// A session, or a token that is known.
    Known,
}

impl Class {
    /// The share of all that may wait before this class is turned away.
    const fn share(self, most: usize) -> usize {
        match self {
            Self::Stranger => most.div_ceil(2),
            Self::SignIn => most - most / 4,
            Self::Known => most,
        }
    }
}

/// How many wait.
pub(crate) struct Waiting {
    now: AtomicUsize,
    by_source: BySource,
    shed: [AtomicU64; 3],
}

/// A request that would wait.
#[derive(Clone, Copy)]
pub(crate) struct Waiter<'a> {
    pub(crate) class: Class,
    /// Where it comes from, if that is known.
    pub(crate) source: Option<Source>,
    /// How many wait for the same deployment, if for one.
    pub(crate) of_deployment: Option<&'a AtomicUsize>,
}

/// How many requests wait, and how many were turned away since the start because too many did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Waiting at this moment.
    pub waiting: usize,
    /// Strangers turned away.
    pub strangers: u64,
    /// Sign-ins turned away.
    pub sign_ins: u64,
    /// Sessions and known tokens turned away.
    pub known: u64,
}

/// One that waits; no longer when dropped.
#[derive(Debug, Default)]
pub(crate) struct Wait<'a>([Option<&'a AtomicUsize>; 3]);

impl Waiting {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        Self {
            now: AtomicUsize::new(0),
            by_source: BySource::new(rng),
            shed: Default::default(),
        }
    }

    /// Whether one of a class could wait, without waiting.
    pub(crate) fn has_room(&self, class: Class, most: usize) -> bool {
        let room = self.now.load(Ordering::Relaxed) < class.share(most);
        if !room {
            self.count(class);
        }
        room
    }

    /// Begins to wait, if its class may, and neither its deployment nor, for strangers, its source has a
    /// quarter of all already: an application that does not answer must not even cost strangers of
    /// the others theirs, nor one who holds requests the strangers elsewhere. Who signs in is not
    /// counted with the strangers of their office.
    pub(crate) fn enter<'a>(&'a self, waiter: Waiter<'a>, most: usize) -> Option<Wait<'a>> {
        let quarter = (most / 4).max(1);
        let class = waiter.class;
        let source = waiter.source.filter(|_| class == Class::Stranger);
        let bounds = [
            (Some(&self.now), class.share(most)),
            (waiter.of_deployment, quarter),
            (source.and_then(|s| self.by_source.count(s)), quarter),
        ];
        // What it has taken so far is given back if it can't have the rest.
        let mut wait = Wait::default();
        for (taken, (count, most)) in wait.0.iter_mut().zip(bounds) {
            if count.is_some_and(|count| !take(count, most)) {
                self.count(class);
                return None;
            }
            *taken = count;
        }
        Some(wait)
    }

    pub(crate) fn load(&self) -> Load {
        let [strangers, sign_ins, known] = &self.shed;
        Load {
            waiting: self.now.load(Ordering::Relaxed),
            strangers: strangers.load(Ordering::Relaxed),
            sign_ins: sign_ins.load(Ordering::Relaxed),
            known: known.load(Ordering::Relaxed),
        }
    }

    fn count(&self, class: Class) {
        if let Some(shed) = self.shed.get(class as usize) {
            shed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn take(count: &AtomicUsize, most: usize) -> bool {
    let one_more = |count: usize| (count < most).then_some(count + 1);
    count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
        .is_ok()
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        for count in self.0.into_iter().flatten() {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// How many wait by where they come from. Sources share counters by a keyed hash, one in thousands
/// with another; few can be at their bound at a time, as together they have no more than all.
struct BySource {
    key: SipHasher24,
    counts: Box<[AtomicUsize]>,
}

impl BySource {
    const COUNTS: u64 = 4_096;

    fn new(rng: &dyn Rng) -> Self {
        let mut key = [0; 16];
        rng.fill(&mut key);
        Self {
            key: SipHasher24::new_with_key(&key),
            counts: (0..Self::COUNTS).map(|_| AtomicUsize::new(0)).collect(),
        }
    }

    /// The counter of a source; of IPv6 that of its whole site.
    fn count(&self, source: Source) -> Option<&AtomicUsize> {
        let mut hasher = self.key;
        match source.site() {
            Some(site) => site.hash(&mut hasher),
            None => source.hash(&mut hasher),
        }
        let place = hasher.finish() % Self::COUNTS;
        self.counts.get(usize::try_from(place).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use aeolus_testkit::SeededRng;

    use super::*;

    fn waiting() -> Waiting {
        Waiting::new(&SeededRng::new("waiting"))
    }

    fn of(class: Class) -> Waiter<'static> {
        Waiter {
            class,
            source: None,
            of_deployment: None,
        }
    }

    #[test]
    fn strangers_are_turned_away_first_and_those_at_work_last() {
        let (waiting, most) = (waiting(), 8);
        let enter = |class| waiting.enter(of(class), most);
        let strangers: Vec<_> = (0..9).filter_map(|_| enter(Class::Stranger)).collect();
        assert_eq!(strangers.len(), 4);
        let sign_ins: Vec<_> = (0..9).filter_map(|_| enter(Class::SignIn)).collect();
        assert_eq!(sign_ins.len(), 2);
        let known: Vec<_> = (0..9).filter_map(|_| enter(Class::Known)).collect();
        assert_eq!(known.len(), 2);
        assert!(!waiting.has_room(Class::Stranger, most));
        let load = waiting.load();
        assert_eq!((load.waiting, load.strangers), (8, 6));
        assert_eq!((load.sign_ins, load.known), (7, 7));
        drop((strangers, sign_ins, known));
        assert_eq!(waiting.load().waiting, 0);
        assert!(enter(Class::Stranger).is_some());
    }

    #[test]
    fn f57_an_application_that_does_not_answer_leaves_the_others_theirs() {
        let (waiting, most) = (waiting(), 8);
        let (hangs, works) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let enter = |class, count| {
            let of_deployment = Some(count);
            let waiter = Waiter {
                of_deployment,
                ..of(class)
            };
            waiting.enter(waiter, most)
        };
        let stuck: Vec<_> = (0..100)
            .filter_map(|_| enter(Class::Known, &hangs))
            .collect();
        assert_eq!(stuck.len(), 2);
        // Who is turned away does not wait.
        assert_eq!(waiting.load().waiting, 2);
        assert!(enter(Class::Known, &works).is_some());
        let stranger = enter(Class::Stranger, &works);
        assert!(stranger.is_some(), "it costs nobody else anything");
        drop(stranger);
        drop(stuck);
        assert_eq!(hangs.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_who_holds_requests_leaves_strangers_elsewhere_theirs() {
        let (waiting, most) = (waiting(), 8);
        let enter = |class, source: &str| {
            let source = Some(Source::of(source.parse().unwrap()));
            let waiter = Waiter {
                source,
                ..of(class)
            };
            waiting.enter(waiter, most)
        };
        let many =
            |class, source| -> Vec<_> { (0..100).filter_map(|_| enter(class, source)).collect() };
        let held = many(Class::Stranger, "192.0.2.1");
        assert_eq!(held.len(), 2);
        assert_eq!(waiting.load().waiting, 2, "the others don't wait");
        assert!(enter(Class::SignIn, "192.0.2.1").is_some());
        let elsewhere = enter(Class::Stranger, "192.0.2.2");
        assert!(elsewhere.is_some());
        drop((held, elsewhere));
        // A site of IPv6 is one source, and who is known is not counted by where they are.
        let held = many(Class::Stranger, "2001:db8:1:2::1");
        assert!(enter(Class::Stranger, "2001:db8:1:3::1").is_none());
        assert!(enter(Class::Stranger, "2001:db8:2:3::1").is_some());
        assert_eq!(many(Class::Known, "2001:db8:1:2::1").len(), 6);
        drop(held);
        assert!(enter(Class::Stranger, "2001:db8:1:3::1").is_some());
    }
}
