//! How long a provider's last good keys count.
//!
//! A key that the provider has taken out, perhaps because it was stolen, is known here only by asking.
//! So keys that nobody could confirm for a day count no longer, whatever the reason.

use std::collections::HashMap;
use std::time::Duration;

use aeolus_model::{Action, AuditEvent, ConnectionId, Outcome, Time};
use aeolus_store::{Connection, ProviderKeys, StoreError, Unit as _};

use super::Settings;
use crate::app::App;

/// From then on it is an error that the provider can't be asked.
const OLD: Duration = Duration::from_secs(6 * 3_600);
/// How far the clocks of two replicas of control may lie apart.
const AHEAD: Duration = Duration::from_secs(60);
/// From then on its keys no longer count.
const OVER: Duration = Duration::from_secs(24 * 3_600);

/// How long ago a provider was last heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// Lately.
    Fresh,
    /// So long that an operator must look.
    Old,
    /// Too long.
    Over,
}

impl Age {
    /// At `now`.
    pub(super) fn of(held: &ProviderKeys, now: Time) -> Self {
        // Written by a clock that was ahead: how old the keys are is not known.
        if held.fetched_at > now.plus(AHEAD) {
            return Self::Old;
        }
        match now.since(held.fetched_at) {
            age if age < OLD => Self::Fresh,
            age if age < OVER => Self::Old,
            _ => Self::Over,
        }
    }
}

/// What this process has said of the keys' ages.
#[derive(Default)]
pub(super) struct Ages(HashMap<ConnectionId, Age>);

impl Ages {
    /// Looks at the keys of every connection whose tokens count: measures, warns, and drops what is
    /// too old, which makes new snapshots.
    pub(super) async fn look(
        &mut self,
        app: &App,
        connections: &[Connection],
    ) -> Result<(), StoreError> {
        let held = app.store.read().await?.provider_keys().list().await?;
        let now = app.clock.now();
        let mut measured = Vec::new();
        let mut ages = HashMap::new();
        for connection in connections {
            let wanted = Settings::of(connection)
                .and_then(|settings| settings.wanted_keys(&connection.kind));
            let held = held.iter().find(|held| held.connection == connection.id);
            let (Some(_), Some(held)) = (wanted, held) else {
                continue;
            };
            let name = connection.name.as_str();
            let age = Age::of(held, now);
            measured.push((name, now.since(held.fetched_at)));
            ages.insert(connection.id, age);
            if age == Age::Old && self.0.get(&connection.id) != Some(&age) {
                tracing::error!(
                    connection = name,
                    hours = now.since(held.fetched_at).as_secs() / 3_600,
                    "an identity provider's keys could not be fetched for long; its tokens count \
                     until the keys are 24 hours old"
                );
            }
            if age == Age::Over && !held.keys.is_empty() {
                drop_keys(app, connection, now).await?;
            }
        }
        app.metrics.provider_keys(&measured);
        self.0 = ages;
        Ok(())
    }
}

async fn drop_keys(app: &App, connection: &Connection, now: Time) -> Result<(), StoreError> {
    let mut write = app.store.write().await?;
    let mut sets = write.provider_keys();
    if !sets.drop_old(connection.id, now.minus(OVER)).await? {
        return write.rollback().await;
    }
    write.audit(AuditEvent {
        target: connection.name.to_string(),
        outcome: Outcome::Failure,
        reason: "provider_unreachable".to_owned(),
        ..AuditEvent::of_system(now, Action::ProviderKeysDrop)
    });
    app.commit(write).await?;
    tracing::error!(
        connection = connection.name.as_str(),
        "an identity provider's keys could not be fetched for 24 hours; its tokens no longer count \
         until they can"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_old_after_six_hours_and_over_after_a_day() {
        let held = ProviderKeys {
            connection: ConnectionId::from_bytes([1; 16]),
            revision: 1,
            issuer: String::new(),
            keys: Vec::new(),
            fetched_at: Time::from_secs(0),
            endpoints: None,
        };
        for (seconds, age) in [
            (-61, Age::Old),
            (-60, Age::Fresh),
            (21_599, Age::Fresh),
            (21_600, Age::Old),
            (86_399, Age::Old),
            (86_400, Age::Over),
        ] {
            assert_eq!(Age::of(&held, Time::from_secs(seconds)), age, "{seconds}");
        }
    }
}
