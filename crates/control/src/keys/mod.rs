//! Control's signing keys: made at the first start, sealed under the master key, opened once.

mod jwks;
mod legacy;

use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_keys::{Alg, JwkSet, KeyError, KeyRing, Kind, PublicKey, SigningKey};
use aeolus_model::{Clock, KeyId, Rng, Time};
use aeolus_store::{KeyStage, Store, StoreError, Unit as _};

pub(crate) use jwks::jwks;
pub(crate) use legacy::jwk as legacy_jwk;

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
    /// A kind has no active key.
    #[error("the database has no active key of kind {0}; was it restored in part?")]
    Missing(&'static str),
}

/// The kinds control always signs itself, one key each.
const KINDS: [Kind; 5] = [
    Kind::Access,
    Kind::Api,
    Kind::Direct,
    Kind::Id,
    Kind::Manifest,
];

/// The opened keys.
pub(crate) struct TokenKeys {
    access: SigningKey,
    api: SigningKey,
    direct: SigningKey,
    id: SigningKey,
    snapshot: SigningKey,
    /// Where control answers proxies as the original did, with when it was made.
    legacy: Option<(SigningKey, Time)>,
    ring: KeyRing,
    published: Vec<(Kind, PublicKey)>,
}

impl TokenKeys {
    /// Opens the keys, making those that don't exist yet.
    pub(crate) async fn open(
        store: &Store,
        master: &MasterKey,
        parts: (&dyn Clock, &dyn Rng),
        legacy: bool,
    ) -> Result<Self, KeysError> {
        let more = legacy.then_some(Kind::Legacy);
        for kind in KINDS.into_iter().chain(more) {
            ensure(store, master, kind, parts).await?;
        }
        let mut view = store.read().await?;
        let mut ring = KeyRing::default();
        let mut published = Vec::new();
        let mut active = std::collections::BTreeMap::new();
        for record in view.keys().list().await? {
            let Some(kind) = Kind::parse(&record.kind) else {
                continue;
            };
            if matches!(record.stage, KeyStage::Active { .. }) {
                let opened = master.open(record.id, kind, &record.sealed)?;
                let key = SigningKey::from_pkcs8(&opened)?;
                active.insert(kind.name(), (key, record.created_at));
            }
            // The legacy key signs what no one but an application of the original believes: whoever
            // reads the key set for `id_token`s must not.
            if !matches!(kind, Kind::Manifest | Kind::Legacy) {
                let public = PublicKey::from_jwk_json(&record.public_jwk)?;
                published.push((kind, public.clone()));
                ring.insert(kind, public)?;
            }
        }
        let mut take = |kind: Kind| {
            let key = active.remove(kind.name()).map(|(key, _)| key);
            key.ok_or(KeysError::Missing(kind.name()))
        };
        Ok(Self {
            access: take(Kind::Access)?,
            api: take(Kind::Api)?,
            direct: take(Kind::Direct)?,
            id: take(Kind::Id)?,
            snapshot: take(Kind::Manifest)?,
            legacy: active.remove(Kind::Legacy.name()).filter(|_| legacy),
            ring,
            published,
        })
    }

    pub(crate) const fn access(&self) -> &SigningKey {
        &self.access
    }

    pub(crate) const fn api(&self) -> &SigningKey {
        &self.api
    }

    /// Signs direct access tokens.
    pub(crate) const fn direct(&self) -> &SigningKey {
        &self.direct
    }

    pub(crate) const fn id(&self) -> &SigningKey {
        &self.id
    }

    /// Signs what `/v1/authorization` gives.
    pub(crate) fn legacy(&self) -> Option<&SigningKey> {
        self.legacy.as_ref().map(|(key, _)| key)
    }

    /// Signs manifests and freshness statements.
    pub(crate) const fn snapshot(&self) -> &SigningKey {
        &self.snapshot
    }

    /// Who may have signed what.
    pub(crate) const fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The token keys by kind, as snapshots and the key set publish them.
    pub(crate) fn published(&self) -> &[(Kind, PublicKey)] {
        &self.published
    }

    /// The published key set.
    pub(crate) fn jwk_set(&self) -> JwkSet {
        JwkSet::of(self.published.iter().map(|(_, key)| key))
    }
}

/// Makes a kind's first key if it has none. Two replicas that start at once both try; the database
/// lets one of them have its way.
async fn ensure(
    store: &Store,
    master: &MasterKey,
    kind: Kind,
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<(), KeysError> {
    if store
        .read()
        .await?
        .keys()
        .active(kind.name())
        .await?
        .is_some()
    {
        return Ok(());
    }
    let key = SigningKey::generate(kind.alg(), rng)?;
    insert(store, master, kind, &key, (clock, rng)).await
}

async fn insert(
    store: &Store,
    master: &MasterKey,
    kind: Kind,
    key: &SigningKey,
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<(), KeysError> {
    let id = KeyId::new(clock, rng);
    let now = clock.now();
    let sealed = master.seal(id, kind, key.to_pkcs8()?.expose(), rng)?;
    let record = aeolus_store::SigningKey {
        id,
        kind: kind.name().to_owned(),
        kid: key.public().kid().to_string(),
        public_jwk: key.public().to_jwk().to_json(),
        sealed,
        created_at: now,
        stage: KeyStage::Active { since: now },
    };
    let mut write = store.write().await?;
    match write.keys().insert(&record).await {
        Ok(()) => write.commit().await.map(|_| ()).map_err(KeysError::from),
        Err(StoreError::Taken(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Takes a snapshot key that an operator made with the root document, if there is none yet.
pub(crate) async fn import_snapshot_key(
    store: &Store,
    master: &MasterKey,
    key: &SigningKey,
    parts: (&dyn Clock, &dyn Rng),
) -> Result<(), KeysError> {
    let kind = Kind::Manifest;
    if key.public().alg() != Alg::EdDsa {
        return Err(KeyError::WrongAlg(key.public().alg()).into());
    }
    if store
        .read()
        .await?
        .keys()
        .active(kind.name())
        .await?
        .is_some()
    {
        return Ok(());
    }
    insert(store, master, kind, key, parts).await
}
