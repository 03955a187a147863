//! The keys of one moment, opened.

use std::collections::BTreeMap;
use std::sync::Arc;

use aeolus_keys::envelope::MasterKey;
use aeolus_keys::{JwkSet, KeyError, KeyRing, Kind, PublicKey, SigningKey};
use aeolus_model::{KeyId, Time};
use aeolus_store::{KeyStage, SigningKey as Record};
use serde::Serialize;

use super::{KeysError, certificate};
use crate::error::ApiError;

/// What was read, and what follows from it.
#[derive(Default)]
pub(super) struct Opened {
    /// As the database has them.
    pub(super) records: Vec<Record>,
    signing: BTreeMap<Kind, Held>,
    pub(super) ring: Arc<KeyRing>,
    /// The published key set (RFC 7517).
    pub(super) jwks: String,
}

#[derive(Clone)]
struct Held {
    id: KeyId,
    key: Arc<SigningKey>,
    /// Of a legacy key, its certificate in base64.
    certificate: Option<Arc<str>>,
}

/// Whether the public keys of a kind are for everybody. Snapshot keys are root documents' to name; the
/// legacy key signs what no one but an application of the original believes: whoever reads the key set
/// for `id_token`s must not.
pub(super) fn is_published(kind: Kind) -> bool {
    !matches!(kind, Kind::Manifest | Kind::Legacy)
}

impl Opened {
    /// A private key that was opened before is not opened again. One that can't be opened signs nothing
    /// here; what is published and believed follows the records all the same.
    pub(super) fn of(
        records: Vec<Record>,
        master: &MasterKey,
        before: &Self,
    ) -> Result<Self, KeysError> {
        let mut ring = KeyRing::default();
        let mut published = Vec::new();
        let mut signing = BTreeMap::new();
        for record in &records {
            let Some(kind) = Kind::parse(&record.kind) else {
                continue;
            };
            if matches!(record.stage, KeyStage::Active { .. }) {
                let known = before
                    .signing
                    .get(&kind)
                    .filter(|held| held.id == record.id);
                match known.map_or_else(|| open(record, kind, master), |held| Ok(held.clone())) {
                    Ok(held) => drop(signing.insert(kind, held)),
                    Err(error) => tracing::error!(
                        %kind, kid = record.kid, %error,
                        "a signing key can't be opened, so nothing of its kind is signed here: \
                         start this replica again with the master key that the others have"
                    ),
                }
            }
            if is_published(kind) {
                let public = PublicKey::from_jwk_json(&record.public_jwk)?;
                published.push(public.clone());
                ring.insert(kind, public)?;
            }
        }
        Ok(Self {
            jwks: JwkSet::of(&published).to_json(),
            ring: Arc::new(ring),
            signing,
            records,
        })
    }

    /// Refuses if one of these kinds can't be signed.
    pub(super) fn all_there(
        &self,
        mut kinds: impl Iterator<Item = Kind>,
        master: &MasterKey,
    ) -> Result<(), KeysError> {
        let Some(kind) = kinds.find(|kind| !self.signing.contains_key(kind)) else {
            return Ok(());
        };
        let active = |record: &&Record| {
            record.kind == kind.name() && matches!(record.stage, KeyStage::Active { .. })
        };
        let record = self.records.iter().find(active);
        open(record.ok_or(KeysError::Missing(kind.name()))?, kind, master).map(|_| ())
    }

    pub(super) fn signer(&self, kind: Kind) -> Signer {
        Signer(self.signing.get(&kind).map(|held| Arc::clone(&held.key)))
    }

    /// Whether there is an active key of a kind.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.signing.contains_key(&kind)
    }

    /// The active legacy key, with its certificate in base64.
    pub(super) fn certified(&self) -> Option<(Arc<SigningKey>, Arc<str>)> {
        let held = self.signing.get(&Kind::Legacy)?;
        let certificate = held.certificate.as_ref()?;
        Some((Arc::clone(&held.key), Arc::clone(certificate)))
    }
}

/// Refuses a key that this process can't open, or that others won't believe for long: the one before it gives up
/// its private part for it.
pub(super) fn require_usable(
    record: &Record,
    master: &MasterKey,
    now: Time,
) -> Result<(), ApiError> {
    if !certificate::lets_take_over(record, now) {
        return Err(ApiError::Conflict(format!(
            "The certificate of key {} ends within 12 hours, has ended or is not valid yet, so it does not take over. \
             Remove the key, and import one whose certificate lives for longer.",
            record.kid
        )));
    }
    let kind = Kind::parse(&record.kind);
    if kind.is_some_and(|kind| open(record, kind, master).is_ok()) {
        return Ok(());
    }
    Err(ApiError::Conflict(format!(
        "Key {} can't be opened with this replica's master key, so it does not take over. It was made by a \
         replica that has another one: give all the same, and remove the key.",
        record.kid
    )))
}

fn open(record: &Record, kind: Kind, master: &MasterKey) -> Result<Held, KeysError> {
    let opened = master.open(record.id, kind, &record.sealed)?;
    let certificate = match kind {
        Kind::Legacy => Some(certificate::of(record, &opened)?.into()),
        _ => None,
    };
    Ok(Held {
        id: record.id,
        key: Arc::new(SigningKey::from_pkcs8(&opened)?),
        certificate,
    })
}

/// The key that signs a kind at this moment.
#[derive(Clone)]
pub(crate) struct Signer(Option<Arc<SigningKey>>);

impl Signer {
    /// As [`SigningKey::sign`]; [`KeyError::Absent`] if this process could not open it.
    pub(crate) fn sign<T: Serialize>(&self, kind: Kind, claims: &T) -> Result<String, KeyError> {
        self.0.as_ref().ok_or(KeyError::Absent)?.sign(kind, claims)
    }

    /// The key itself.
    pub(super) fn key(self) -> Result<Arc<SigningKey>, KeyError> {
        self.0.ok_or(KeyError::Absent)
    }
}
