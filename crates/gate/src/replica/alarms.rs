//! What is wrong with what a gate knows.

use super::state::{RefreshError, Replica, lock};

/// What an operator should know. All clear by themselves when the cause is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Persisting failed; what is in memory serves on, a restart would lose it.
    pub disk: Option<String>,
    /// The stable code of the last refusal of an answer of control.
    pub refused: Option<String>,
    /// Control's newest position is below ours: its database was set back.
    pub control_behind: bool,
    /// The wall clock or the marks on disk can't be believed, or the newest snapshot on disk was
    /// damaged, and control hasn't been heard since.
    pub suspect: bool,
}

impl<W> Replica<W> {
    /// What is wrong at the moment.
    pub fn alarms(&self) -> Alarms {
        Alarms {
            suspect: self.is_suspect(),
            ..lock(&self.alarms).clone()
        }
    }

    /// Remembers how the last answer of control was judged.
    pub(crate) fn judged(&self, error: Option<&RefreshError>) {
        lock(&self.alarms).refused = error.map(|error| match error {
            RefreshError::Snapshot(error) => error.code().to_owned(),
            RefreshError::Root(_) => "root".to_owned(),
        });
    }

    /// Control refuses to say anything, because it knows less than this gate.
    pub(super) fn is_ahead(&self) {
        lock(&self.alarms).control_behind = true;
        self.forgotten.notify_one();
    }
}
