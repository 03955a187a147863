//! Which deployments are off their path, for how long, and how many may move at once.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use aeolus_model::DeploymentId;

use crate::replica::lock;

const MINUTE: Duration = Duration::from_secs(60);
/// The share of the plane's deployments that moves in a minute, in percent.
const SHARE: usize = 5;
/// The hold doubles so many times.
const DOUBLINGS: u32 = 3;

/// Those that are off their path. Asked when something moves, never by a request that doesn't.
#[derive(Debug, Default)]
pub(super) struct FallBacks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Moves of the last minute.
    moves: VecDeque<Duration>,
    fallen: HashMap<DeploymentId, Fall>,
    /// Those that are back, for as long as another fall would be a further one.
    back: HashMap<DeploymentId, Fall>,
}

#[derive(Clone, Copy, Debug)]
struct Fall {
    /// How many before it.
    before: u32,
    until: Duration,
    hold: Duration,
}

impl FallBacks {
    /// Takes a deployment off its path, if one more of so many may move now.
    pub(super) fn fall(
        &self,
        id: DeploymentId,
        hold: Duration,
        (deployments, at): (usize, Duration),
    ) -> bool {
        let mut state = lock(&self.0);
        if state.fallen.contains_key(&id) || !state.may_move(deployments, at) {
            return false;
        }
        let last = state.back.remove(&id);
        let before = last.map_or(0, |last| last.before + 1);
        let hold_now = hold * 2_u32.pow(before.min(DOUBLINGS));
        let fall = Fall {
            before,
            until: at + hold_now,
            hold: hold_now,
        };
        state.fallen.insert(id, fall);
        true
    }

    /// Those whose time is over.
    pub(super) fn due(&self, at: Duration) -> Vec<DeploymentId> {
        let state = lock(&self.0);
        let over = state.fallen.iter().filter(|(_, fall)| fall.until <= at);
        over.map(|(id, _)| *id).collect()
    }

    /// Puts a deployment back on its path, if one more of so many may move now.
    pub(super) fn put_back(&self, id: DeploymentId, (deployments, at): (usize, Duration)) -> bool {
        let mut state = lock(&self.0);
        if !state.fallen.contains_key(&id) || !state.may_move(deployments, at) {
            return false;
        }
        if let Some(fall) = state.fallen.remove(&id) {
            state.back.insert(id, fall);
        }
        true
    }

    /// Forgets a deployment whose flag no longer has a path to be off.
    pub(super) fn forget(&self, id: DeploymentId) {
        lock(&self.0).fallen.remove(&id);
    }

    /// Forgets falls that lie so long back that another would be a first.
    pub(super) fn tidy(&self, at: Duration) {
        let long = 2_u32.pow(DOUBLINGS);
        let recent = |fall: &Fall| fall.until + fall.hold * long > at;
        lock(&self.0).back.retain(|_, fall| recent(fall));
    }

    /// All that are off their path.
    pub(super) fn all(&self) -> Vec<DeploymentId> {
        let mut all: Vec<_> = lock(&self.0).fallen.keys().copied().collect();
        all.sort_unstable();
        all
    }
}

impl State {
    fn may_move(&mut self, deployments: usize, at: Duration) -> bool {
        while self.moves.front().is_some_and(|then| *then + MINUTE <= at) {
            self.moves.pop_front();
        }
        let most = (deployments * SHARE / 100).max(1);
        let may = self.moves.len() < most;
        if may {
            self.moves.push_back(at);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_secs(600);

    fn id(number: u8) -> DeploymentId {
        DeploymentId::from_bytes([number; 16])
    }

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn o4_five_of_a_hundred_move_in_a_minute() {
        let falls = FallBacks::default();
        let fall = |n, secs| falls.fall(id(n), HOLD, (100, at(secs)));
        assert_eq!((0..20).filter(|n| fall(*n, 10)).count(), 5);
        assert!(!fall(30, 69));
        assert_eq!((40..60).filter(|n| fall(*n, 70)).count(), 5);
        // The only one of a small plane moves, too.
        let one = FallBacks::default();
        assert!(one.fall(id(1), HOLD, (1, at(0))));
        assert!(!one.fall(id(2), HOLD, (1, at(1))));
    }

    #[test]
    fn o4_each_further_fall_holds_twice_as_long() {
        let falls = FallBacks::default();
        let mut now = 0;
        for hold in [600, 1_200, 2_400, 4_800, 4_800] {
            assert!(falls.fall(id(1), HOLD, (1, at(now))));
            assert!(!falls.fall(id(1), HOLD, (1, at(now + 60))), "it has fallen");
            assert_eq!(falls.due(at(now + hold - 1)), []);
            assert_eq!(falls.due(at(now + hold)), [id(1)]);
            assert!(falls.put_back(id(1), (1, at(now + hold))));
            assert_eq!(falls.all(), []);
            falls.tidy(at(now + hold));
            now += hold + 60;
        }
        falls.tidy(at(now + 8 * 4_800));
        assert!(falls.fall(id(1), HOLD, (1, at(now + 100_000))));
        assert_eq!(falls.due(at(now + 100_600)), [id(1)]);
    }
}
