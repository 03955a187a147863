//! When credentials were last used: noted in memory, written together.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_model::{ScimCredentialId, Time};
use aeolus_store::{StoreError, Unit as _};

use crate::app::App;

/// As exact as `lastUsedAt` is.
const GRAIN: Duration = Duration::from_secs(15 * 60);

/// The uses since a while. There are as many as credentials, which are few.
#[derive(Default)]
pub(crate) struct ScimUses(Mutex<HashMap<ScimCredentialId, Use>>);

#[derive(Clone, Copy)]
struct Use {
    at: Time,
    written: bool,
}

impl ScimUses {
    /// One was used.
    pub(super) fn seen(&self, id: ScimCredentialId, now: Time) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = uses.get(&id);
        if known.is_none_or(|known| now.since(known.at) >= GRAIN) {
            let written = false;
            uses.insert(id, Use { at: now, written });
        }
    }

    fn due(&self) -> Vec<(ScimCredentialId, Time)> {
        let uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unwritten = uses.iter().filter(|(_, known)| !known.written);
        let mut due: Vec<_> = unwritten.map(|(id, known)| (*id, known.at)).collect();
        due.sort_unstable();
        due
    }

    fn written(&self, these: &[(ScimCredentialId, Time)]) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in these {
            if let Some(known) = uses.get_mut(id)
                && known.at == *at
            {
                known.written = true;
            }
        }
    }
}

/// Writes what is due.
pub(super) async fn write(app: &App) -> Result<(), StoreError> {
    let due = app.scim.uses.due();
    if due.is_empty() {
        return Ok(());
    }
    let mut write = app.store.write().await?;
    for (id, at) in &due {
        write.scim_credentials().used(*id, *at).await?;
    }
    write.commit().await?;
    app.scim.uses.written(&due);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_written_once_in_a_quarter_of_an_hour() {
        let uses = ScimUses::default();
        let id = ScimCredentialId::from_bytes([1; 16]);
        let at = |secs: i64| Time::from_secs(1_000_000 + secs);
        uses.seen(id, at(0));
        uses.seen(id, at(1));
        assert_eq!(uses.due(), [(id, at(0))]);
        uses.written(&[(id, at(0))]);
        uses.seen(id, at(899));
        assert!(uses.due().is_empty());
        uses.seen(id, at(900));
        assert_eq!(uses.due(), [(id, at(900))]);
    }
}
