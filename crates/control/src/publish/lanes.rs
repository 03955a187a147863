//! When a plane is told what: small ones everything at once, large ones revocations at once and the
//! rest when its turn comes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aeolus_model::PlaneId;
use aeolus_store::{Feed, Told};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::urgent::{Left, Means, Urgent};
use crate::config::Publishing;

/// How often a whole snapshot of a large plane is made, by how long one takes: at most a fifth of the
/// time goes into it.
const SHARE: u32 = 4;

/// A replica that others have overtaken waits so long for them to tell a plane something that revocations
/// can be built on.
const LOST: Duration = Duration::from_secs(1);

/// One who publishes for a plane at a time. What it reads while it has the turn isn't overtaken here.
pub(super) type Turn = Arc<Mutex<()>>;

/// What a plane is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// Everything, which takes no time: it is known to be a small one.
    Whole,
    /// What can't wait (its revocations, and who has changed), and perhaps its turn has come for
    /// everything.
    Lanes {
        news: bool,
        whole: bool,
    },
    /// It must not be told.
    Alarm(String),
}

/// What is remembered of every plane from round to round.
pub(super) struct Lanes {
    settings: Publishing,
    planes: BTreeMap<PlaneId, Lane>,
}

#[derive(Default)]
struct Lane {
    turn: Turn,
    /// What the last two whole snapshots took: one that took long on a busy machine makes no plane a
    /// large one.
    took: (Option<Duration>, Option<Duration>),
    ended: Option<Instant>,
    building: bool,
    /// What it was told can't be built on.
    amiss: bool,
    /// More have changed than should be told one by one.
    many: bool,
    /// What it had been told when records became due that another replica is to publish, and since when
    /// nothing has come of it.
    waits: Option<(Option<(u64, u64)>, Instant)>,
    /// At this epoch and position no revocation was newer than the plane has.
    unchanged: Option<(u64, u64)>,
}

impl Lanes {
    pub(super) const fn new(settings: Publishing) -> Self {
        Self {
            settings,
            planes: BTreeMap::new(),
        }
    }

    /// What a plane is due that was told `told`. `changes`: whether its gates can read who changed.
    pub(super) fn need(
        &mut self,
        plane: PlaneId,
        told: Option<Told>,
        feed: Feed,
        changes: bool,
    ) -> Need {
        let newest = (feed.epoch, feed.content);
        let position = told.map(|told| (told.epoch, told.seq));
        if let Some(told) = told.filter(|told| (told.epoch, told.seq) > newest) {
            return Need::Alarm(format!(
                "published is {}.{}, the feed is at {}.{}: the database was restored in part",
                told.epoch, told.seq, newest.0, newest.1
            ));
        }
        let lane = self.planes.entry(plane).or_default();
        let told = told.filter(|told| told.epoch == feed.epoch && !lane.amiss);
        let records = told.is_none_or(|told| told.records < feed.records);
        let unreadable = |told: Told| !changes && told.base < told.records;
        let unreadable = told.is_some_and(unreadable);
        if position == Some(newest) && !records && !unreadable {
            return Need::Nothing;
        }
        let large = lane.is_large(self.settings.at_once);
        if large == Some(false) && !lane.building {
            return Need::Whole;
        }
        let rested = told.is_none() || lane.has_rested(&self.settings);
        let behind = |told: Told| told.base < feed.whole;
        let whole = unreadable
            || told.is_none_or(behind)
            // Where no news can tell of them, or none is due.
            || (records && (lane.many || !changes || large.is_none() || position == Some(newest)));
        let whole = whole && !lane.building && rested;
        // Where nobody knows how large a plane is, as after a start, it probably has all by the next
        // round: it isn't told in two editions at once.
        let wait = large.is_none() && whole;
        let newer = told.is_some() && position < Some(newest) && lane.unchanged != Some(newest);
        Need::Lanes {
            news: newer && !wait,
            whole,
        }
    }

