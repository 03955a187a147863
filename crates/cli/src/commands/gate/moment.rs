//! By what time the generations of a gate's secret are reckoned.
//!
//! A gate goes by control's signed time, a shell by the machine's clock. When a generation takes over
//! is written down as a moment, so it must be one of the gate's: a clock that is hours behind would
//! activate it at once, one that is weeks ahead would drop generations that still open cookies.

use std::time::Duration;

use aeolus_model::Time;

use crate::moments::spoken;

/// Above what a running gate may be off, which writes its time down every minute.
const TOLERANCE: Duration = Duration::from_secs(300);

/// A moment, and how far the machine's clock is from the time that the gate last knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Never before the time that the gate last knew: that has passed, whatever the clock says.
    pub(super) now: Time,
    /// None if they agree, or if the gate has never known a time.
    pub(super) drift: Option<Drift>,
}

/// How far off a clock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drift {
    /// It is wrong.
    Behind(Duration),
    /// It is wrong, or the gate has not run since.
    Ahead(Duration),
}

impl Moment {
    /// From the machine's clock and the time that the gate last knew.
    pub(super) fn of(wall: Time, gate: Option<Time>) -> Self {
        let drift = gate.and_then(|gate| match (gate.since(wall), wall.since(gate)) {
            (behind, _) if behind > TOLERANCE => Some(Drift::Behind(behind)),
            (_, ahead) if ahead > TOLERANCE => Some(Drift::Ahead(ahead)),
            _ => None,
        });
        Self {
            now: gate.map_or(wall, |gate| wall.max(gate)),
            drift,
        }
    }
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (by, way) = match self {
            Self::Behind(by) => (by, "behind"),
            Self::Ahead(by) => (by, "ahead of"),
        };
        let by = spoken(*by);
        write!(
            f,
            "this machine's clock is {by} {way} the time that the gate last knew"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_from_five_minutes_on_and_never_believed_below_the_gates_time() {
        let gate = Time::from_secs(1_800_000_000);
        let reckoned = |wall: i64, gate| Moment::of(Time::from_secs(wall), gate);
        for (off, drift) in [
            (-10_800, Some(Drift::Behind(Duration::from_hours(3)))),
            (-301, Some(Drift::Behind(Duration::from_secs(301)))),
            (-300, None),
            (0, None),
            (300, None),
            (301, Some(Drift::Ahead(Duration::from_secs(301)))),
            (
                40 * 86_400,
                Some(Drift::Ahead(Duration::from_hours(40 * 24))),
            ),
        ] {
            let wall = gate.secs() + off;
            let moment = reckoned(wall, Some(gate));
            assert_eq!(moment.drift, drift, "{off}");
            assert_eq!(moment.now.secs(), wall.max(gate.secs()), "{off}");
        }
        let new = reckoned(5, None);
        assert_eq!((new.now.secs(), new.drift), (5, None));
        let said = Drift::Ahead(Duration::from_secs(40 * 86_400 + 7_259)).to_string();
        assert!(said.contains("is 40 d 2 h ahead of the time"), "{said}");
    }
}
