//! Sign-ins that were finished: none is finished twice, also with a cookie that was kept.

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;

use aeolus_keys::digest::sha256;
use aeolus_model::Time;

use crate::replica::lock;
use crate::session::state::LIFE;

/// Sign-ins within ten minutes that are remembered. Beyond it none can be finished: forgetting one would
/// let it be finished again.
const MOST: usize = 65_536;

/// The states of finished sign-ins, for as long as their cookie could come back.
#[derive(Debug, Default)]
pub(crate) struct Spent(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    order: VecDeque<(Time, [u8; 32])>,
    members: HashSet<[u8; 32]>,
}

impl Spent {
    /// Spends a state; false if it was spent before.
    pub(super) fn spend(&self, state: &str, now: Time) -> bool {
        let state = sha256(state.as_bytes());
        let mut spent = lock(&self.0);
        while let Some((at, oldest)) = spent.order.front().copied()
            && now > at.plus(LIFE)
        {
            spent.order.pop_front();
            spent.members.remove(&oldest);
        }
        if spent.order.len() >= MOST || !spent.members.insert(state) {
            return false;
        }
        spent.order.push_back((now, state));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_state_is_spent_once_and_the_memory_is_bounded() {
        let spent = Spent::default();
        let now = Time::from_secs(1_000);
        assert!(spent.spend("a", now));
        assert!(!spent.spend("a", now));
        assert!(spent.spend("b", now));
        for n in 0..MOST {
            spent.spend(&n.to_string(), now);
        }
        assert!(!spent.spend("new", now), "full");
        let later = now.plus(LIFE).plus(Duration::from_secs(1));
        assert!(spent.spend("new", later));
        assert!(!spent.spend("new", later));
    }
}
