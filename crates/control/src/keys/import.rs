//! A key and certificate of an operator's own in the place of the legacy key (row H4), so that whoever believes
//! the certificate already goes on.

use aeolus_keys::envelope::MasterKey;
use aeolus_keys::{KeyError, Kind, SigningKey};
use aeolus_model::{Action, AuditEvent, Change as Changed, Clock, Rng, Secret, Time};
use aeolus_pki::{Certificate, KeyType, PrivateKey};
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
    /// Whoever verifies it may be one of those that mistake a forged padding for a good one, and with a small exponent
    /// such signatures can be made without the key. FIPS 186-5 §5.1 wants 2^16 < e.
    #[error(
        "the key's public exponent is less than 65537, which is weak practice (FIPS 186-5): make a key with 65537"
    )]
    SmallExponent,
    /// Every request that shows a token would cost whoever verifies it too much.
    #[error(
        "the key has {0} bits: each verification costs too much. Take 2048 to 4096 bits; up to 8192 are taken"
    )]
    TooLong(usize),
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

/// As of every key that is verified with here (`aeolus_keys`).
const MOST_BITS: usize = 8192;

/// Whether a public exponent, big-endian, is not above 2^16.
fn is_small(exponent: &[u8]) -> bool {
    let mut significant = exponent.iter().skip_while(|byte| **byte == 0);
    match (significant.next(), significant.count()) {
        (None, _) | (_, 0 | 1) => true,
        (Some(first), 2) => *first == 1 && exponent.ends_with(&[0, 0]),
        _ => false,
    }
}

fn check(key: &PrivateKey, shown: &Certificate, now: Time) -> Result<(), ImportError> {
    let KeyType::Rsa(bits) = key.public().kind() else {
        return Err(ImportError::NotRsa);
    };
    if bits > MOST_BITS {
        return Err(ImportError::TooLong(bits));
    }
    let exponent = key.public().rsa().map(|(_, exponent)| exponent);
    if exponent.is_none_or(|exponent| is_small(&exponent)) {
        return Err(ImportError::SmallExponent);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponent_is_above_two_to_the_sixteenth() {
        for (exponent, small) in [
            (&[][..], true),
            (&[3], true),
            (&[0, 3], true),
            (&[17], true),
            (&[0xff, 0xff], true),
            (&[0, 0xff, 0xff], true),
            (&[1, 0, 0], true),
            (&[1, 0, 1], false),
            (&[0, 1, 0, 1], false),
            (&[3, 0, 0], false),
            (&[1, 0, 0, 1], false),
        ] {
            assert_eq!(is_small(exponent), small, "{exponent:?}");
        }
    }
}
