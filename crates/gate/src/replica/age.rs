//! What control says of time: what time it is, and how old what is in force is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aeolus_model::{Clock as _, Time};
use aeolus_snapshot::{Digest, MANIFEST_LIFE, SnapshotError, verify_freshness};

use super::state::{RefreshError, Replica, lock};

/// No time was signed, in milliseconds.
pub(super) const NEVER: i64 = i64::MIN;

impl<W> Replica<W> {
    /// How long ago everything in force was the newest, as far as control has said. `None` if nothing is
    /// known or time can't be believed: judge it as past `maxStale`.
    pub fn age(&self) -> Option<Duration> {
        if self.is_suspect() {
            return None;
        }
        let as_of = time(&self.as_of);
        as_of.map(|as_of| self.clock.now().since(as_of))
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.doubtful.load(Ordering::SeqCst) || self.clock.is_suspect()
    }

    /// Takes a freshness statement. One that is older than what is known changes nothing.
    ///
    /// Its time sets the gate's clock right, forwards or backwards, if it is later than every time that
    /// was signed before, and not back by more than the life of a manifest, in however many steps: a
    /// recording that old is refused. Only the first word under a root document that has dropped a key
    /// sets it back as far as it says: the stolen key may have said any time.
    pub fn take_freshness(&self, text: &str) -> Result<(), RefreshError> {
        let mut inner = self.inner();
        let root = inner.pending.as_ref().unwrap_or(&inner.root);
        let said = verify_freshness(root, self.plane, text)?;
        let signed = time(&self.signed);
        let anew = inner.pending.is_some() && signed.is_none();
        let reached = if anew {
            root.issued_at()
        } else {
            self.clock.furthest()
        };
        if said.at.plus(MANIFEST_LIFE) <= reached {
            return Err(RefreshError::Snapshot(SnapshotError::Expired));
        }
        if Some(said.at) < signed {
            return Ok(());
        }
        if anew {
            self.clock.begin_anew(said.at);
            self.as_of.fetch_min(said.at.millis(), Ordering::SeqCst);
        } else if Some(said.at) > signed {
            self.clock.signed(said.at);
        }
        self.signed.store(said.at.millis(), Ordering::SeqCst);
        if inner.pending.is_some() {
            // Of what is in force, which another key has signed, it says nothing.
            return Ok(());
        }
        let position = self.peek().as_ref().map(|l| l.manifest.position);
        let same = said.manifest == Digest::of(inner.manifest.as_bytes());
        let behind = Some(said.position) < position || (Some(said.position) == position && !same);
        lock(&self.alarms).control_behind = behind;
        if behind {
            self.forgotten.notify_one();
        } else if Some(said.position) == position {
            self.as_of.fetch_max(said.as_of.millis(), Ordering::SeqCst);
            inner.freshness = Some(Arc::from(text));
            self.doubtful.store(false, Ordering::SeqCst);
            self.heard.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn time(millis: &AtomicI64) -> Option<Time> {
    let millis = millis.load(Ordering::SeqCst);
    (millis != NEVER).then_some(Time::from_millis(millis))
}
