//! Requests that wait for somebody else: for an Airflow's answer, or for control's.
//!
//! Each holds memory and two sockets for as long as that takes, so they are bounded. When many wait,
//! whoever can come again loses least: strangers are turned away first, then those who sign in, and
//! people and programs at work last. Health never waits, so it is never turned away.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

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
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    now: AtomicUsize,
    shed: [AtomicU64; 3],
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
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    now: &'a AtomicUsize,
    of_deployment: Option<&'a AtomicUsize>,
}

impl Waiting {
    /// Whether one of a class could wait, without waiting.
    pub(crate) fn has_room(&self, class: Class, most: usize) -> bool {
        let room = self.now.load(Ordering::Relaxed) < class.share(most);
        if !room {
            self.count(class);
        }
        room
    }

    /// Begins to wait, if its class may and `of_deployment` is not a quarter of all already: an
    /// application that does not answer must not even cost strangers of the others theirs.
    pub(crate) fn enter<'a>(
        &'a self,
        class: Class,
        most: usize,
        of_deployment: Option<&'a AtomicUsize>,
    ) -> Option<Wait<'a>> {
        let mut entered = take(&self.now, class.share(most)).then(|| Wait {
            now: &self.now,
            of_deployment: None,
        });
        if let (Some(wait), Some(count)) = (&mut entered, of_deployment) {
            if take(count, (most / 4).max(1)) {
                wait.of_deployment = Some(count);
            } else {
                entered = None;
            }
        }
        if entered.is_none() {
            self.count(class);
        }
        entered
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
        self.now.fetch_sub(1, Ordering::Relaxed);
        if let Some(count) = self.of_deployment {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_turned_away_first_and_those_at_work_last() {
        let (waiting, most) = (Waiting::default(), 8);
        let enter = |class| waiting.enter(class, most, None);
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
        let (waiting, most) = (Waiting::default(), 8);
        let (hangs, works) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let enter = |count| waiting.enter(Class::Known, most, Some(count));
        let stuck: Vec<_> = (0..100).filter_map(|_| enter(&hangs)).collect();
        assert_eq!(stuck.len(), 2);
        // Who is turned away does not wait.
        assert_eq!(waiting.load().waiting, 2);
        assert!(enter(&works).is_some());
        let stranger = waiting.enter(Class::Stranger, most, Some(&works));
        assert!(stranger.is_some(), "it costs nobody else anything");
        drop(stranger);
        drop(stuck);
        assert_eq!(hangs.load(Ordering::Relaxed), 0);
    }
}
