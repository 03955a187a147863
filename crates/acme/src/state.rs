//! What is remembered of pairs from run to run.

use std::collections::BTreeMap;

use aeolus_model::{Time, hex};
use serde::{Deserialize, Serialize};

use crate::asked::Recorded;
use crate::solver::Answer;

/// Everything that is remembered.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct State {
    /// By the path of the certificate.
    pub(crate) pairs: BTreeMap<String, Kept>,
    /// Answers to challenges that were given, and not taken back yet.
    pub(crate) answers: Vec<Answer>,
}

/// What is remembered of one pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Kept {
    /// What the last certificate was ordered as.
    pub(crate) asked: Option<Recorded>,
    /// SHA-256 of the last two certificates that were written, or about to be: whoever stops a run between the two
    /// writes leaves one of them.
    pub(crate) written: Vec<String>,
    /// When it is renewed.
    pub(crate) renew_at: Option<Time>,
    /// What the authority suggests.
    pub(crate) suggested: Option<Suggested>,
    /// Orders that were begun and have no end: each was killed.
    pub(crate) begun: u32,
    /// Failures since the last success.
    pub(crate) failed: Option<Failed>,
}

/// What the authority suggests (RFC 9773).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Suggested {
    /// From and until; none: nothing, when it was asked.
    pub(crate) window: Option<(Time, Time)>,
    /// When to ask anew.
    pub(crate) ask_at: Time,
}

/// Failures in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failed {
    /// Of what.
    pub(crate) asked: Recorded,
    /// How many.
    pub(crate) times: u32,
    /// Not before.
    pub(crate) until: Time,
    /// Why, the last time.
    pub(crate) last: String,
}

impl State {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    pub(crate) fn json(&self) -> Vec<u8> {
        // Strings, numbers and maps of them can't fail.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

impl Kept {
    /// Remembers a certificate before it is written.
    pub(crate) fn will_write(&mut self, fingerprint: &[u8; 32], asked: Recorded) {
        self.written.push(hex(fingerprint));
        if self.written.len() > 2 {
            self.written.remove(0);
        }
        self.asked = Some(asked);
        self.suggested = None;
    }

    /// Whether it is one that this client wrote.
    pub(crate) fn wrote(&self, fingerprint: &[u8; 32]) -> bool {
        self.written.contains(&hex(fingerprint))
    }

    /// One more failure. Until when to wait is the caller's to say.
    pub(crate) fn fail(&mut self, asked: Recorded, last: String) -> &mut Failed {
        let before = self.failed.take().filter(|failed| failed.asked == asked);
        let times = before.map_or(0, |failed| failed.times).saturating_add(1);
        self.failed.insert(Failed {
            asked,
            times,
            until: Time::EPOCH,
            last,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::asked::Challenge;

    fn recorded(name: &str) -> Recorded {
        Recorded {
            directory: "https://ca/".to_owned(),
            names: vec![name.to_owned()],
            challenge: Challenge::Http01,
        }
    }

    #[test]
    fn the_last_two_are_known_and_failures_are_of_one_thing() {
        let mut kept = Kept::default();
        for number in 1..=3 {
            kept.will_write(&[number; 32], recorded("a"));
        }
        assert_eq!(
            [1, 2, 3].map(|number| kept.wrote(&[number; 32])),
            [false, true, true]
        );
        assert_eq!(kept.fail(recorded("a"), String::new()).times, 1);
        assert_eq!(kept.fail(recorded("a"), String::new()).times, 2);
        assert_eq!(kept.fail(recorded("b"), String::new()).times, 1);
        let mut state = State::default();
        state.pairs.insert("/x.crt".to_owned(), kept);
        assert_eq!(State::parse(&state.json()).unwrap(), state);
    }

    proptest! {
        #[test]
        fn nothing_remembered_is_too_odd(json in "[\\[\\]{}:,\"a-z0-9]{0,200}") {
            let _ = State::parse(json.as_bytes());
        }
    }
}
