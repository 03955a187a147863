//! The lists that are in memory: bounded, and no request waits for another list than its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aeolus_keys::status_list::TTL;
use aeolus_model::{OrganizationId, Time};
use aeolus_store::Feed;
use arc_swap::ArcSwapOption;
use axum::body::Bytes;
use tokio::time::Instant;

/// For so long it is not asked whether anything has changed.
const LOOK: Duration = Duration::from_millis(500);
/// At most so often a list is made of new, however much is changed.
const REST: Duration = Duration::from_millis(200);
/// Most bytes of lists that are kept: some hundred full ones, or tens of thousands with little in them.
const MOST: usize = 64 << 20;

/// An organization's list `number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Which {
    pub(super) organization: OrganizationId,
    pub(super) number: u32,
}

/// A signed list.
pub(super) struct List {
    pub(super) text: Bytes,
    /// The `ETag`.
    pub(super) tag: String,
    pub(super) issued_at: Time,
}

/// What a list says.
pub(super) struct Said {
    /// A digest of its bits.
    pub(super) digest: [u8; 32],
    pub(super) packed: String,
    /// When a grace in it ends.
    pub(super) next_end: Option<Time>,
}

/// A list as it was last made or found unchanged.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) list: Arc<List>,
    pub(super) said: Arc<Said>,
    /// Where the feed stood.
    pub(super) feed: Feed,
    pub(super) looked: Instant,
    pub(super) made: Instant,
}

impl Held {
    /// Whether it can be given without a look at the database. `position`: of the last commit of this
    /// process.
    pub(super) fn is_fresh(&self, now: Time, position: u64) -> bool {
        if !self.holds(now) {
            return false;
        }
        let seen = position <= self.feed.position || self.made.elapsed() < REST;
        seen && self.looked.elapsed() < LOOK
    }

    /// Whether it is young, and nothing in it has ended since: by the clock.
    pub(super) fn holds(&self, now: Time) -> bool {
        let age = now.secs().saturating_sub(self.list.issued_at.secs());
        let young = u64::try_from(age).is_ok_and(|age| age < TTL);
        young && self.says_the_same(now)
    }

    /// Whether nothing in it has ended since.
    pub(super) fn says_the_same(&self, now: Time) -> bool {
        self.said.next_end.is_none_or(|end| now < end)
    }
}

/// A place for a list.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) held: ArcSwapOption<Held>,
    /// One makes it at a time; whoever else asks for the same list waits for that.
    pub(super) turn: tokio::sync::Mutex<()>,
    asked: AtomicU64,
}

impl Slot {
    fn size(&self) -> usize {
        let held = self.held.load();
        let size = |held: &Arc<Held>| held.list.text.len() + held.said.packed.len();
        held.as_ref().map_or(0, size) + size_of::<Self>()
    }
}

/// Somebody who asks for a list. A place in which nothing was made meanwhile is given up: there is no such list,
/// or the database is away, or whoever asked has gone. Strangers could fill the memory with such places.
pub(super) struct Visit<'a> {
    lists: &'a Lists,
    which: Which,
    slot: Arc<Slot>,
}

impl Visit<'_> {
    pub(super) fn slot(&self) -> &Slot {
        &self.slot
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if self.slot.held.load().is_none() {
            self.lists.lock().remove(&self.which);
        }
    }
}

/// The lists that were asked for.
#[derive(Default)]
pub(crate) struct Lists {
    slots: Mutex<HashMap<Which, Arc<Slot>>>,
    clock: AtomicU64,
}

impl Lists {
    /// The place of a list.
    pub(super) fn slot(&self, which: Which) -> Arc<Slot> {
        let slot = Arc::clone(self.lock().entry(which).or_default());
        let asked = self.clock.fetch_add(1, Ordering::Relaxed);
        slot.asked.store(asked, Ordering::Relaxed);
        slot
    }

    /// The place of a list for as long as it is asked for.
    pub(super) fn visit(&self, which: Which) -> Visit<'_> {
        Visit {
            lists: self,
            which,
            slot: self.slot(which),
        }
    }

    /// Forgets what was not asked for the longest, if there is too much.
    pub(super) fn trim(&self) {
        self.trim_to(MOST);
    }

    fn trim_to(&self, most: usize) {
        let mut slots = self.lock();
        let mut size: usize = slots.values().map(|slot| slot.size()).sum();
        if size <= most {
            return;
        }
        let each = slots.iter().map(|(which, slot)| {
            let asked = slot.asked.load(Ordering::Relaxed);
            (asked, *which, slot.size())
        });
        let mut oldest: Vec<_> = each.collect();
        oldest.sort_unstable_by_key(|(asked, ..)| *asked);
        // Room for some more, so that not each new one sorts all of them.
        for (_, which, of_it) in oldest {
            if size <= most / 4 * 3 {
                break;
            }
            slots.remove(&which);
            size = size.saturating_sub(of_it);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Which, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which(number: u32) -> Which {
        Which {
            organization: OrganizationId::from_bytes([1; 16]),
            number,
        }
    }

    fn held(size: usize, issued_at: Time, next_end: Option<Time>) -> Held {
        let (looked, made) = (Instant::now(), Instant::now());
        Held {
            list: Arc::new(List {
                text: vec![0; size].into(),
                tag: String::new(),
                issued_at,
            }),
            said: Arc::new(Said {
                digest: [0; 32],
                packed: String::new(),
                next_end,
            }),
            feed: Feed {
                epoch: 1,
                position: 7,
                content: 7,
                records: 7,
                whole: 7,
            },
            looked,
            made,
        }
    }

    /// Strangers ask for lists that there aren't, and leave before there is an answer.
    #[test]
    fn a_place_in_which_nothing_was_made_is_given_up() {
        let lists = Lists::default();
        drop(lists.visit(which(0)));
        assert!(lists.lock().is_empty());
        let visit = lists.visit(which(1));
        let made = held(1000, Time::EPOCH, None);
        visit.slot().held.store(Some(Arc::new(made)));
        drop(visit);
        assert_eq!(lists.lock().len(), 1);
    }

    #[test]
    fn what_was_not_asked_for_the_longest_goes_first() {
        let lists = Lists::default();
        for number in 0..8 {
            let held = held(1000, Time::EPOCH, None);
            lists.slot(which(number)).held.store(Some(Arc::new(held)));
        }
        lists.slot(which(0));
        lists.trim_to(1 << 20);
        assert_eq!(lists.lock().len(), 8);
        let each = lists.slot(which(0)).size();
        lists.trim_to(each * 4);
        let kept = lists.lock();
        assert_eq!(kept.len(), 3);
        assert!([0, 6, 7].into_iter().all(|n| kept.contains_key(&which(n))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_given_without_a_look_for_a_moment_only() {
        let at = Time::from_secs(1_800_000_000);
        let list = held(1, at, Some(at.plus(Duration::from_secs(5))));
        assert!(list.is_fresh(at, 7));
        assert!(!list.is_fresh(at.plus(Duration::from_secs(5)), 7));
        assert!(!list.is_fresh(at.minus(Duration::from_secs(1)), 7));
        // A commit since then shows after a rest, others' commits after a look.
        assert!(list.is_fresh(at, 8));
        tokio::time::advance(REST).await;
        assert!(!list.is_fresh(at, 8) && list.is_fresh(at, 7));
        tokio::time::advance(LOOK).await;
        assert!(!list.is_fresh(at, 7));
        let old = held(1, at, None);
        assert!(old.holds(at.plus(Duration::from_secs(TTL - 1))));
        assert!(!old.holds(at.plus(Duration::from_secs(TTL))));
    }
}
