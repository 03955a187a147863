//! Identity providers: what is configured of them, and what they say of themselves.

mod age;
mod by_name;
pub(crate) mod configured;
pub(crate) mod document;
mod due;
mod fetch;
mod list;
pub(crate) mod provisioning;
pub(crate) mod receiver;
pub(crate) mod registrations;
pub(crate) mod reload;
pub(crate) mod secret;
mod settings;
mod terms;

use std::collections::HashMap;
use std::time::Duration;

use aeolus_api::egress::{Bounds, Egress};
use aeolus_model::{ConnectionId, Rng, Time};
use aeolus_store::{Connection, ProviderKeys, StoreError, Unit as _};
use tokio_util::sync::CancellationToken;

use self::age::Ages;
use self::due::{Last, due};
use crate::app::App;

pub(crate) use self::by_name::{Offered, SignIn, all, by_name, find, mark, offered, sign_in};
pub(crate) use self::list::list;
pub(crate) use self::settings::Settings;
pub(crate) use self::terms::{Providers, logout_terms, salt_from};

/// How often it is looked whether somebody has to be asked.
const LOOK: Duration = Duration::from_secs(15);
/// Commits come in bursts.
const COALESCE: Duration = Duration::from_millis(100);
/// What a provider's answer may take.
const BOUNDS: Bounds = Bounds {
    bytes: 256 * 1024,
    time: Duration::from_secs(10),
};

/// Keeps the providers' keys: on schedule, when a connection changes, and when a gate meets a key that
/// it doesn't know. Runs until shutdown.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let mut feed = app.feed.subscribe();
    let mut keeper = Keeper::default();
    let mut demanded = false;
    loop {
        feed.borrow_and_update();
        if let Err(error) = keeper.round(&app, demanded).await {
            tracing::warn!(%error, "the identity providers could not be looked after; trying again");
        }
        demanded = false;
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
            () = app.provider_keys_wanted.notified() => demanded = true,
            changed = feed.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(COALESCE).await;
            }
        }
    }
}

/// What this process remembers of its attempts.
#[derive(Default)]
struct Keeper {
    tries: HashMap<ConnectionId, Last>,
    ages: Ages,
    egress: Option<Egress>,
}

impl Keeper {
    async fn round(&mut self, app: &App, demanded: bool) -> Result<(), StoreError> {
        let mut view = app.store.read().await?;
        let connections = view.connections().list().await?;
        let held = view.provider_keys().list().await?;
        drop(view);
        self.tries
            .retain(|id, _| connections.iter().any(|connection| connection.id == *id));
        for connection in &connections {
            let Some(url) = Settings::of(connection)
                .and_then(|settings| settings.wanted_keys(&connection.kind))
            else {
                continue;
            };
            let held = held.iter().find(|held| held.connection == connection.id);
            let last = self.tries.get(&connection.id);
            let now = app.clock.now();
            if due(connection.revision, held, last, demanded, now) {
                let jitter = jitter(&*app.rng);
                let tried = Last {
                    revision: connection.revision,
                    at: now,
                    jitter,
                };
                self.tries.insert(connection.id, tried);
                self.ask(app, connection, &url, now).await?;
            }
        }
        self.ages.look(app, &connections).await
    }

    /// Asks one provider. An answer that can't be used changes nothing.
    async fn ask(
        &mut self,
        app: &App,
        connection: &Connection,
        url: &str,
        now: Time,
    ) -> Result<(), StoreError> {
        let name = connection.name.as_str();
        let egress = match &self.egress {
            Some(egress) => egress,
            None => match Egress::by(&app.egress, BOUNDS) {
                Ok(made) => self.egress.insert(made),
                Err(error) => {
                    tracing::error!(%error, "no trust anchors: no identity provider can be asked");
                    return Ok(());
                }
            },
        };
        let found = match fetch::fetch(egress, url).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(
                    connection = name,
                    url,
                    %error,
                    "an identity provider's keys could not be fetched; the last good ones count until \
                     they are 24 hours old"
                );
                return Ok(());
            }
        };
        let (keys, left_out) = (found.keys.usable, found.keys.left_out);
        tracing::debug!(
            connection = name,
            keys = keys.len(),
            left_out,
            "fetched keys"
        );
        let mut write = app.store.write().await?;
        // Removed or changed meanwhile: what was found is not what is asked for now.
        let now_there = write.connections().get(connection.id).await?;
        if now_there.is_none_or(|there| there.revision != connection.revision) {
            return Ok(());
        }
        let keys = ProviderKeys {
            connection: connection.id,
            revision: connection.revision,
            issuer: found.issuer,
            keys,
            fetched_at: now,
            endpoints: found.endpoints,
        };
        write.provider_keys().put(&keys, app.clock.now()).await?;
        app.commit(write).await.map(|_| ())
    }
}

/// Up to a minute, so that the replicas of control don't all ask at once.
fn jitter(rng: &dyn Rng) -> Duration {
    let mut byte = [0];
    rng.fill(&mut byte);
    let [byte] = byte;
    Duration::from_millis(u64::from(byte) * 235)
}
