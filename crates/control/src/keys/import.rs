//! A key and certificate of an operator's own in the place of the legacy key (row H4), so that whoever believes
//! the certificate already goes on.

use aeolus_keys::envelope::MasterKey;
use aeolus_keys::{KeyError, Kind, SigningKey};
use aeolus_model::{Action, AuditEvent, Change as Changed, Clock, Rng, Secret, Time};
use aeolus_pki::{Certificate, PrivateKey};
use aeolus_store::{DatabaseUrl, KeyStage, Store, StoreError, Taken, Unit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::life::CACHED;
use super::{KeysError, certificate, make};
use crate::bootstrap::ControlError;

/// Why a key and a certificate can't be the legacy key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Consumers of the original know RSA alone (row K14).
    #[error("the key is not RSA, which is all that consumers of the legacy key know")]
    NotRsa,
    /// The certificate is another key's.
    #[error("the certificate is not this key's")]
    OtherKey,
    /// Nobody would believe it, or not for long.
    #[error(
        "the certificate is not valid yet, has expired or does so within a day: take one that lives for longer"
    )]
    NotValid,
    /// Whoever trusts it to know one key would trust all that the key vouches for.
    #[error(
        "the certificate is an authority's (CA:TRUE): whoever believes it would believe certificates that the key signs as well"
    )]
    Authority,
    /// Anyone could sign with it (T21).
    #[error("the key is weak: {0}")]
    Weak(&'static str),
    /// The key signs, or has signed, here.
    #[error("this key is here already")]
    Known,
    /// There is a next key.
    #[error("another legacy key is announced: remove it first, with aeolus key remove KID")]
    Announced,
}

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its thumbprint (RFC 7638).
    pub kid: String,
    /// When it signs: at once where no other does, and else when nobody has the key set from before it any more.
    pub from: Time,
}

/// Takes the key, as a whole or not at all. Replicas of control may run meanwhile.
pub async fn import_legacy_key(
    database: &str,
    master: &Secret<[u8; 32]>,
    (key, shown): (&PrivateKey, &Certificate),
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<Imported, ControlError> {
    let now = clock.now();
    check(key, shown, now)?;
    let master = MasterKey::new(master)?;
    let signing = match SigningKey::from_pkcs8(&key.to_kept()) {
        Err(KeyError::Weak(why)) => return Err(ImportError::Weak(why).into()),
        read => read.map_err(KeysError::from)?,
    };
    let mut record = make::record(&master, (Kind::Legacy, &signing), (clock, rng))?;
    let encoded = STANDARD.encode(shown.der());
    record.public_jwk = certificate::with(&record.public_jwk, &encoded)?;
    let url: DatabaseUrl = database.parse()?;
    let store = Store::connect(&url).await?;
    let mut write = store.write().await?;
    let keys = write.keys().list().await?;
    if keys.iter().any(|known| known.kid == record.kid) {
        return Err(ImportError::Known.into());
    }
    let signs = write.keys().active(Kind::Legacy.name()).await?.is_some();
    let from = if signs { now.plus(CACHED) } else { now };
    if signs {
        record.stage = KeyStage::Announced {
            from,
            certain: from,
        };
    }
    match write.keys().insert(&record).await {
        Err(StoreError::Taken(Taken::AnnouncedKey)) => return Err(ImportError::Announced.into()),
        inserted => inserted?,
    }
    write.audit(AuditEvent {
        target: record.kid.clone(),
        changes: vec![
            Changed::to("kind", Kind::Legacy.name()),
            Changed::to("imported", shown.subject.as_str()),
            Changed::to("activateAt", from.secs().to_string()),
        ],
        ..AuditEvent::of_system(now, Action::KeyAnnounce)
    });
    write.commit().await?;
    store.close().await;
    let kid = record.kid;
    Ok(Imported { kid, from })
}

fn check(key: &PrivateKey, shown: &Certificate, now: Time) -> Result<(), ImportError> {
    if !key.public().kind().is_rsa() {
        return Err(ImportError::NotRsa);
    }
    if shown.key != *key.public() {
        return Err(ImportError::OtherKey);
    }
    if shown.authority.is_some() {
        return Err(ImportError::Authority);
    }
    if !certificate::lasts(shown, now, true) {
        return Err(ImportError::NotValid);
    }
    Ok(())
}
