//! Everything that the database keeps sealed, under another master key.

use aeolus_keys::Kind;
use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_model::{Action, AuditEvent, Clock, KeyId, Rng, Secret};
use aeolus_store::{Connection, DatabaseUrl, Plane, PlaneStage, Store, Unit as _, Write};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bootstrap::ControlError;
use crate::connections::{Settings, secret};

/// What was sealed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Signing keys.
    pub keys: usize,
    /// Connections, whose secrets they are: of the client, and of who is told what they provision.
    pub connections: usize,
    /// Join tokens of planes that are out.
    pub join_tokens: usize,
    /// Secrets of people's second factors.
    pub second_factors: usize,
}

/// Opens everything sealed under one master key and seals it under another, as a whole or not at all.
/// Run it while no replica of control does: each knows the master key that it was started with.
pub async fn reseal(
    database: &str,
    (before, after): (&Secret<[u8; 32]>, &Secret<[u8; 32]>),
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<Resealed, ControlError> {
    let url: DatabaseUrl = database.parse()?;
    let store = Store::connect(&url).await?;
    let mut write = store.write().await?;
    let again = Again {
        before: MasterKey::new(before)?,
        after: MasterKey::new(after)?,
        rng,
    };
    let resealed = Resealed {
        keys: again.keys(&mut write).await?,
        connections: again.connections(&mut write).await?,
        join_tokens: again.join_tokens(&mut write).await?,
        second_factors: again.second_factors(&mut write).await?,
    };
    write.audit(AuditEvent {
        target: format!("{} keys", resealed.keys),
        ..AuditEvent::of_system(clock.now(), Action::KeysReseal)
    });
    write.commit().await?;
    store.close().await;
    Ok(resealed)
}

struct Again<'a> {
    before: MasterKey,
    after: MasterKey,
    rng: &'a dyn Rng,
}

impl Again<'_> {
    fn seal(&self, id: KeyId, kind: Kind, sealed: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let opened = self.before.open(id, kind, sealed)?;
        self.after.seal(id, kind, opened.expose(), self.rng)
    }

    async fn keys(&self, write: &mut Write) -> Result<usize, ControlError> {
        let mut count = 0;
        for key in write.keys().list().await? {
            // A retired key's private part is gone, and a kind of a later version is not ours to touch.
            let Some(kind) = Kind::parse(&key.kind).filter(|_| !key.sealed.is_empty()) else {
                continue;
            };
            let sealed = self.seal(key.id, kind, &key.sealed)?;
            write.keys().reseal(&key, &sealed).await?;
            count += 1;
        }
        Ok(count)
    }

    async fn connections(&self, write: &mut Write) -> Result<usize, ControlError> {
        let mut count = 0;
        for connection in write.connections().list().await? {
            let Some(mut settings) = Settings::of(&connection) else {
                continue;
            };
            let id = KeyId::from_bytes(*connection.id.as_bytes());
            let header = settings.scim_events.as_mut();
            let header = header.and_then(|to| to.authorization.as_mut());
            let secrets = [
                (settings.client_secret.as_mut(), secret::CLIENT),
                (header, Kind::SecurityEvent),
            ];
            let mut any = false;
            for (secret, kind) in secrets {
                let Some(secret) = secret else {
                    continue;
                };
                let sealed = STANDARD.decode(&*secret);
                let sealed = sealed.map_err(|_| EnvelopeError::Malformed)?;
                *secret = STANDARD.encode(self.seal(id, kind, &sealed)?);
                any = true;
            }
            if !any {
                continue;
            }
            let config = serde_json::to_string(&settings).map_err(|_| EnvelopeError::Malformed)?;
            let connection = Connection {
                config,
                ..connection
            };
            write.connections().update(&connection).await?;
            count += 1;
        }
        Ok(count)
    }

    async fn join_tokens(&self, write: &mut Write) -> Result<usize, ControlError> {
        let mut count = 0;
        for plane in write.planes().list().await? {
            let PlaneStage::Pending { join, expires_at } = &plane.stage else {
                continue;
            };
            let id = KeyId::from_bytes(*plane.id.as_bytes());
            let stage = PlaneStage::Pending {
                join: self.seal(id, Kind::PlaneAssertion, join)?,
                expires_at: *expires_at,
            };
            write
                .planes()
                .update(&Plane {
                    stage,
                    ..plane.clone()
                })
                .await?;
            count += 1;
        }
        Ok(count)
    }

    async fn second_factors(&self, write: &mut Write) -> Result<usize, ControlError> {
        let all = write.second_factors().list().await?;
        for factor in &all {
            let secret = self.before.open_totp(factor.user, &factor.sealed)?;
            let sealed = self.after.seal_totp(factor.user, &secret, self.rng)?;
            write.second_factors().reseal(factor, &sealed).await?;
        }
        Ok(all.len())
    }
}
