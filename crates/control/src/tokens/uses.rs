//! When values of tokens were last used: noted in memory, written together.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aeolus_model::{OrganizationId, Time, TokenId};
use aeolus_store::{StoreError, Unit as _};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// As exact as `lastUsedAt` is: a value in use is written this often.
const GRAIN: Duration = Duration::from_secs(15 * 60);
/// Written in one transaction.
const AT_ONCE: usize = 100;
const EVERY: Duration = Duration::from_secs(2);
/// How many values are kept in mind; uses of more than these in a quarter of an hour are not noted.
const MOST: usize = 100_000;

/// The uses since a while.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<(OrganizationId, u32), Use>>);

#[derive(Clone, Copy)]
struct Use {
    token: TokenId,
    at: Time,
    written: bool,
}

impl Uses {
    /// A value was used.
    pub(crate) fn seen(&self, token: TokenId, value: (OrganizationId, u32), now: Time) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = uses.len() < MOST;
        match uses.get_mut(&value) {
            Some(known) if now.since(known.at) < GRAIN => {}
            Some(known) => {
                known.at = now;
                known.written = false;
            }
            None if room => {
                let written = false;
                let at = now;
                uses.insert(value, Use { token, at, written });
            }
            None => {}
        }
    }

    /// What is not written yet. Forgets what was written a while ago.
    fn due(&self, now: Time) -> Vec<((OrganizationId, u32), Use)> {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uses.retain(|_, known| !known.written || now.since(known.at) < GRAIN);
        let unwritten = uses.iter().filter(|(_, known)| !known.written);
        unwritten.map(|(value, known)| (*value, *known)).collect()
    }

    fn written(&self, values: &[((OrganizationId, u32), Use)]) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (value, then) in values {
            if let Some(known) = uses.get_mut(value)
                && known.at == then.at
            {
                known.written = true;
            }
        }
    }
}

/// Writes uses until shutdown, and then what is left. What can't be written is tried again.
pub(crate) async fn note(app: App, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
        write(&app).await;
    }
    write(&app).await;
}

async fn write(app: &App) {
    let due = app.uses.due(app.clock.now());
    if due.is_empty() {
        return;
    }
    match stored(app, &due).await {
        Ok(()) => app.uses.written(&due),
        Err(error) => tracing::debug!(%error, "uses of tokens could not be noted; trying again"),
    }
}

/// In the order in which planes' reports are stored, and a few at a time, so that nobody waits long.
async fn stored(app: &App, due: &[((OrganizationId, u32), Use)]) -> Result<(), StoreError> {
    let mut due = due.to_vec();
    due.sort_unstable_by_key(|((_, index), known)| (known.token, *index));
    for some in due.chunks(AT_ONCE) {
        let mut write = app.store.write().await?;
        for ((organization, index), known) in some {
            write.tokens().used(known.token, known.at).await?;
            let mut tokens = write.tokens();
            tokens.value_used(*organization, *index, known.at).await?;
        }
        write.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_use_is_written_once_in_a_quarter_of_an_hour() {
        let uses = Uses::default();
        let value = (OrganizationId::from_bytes([1; 16]), 7);
        let token = TokenId::from_bytes([2; 16]);
        let at = |secs: i64| Time::from_secs(1_000_000 + secs);
        uses.seen(token, value, at(0));
        uses.seen(token, value, at(1));
        let due = uses.due(at(2));
        assert_eq!((due.len(), due[0].1.at), (1, at(0)));
        assert_eq!(uses.due(at(3)).len(), 1, "until it is written");
        uses.written(&due);
        assert!(uses.due(at(4)).is_empty());
        uses.seen(token, value, at(899));
        assert!(uses.due(at(899)).is_empty());
        uses.seen(token, value, at(900));
        assert_eq!(uses.due(at(900))[0].1.at, at(900));
    }
}
