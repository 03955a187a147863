//! Control's signing keys: made at the first start, sealed under the master key, and replaced one by
//! one while everything goes on.
//!
//! A key is *announced* (published, so that everybody knows it before it signs), *active* (exactly one
//! of a kind signs), *retired* (published for as long as something it signed is good) and then
//! removed. The database says where each stands; every replica of control looks there each second, and
//! one of them moves on what is due.

mod certificate;
mod due;
mod ends;
mod follow;
mod import;
mod jwks;
mod legacy;
mod life;
mod list;
mod make;
mod needs;
mod opened;
mod remove;
mod replace;
mod reseal;
mod rotate;
mod told;
mod upgrade;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aeolus_keys::claims::IdToken;
use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_keys::{KeyError, KeyRing, Kind, SigningKey};
use aeolus_model::{Clock, KeyId, Rng};
use aeolus_snapshot::section::TokenKey;
use aeolus_store::{KeyStage, Store, StoreError, Unit as _};
use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

pub(crate) use follow::run;
pub use import::{ImportError, Imported, import_legacy_key};
pub(crate) use jwks::jwks;
pub(crate) use legacy::{jwk as legacy_jwk, set as legacy_set};
pub(crate) use life::LIST_LIFE;
pub(crate) use list::list;
pub(crate) use make::{for_events, import_snapshot_key};
pub(crate) use remove::remove;
pub use reseal::{Resealed, reseal};
pub(crate) use rotate::rotate;
pub(crate) use upgrade::note_version;

use opened::{Opened, Signer};

/// Why the keys can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An envelope doesn't open: most likely another master key.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key can't have a certificate, or has another key's.
    #[error("the certificate of a key: {0}")]
    Certificate(String),
    /// A kind has no active key.
    #[error("the database has no active key of kind {0}; was it restored in part?")]
    Missing(&'static str),
    /// The making of a key or a signature was cut off.
    #[error("the making of a key or a signature was cut off")]
    Cancelled,
}

/// The kinds control always signs itself, one key each.
const KINDS: [Kind; 6] = [
    Kind::Access,
    Kind::Api,
    Kind::Direct,
    Kind::Id,
    Kind::StatusList,
    Kind::Manifest,
];

/// The keys as this process last read them. Taking one waits for nobody.
pub(crate) struct Keys {
    now: ArcSwap<Opened>,
    /// Whether control answers proxies as the original did.
    legacy: bool,
    /// One reads at a time, so that what was read later is never replaced by what was read before.
    reading: tokio::sync::Mutex<()>,
    /// By announced key: a position of the feed at which it was there. Who obeys that position knows
    /// the key.
    announced: Mutex<HashMap<KeyId, u64>>,
    /// For signatures that take as long as RSA's.
    slow: Arc<Semaphore>,
}

impl Keys {
    /// Opens the keys, making those that don't exist yet.
    pub(crate) async fn open(
        store: &Store,
        master: &MasterKey,
        parts: (&dyn Clock, &dyn Rng),
        legacy: bool,
    ) -> Result<Self, KeysError> {
        let more = legacy.then_some(Kind::Legacy);
        for kind in KINDS.into_iter().chain(more) {
            make::ensure(store, master, kind, parts).await?;
        }
        if legacy {
            make::certify(store, master).await?;
        }
        let keys = Self {
            now: ArcSwap::default(),
            legacy,
            reading: tokio::sync::Mutex::default(),
            announced: Mutex::default(),
            slow: Arc::new(Semaphore::new(cores())),
        };
        keys.refresh(store, master).await?;
        let all = KINDS.into_iter().chain(more);
        keys.now.load().all_there(all, master)?;
        Ok(keys)
    }

    /// Reads them again, if anything about them has changed.
    pub(crate) async fn refresh(&self, store: &Store, master: &MasterKey) -> Result<(), KeysError> {
        let _reading = self.reading.lock().await;
        let mut view = store.read().await?;
        let position = view.settings().feed().await?.records;
        let records = view.keys().list().await?;
        drop(view);
        self.note(&records, position);
        let before = self.now.load_full();
        if before.records != records {
            self.now
                .store(Arc::new(Opened::of(records, master, &before)?));
        }
        Ok(())
    }

