//! When a plane is told what: small ones everything at once, large ones revocations at once and the
//! rest when its turn comes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aeolus_model::PlaneId;
use aeolus_store::{Feed, Told};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::Publishing;

/// How often a whole snapshot of a large plane is made, by how long one takes: at most a fifth of the
/// time goes into it.
const SHARE: u32 = 4;

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
            || (records && (lane.many || !changes || large.is_none()));
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

    /// Only the revocations that a plane is due, whatever its size.
    pub(super) fn urgent(&mut self, plane: PlaneId, told: Option<Told>, feed: Feed) -> Need {
        let newest = (feed.epoch, feed.content);
        let lane = self.planes.entry(plane).or_default();
        let newer = |told: Told| told.epoch == feed.epoch && told.seq < feed.content;
        Need::Lanes {
            news: told.is_some_and(newer) && !lane.amiss && lane.unchanged != Some(newest),
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
    }

    /// The making of a whole snapshot was cut off: it is tried again after a rest.
    pub(super) fn cut_off(&mut self, plane: PlaneId) {
        let lane = self.planes.entry(plane).or_default();
        lane.ended = Some(Instant::now());
        lane.building = false;
    }

    /// Nothing of the plane's revocations has changed up to here.
    pub(super) fn unchanged(&mut self, plane: PlaneId, feed: Feed) {
        let lane = self.planes.entry(plane).or_default();
        lane.unchanged = Some((feed.epoch, feed.content));
    }

    /// So many have changed that it is time for everything.
    pub(super) fn many(&mut self, plane: PlaneId) {
        self.planes.entry(plane).or_default().many = true;
    }

    /// What the plane was told can't be built on: the next is made whole.
    pub(super) fn forget(&mut self, plane: PlaneId) {
        self.planes.entry(plane).or_default().amiss = true;
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

    fn has_rested(&self, settings: &Publishing) -> bool {
        let took = self.took.0.unwrap_or_default();
        let rest = (took * SHARE).clamp(settings.rest.0, settings.rest.1);
        self.ended.is_none_or(|ended| ended.elapsed() >= rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANE: PlaneId = PlaneId::from_bytes([1; 16]);

    const fn feed(content: u64, records: u64) -> Feed {
        Feed {
            epoch: 1,
            position: content,
            content,
            records,
            whole: records,
        }
    }

    const fn told(seq: u64, records: u64) -> Told {
        Told {
            plane: PLANE,
            epoch: 1,
            seq,
            records,
            base: records,
        }
    }

    const fn lanes(news: bool, whole: bool) -> Need {
        Need::Lanes { news, whole }
    }

    /// What a plane is due that was told a position and its records, when the feed is at those.
    fn due(all: &mut Lanes, (seq, records): (u64, u64), at: (u64, u64)) -> Need {
        all.need(PLANE, Some(told(seq, records)), feed(at.0, at.1), true)
    }

    fn large() -> Lanes {
        let mut all = Lanes::new(Publishing::default());
        for _ in 0..2 {
            all.whole(PLANE, Duration::from_secs(2));
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_plane_is_told_everything_at_once() {
        let mut all = Lanes::new(Publishing::default());
        assert_eq!(all.need(PLANE, None, feed(5, 5), true), lanes(false, true));
        for took in [20, 900, 30, 40] {
            all.whole(PLANE, Duration::from_millis(took));
            assert_eq!(due(&mut all, (5, 5), (6, 5)), Need::Whole);
            assert_eq!(due(&mut all, (5, 5), (6, 6)), Need::Whole);
            assert_eq!(due(&mut all, (6, 5), (6, 6)), Need::Whole);
            assert_eq!(due(&mut all, (6, 6), (6, 6)), Need::Nothing);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn f18_a_large_plane_is_told_revocations_at_once_and_the_rest_in_its_turn() {
        let mut all = large();
        assert_eq!(due(&mut all, (5, 5), (6, 5)), lanes(true, false));
        assert_eq!(due(&mut all, (5, 5), (6, 6)), lanes(true, false));
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, true));
        all.begin(PLANE);
        assert_eq!(due(&mut all, (6, 5), (7, 7)), lanes(true, false));
        all.unchanged(PLANE, feed(7, 7));
        assert_eq!(due(&mut all, (6, 5), (7, 7)), lanes(false, false));
        assert_eq!(due(&mut all, (6, 5), (8, 7)), lanes(true, false));
        all.whole(PLANE, Duration::from_secs(2));
        assert_eq!(due(&mut all, (8, 8), (8, 7)), Need::Nothing);
        assert_eq!(due(&mut all, (8, 8), (9, 9)), lanes(true, false));
    }

    /// No round waits for a plane of which nobody knows how large it is.
    #[tokio::test(start_paused = true)]
    async fn f18_after_a_start_a_plane_may_be_a_large_one() {
        let mut all = Lanes::new(Publishing::default());
        assert_eq!(due(&mut all, (5, 5), (6, 5)), lanes(true, false));
        assert_eq!(due(&mut all, (5, 5), (6, 6)), lanes(false, true));
        all.begin(PLANE);
        assert_eq!(due(&mut all, (5, 5), (6, 6)), lanes(true, false));
        assert_eq!(due(&mut all, (6, 5), (7, 6)), lanes(true, false));
        all.whole(PLANE, Duration::from_millis(20));
        assert_eq!(due(&mut all, (7, 7), (8, 8)), Need::Whole);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_built_on_is_made_anew_without_a_rest_and_beside() {
        let mut all = large();
        all.forget(PLANE);
        assert_eq!(due(&mut all, (5, 5), (6, 5)), lanes(false, true));
        all.begin(PLANE);
        assert_eq!(due(&mut all, (5, 5), (7, 6)), lanes(false, false));
        all.whole(PLANE, Duration::from_secs(2));
        assert_eq!(due(&mut all, (7, 7), (8, 8)), lanes(true, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_making_that_was_cut_off_is_tried_again_after_a_rest() {
        let mut all = large();
        all.begin(PLANE);
        all.cut_off(PLANE);
        assert_eq!(due(&mut all, (5, 5), (6, 6)), lanes(true, false));
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, true));
    }

    #[tokio::test(start_paused = true)]
    async fn rest_is_bounded_both_ways() {
        let mut all = large();
        for _ in 0..2 {
            all.whole(PLANE, Duration::from_secs(60));
        }
        tokio::time::advance(Duration::from_secs(29)).await;
        assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, false));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, true));
        for _ in 0..2 {
            all.whole(PLANE, Duration::from_millis(101));
        }
        assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, false));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, true));
    }

    /// Nothing told in another epoch can be built on, and its plane waits for no turn.
    #[tokio::test(start_paused = true)]
    async fn f25_after_a_restore_a_large_plane_is_told_everything() {
        let mut all = large();
        let next = Feed {
            epoch: 2,
            ..feed(7, 7)
        };
        assert_eq!(
            all.need(PLANE, Some(told(9, 9)), next, true),
            lanes(false, true)
        );
        let ahead = due(&mut all, (9, 9), (7, 7));
        assert!(matches!(ahead, Need::Alarm(_)), "{ahead:?}");
    }

    /// Single people and programs that changed need no whole snapshot, until there are many.
    #[tokio::test(start_paused = true)]
    async fn f18_a_large_plane_is_told_who_changed_without_reading_everybody() {
        let mut all = large();
        tokio::time::advance(Duration::from_secs(30)).await;
        let at = |content, whole| Feed {
            whole,
            ..feed(content, content)
        };
        let held = |seq, base| Told {
            base,
            ..told(seq, seq)
        };
        let mut due = |told, feed, changes| all.need(PLANE, Some(told), feed, changes);
        assert_eq!(due(held(5, 5), at(6, 4), true), lanes(true, false));
        assert_eq!(due(held(6, 5), at(6, 4), true), Need::Nothing);
        assert_eq!(due(held(6, 5), at(7, 7), true), lanes(true, true));
        // Gates that can't read it are told everything, also in place of what others were told.
        assert_eq!(due(held(5, 5), at(6, 4), false), lanes(true, true));
        assert_eq!(due(held(6, 5), at(6, 4), false), lanes(false, true));
        assert_eq!(due(held(6, 6), at(6, 4), false), Need::Nothing);
        all.many(PLANE);
        let due = all.need(PLANE, Some(held(6, 5)), at(7, 4), true);
        assert_eq!(due, lanes(true, true));
    }
}