    /// What a plane is due from a replica that others have overtaken: its revocations alone, whatever its
    /// size, for as long as others publish the rest. `stood_in`: it is known that none does.
    pub(super) fn overtaken(
        &mut self,
        told: Option<Told>,
        (plane, feed): (PlaneId, Feed),
        stood_in: bool,
    ) -> Need {
        let all = self.need(plane, told, feed, false);
        if !matches!(all, Need::Whole | Need::Lanes { .. }) {
            self.planes.entry(plane).or_default().waits = None;
            return all;
        }
        let lane = self.planes.entry(plane).or_default();
        if lane.was_left(told, feed, &self.settings) || stood_in {
            return all;
        }
        let newer = |told: Told| told.epoch == feed.epoch && told.seq < feed.content;
        let unchanged = lane.unchanged == Some((feed.epoch, feed.content));
        Need::Lanes {
            news: told.is_some_and(newer) && !lane.amiss && !unchanged,
            whole: false,
        }
    }

    pub(super) fn turn(&mut self, plane: PlaneId) -> Turn {
        Arc::clone(&self.planes.entry(plane).or_default().turn)
    }

    /// A whole snapshot is being made beside the rounds.
    pub(super) fn begin(&mut self, plane: PlaneId) {
        self.planes.entry(plane).or_default().building = true;
    }

    /// A whole snapshot was made, or was tried.
    pub(super) fn whole(&mut self, plane: PlaneId, took: Duration) {
        let lane = self.planes.entry(plane).or_default();
        lane.took = (Some(took), lane.took.0);
        lane.ended = Some(Instant::now());
        lane.building = false;
        lane.amiss = false;
        lane.many = false;
        lane.unchanged = None;
    }

    /// The making of a whole snapshot was cut off: it is tried again after a rest.
    pub(super) fn cut_off(&mut self, plane: PlaneId) {
        let lane = self.planes.entry(plane).or_default();
        lane.ended = Some(Instant::now());
        lane.building = false;
    }

    /// What can't wait was told, when the feed was there.
    pub(super) fn told(&mut self, plane: PlaneId, feed: Feed, what: Urgent) {
        let lane = self.planes.entry(plane).or_default();
        match what {
            Urgent::Has { by, left } => {
                if by == Means::Earlier {
                    lane.unchanged = Some((feed.epoch, feed.content));
                }
                lane.many |= left == Left::Everything;
            }
            // The next is made whole.
            Urgent::Amiss => lane.amiss = true,
        }
    }

    /// Keeps only planes that there are.
    pub(super) fn keep(&mut self, there: impl Fn(&PlaneId) -> bool) {
        self.planes.retain(|plane, _| there(plane));
    }
}

impl Lane {
    /// Whether it is, if anybody knows.
    fn is_large(&self, at_once: Duration) -> Option<bool> {
        let (last, before) = self.took;
        let slow = |took: Duration| took >= at_once;
        last.map(|last| slow(last) && before.is_none_or(slow))
    }

    /// Whether others have left a plane without its records for longer than the making of them takes. What
    /// holds up its revocations is not waited for so long.
    fn was_left(&mut self, told: Option<Told>, feed: Feed, settings: &Publishing) -> bool {
        let had = told.map(|told| (told.epoch, told.records));
        let lost = self.amiss || told.is_some_and(|told| told.epoch != feed.epoch);
        let due = lost || told.is_none_or(|told| told.records < feed.records);
        if !due {
            self.waits = None;
            return false;
        }
        let since = match self.waits {
            Some((before, since)) if before == had => since,
            before => {
                // Others have told it something that may be built on.
                self.amiss &= before.is_none();
                let now = Instant::now();
                self.waits = Some((had, now));
                now
            }
        };
        let took = self.took.0.unwrap_or_default();
        let patience = if lost {
            settings.silence.min(LOST)
        } else {
            settings.silence + self.rest(settings) + took * 2
        };
        since.elapsed() >= patience
    }

    fn rest(&self, settings: &Publishing) -> Duration {
        let took = self.took.0.unwrap_or_default();
        (took * SHARE).clamp(settings.rest.0, settings.rest.1)
    }

    fn has_rested(&self, settings: &Publishing) -> bool {
        let rest = self.rest(settings);
        self.ended.is_none_or(|ended| ended.elapsed() >= rest)
    }
}

#[cfg(test)]
mod tests;