    fn note(&self, records: &[aeolus_store::SigningKey], position: u64) {
        let mut noted = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let announced =
            |r: &&aeolus_store::SigningKey| matches!(r.stage, KeyStage::Announced { .. });
        let ids: Vec<KeyId> = records.iter().filter(announced).map(|r| r.id).collect();
        noted.retain(|id, _| ids.contains(id));
        for id in ids {
            noted.entry(id).or_insert(position);
        }
    }

    /// A position of the feed from which on whoever obeys it knows an announced key.
    fn announced_at(&self, id: KeyId) -> Option<u64> {
        let noted = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        noted.get(&id).copied()
    }

    pub(crate) fn access(&self) -> Signer {
        self.now.load().signer(Kind::Access)
    }

    pub(crate) fn api(&self) -> Signer {
        self.now.load().signer(Kind::Api)
    }

    /// Signs direct access tokens.
    pub(crate) fn direct(&self) -> Signer {
        self.now.load().signer(Kind::Direct)
    }

    /// Signs an `id_token`. RSA takes most of a millisecond: it is done on threads for blocking work, on as
    /// many at once as there are cores, so that revocations and the key set wait for no burst of sign-ins.
    /// Other signatures take less than the way to such a thread.
    pub(crate) async fn sign_id(&self, claims: IdToken) -> Result<String, KeysError> {
        self.sign_slowly(Kind::Id, claims).await
    }

    async fn sign_slowly<T>(&self, kind: Kind, claims: T) -> Result<String, KeysError>
    where
        T: serde::Serialize + Send + 'static,
    {
        let signer = self.now.load().signer(kind);
        self.slowly(move || signer.sign(kind, &claims)).await
    }

    async fn slowly(
        &self,
        sign: impl FnOnce() -> Result<String, KeyError> + Send + 'static,
    ) -> Result<String, KeysError> {
        let permit = Arc::clone(&self.slow).acquire_owned().await;
        let permit = permit.map_err(|_| KeysError::Cancelled)?;
        let signed = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            sign()
        });
        Ok(signed.await.map_err(|_| KeysError::Cancelled)??)
    }

    /// Signs what is believed because of the legacy key's certificate, likewise.
    pub(crate) async fn sign_certified<T>(&self, claims: T) -> Result<String, KeysError>
    where
        T: serde::Serialize + Send + 'static,
    {
        let held = self.now.load().certified();
        let (key, certificate) = held.ok_or(KeyError::Absent)?;
        self.slowly(move || key.sign_certified(&certificate, &claims))
            .await
    }

    /// Signs a security event token, on such a thread as well.
    pub(crate) async fn sign_event<T>(&self, claims: T) -> Result<String, KeysError>
    where
        T: serde::Serialize + Send + 'static,
    {
        self.sign_slowly(Kind::SecurityEvent, claims).await
    }

    /// Signs public status lists.
    pub(crate) fn status(&self) -> Signer {
        self.now.load().signer(Kind::StatusList)
    }

    /// Signs what `/v1/authorization` gives; none where control doesn't answer there.
    pub(crate) fn legacy(&self) -> Option<Signer> {
        self.legacy.then(|| self.now.load().signer(Kind::Legacy))
    }

    /// Signs manifests and freshness statements.
    pub(crate) fn snapshot(&self) -> Result<Arc<SigningKey>, KeyError> {
        self.now.load().signer(Kind::Manifest).key()
    }

    /// Who may have signed what.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.now.load().ring)
    }

    /// Whether keys of a kind are of use here.
    fn uses(&self, kind: Kind) -> bool {
        match kind {
            Kind::Legacy => self.legacy,
            Kind::SecurityEvent => self.now.load().has(kind),
            kind => KINDS.contains(&kind),
        }
    }
}

/// How many there are to work on; one where nobody says.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The token keys, as snapshots carry them: not those of public status lists and security events, which gates don't read. They are taken from the same view as everything else that a
/// plane is told: a replica that has not yet heard of a removal would otherwise tell of the key.
pub(crate) fn published(records: Vec<aeolus_store::SigningKey>) -> Vec<TokenKey> {
    let public = records.into_iter().filter(|record| {
        let kind = Kind::parse(&record.kind);
        let unread = [Kind::StatusList, Kind::SecurityEvent];
        kind.is_some_and(|kind| !unread.contains(&kind) && opened::is_published(kind))
    });
    public
        .map(|record| TokenKey {
            kind: record.kind,
            jwk: record.public_jwk,
        })
        .collect()
}
