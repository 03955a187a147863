//! Making keys.

use aeolus_keys::envelope::MasterKey;
use aeolus_keys::{Alg, KeyError, Kind, SigningKey};
use aeolus_model::{Clock, KeyId, Rng};
use aeolus_store::{KeyStage, SigningKey as Record, Store, StoreError, Unit as _};

use super::{KeysError, certificate};
use crate::app::App;

/// Makes a kind's first key if it has none. Two replicas that start at once both try; the database
/// lets one of them have its way.
pub(super) async fn ensure(
    store: &Store,
    master: &MasterKey,
    kind: Kind,
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<(), KeysError> {
    if has_active(store, kind).await? {
        return Ok(());
    }
    let key = SigningKey::generate(kind.alg(), rng)?;
    insert(store, master, kind, &key, (clock, rng)).await
}

/// Makes the first key for security event tokens, if there is none: whoever has no receiver needs none.
pub(crate) async fn for_events(app: &App) -> Result<(), KeysError> {
    let kind = Kind::SecurityEvent;
    if app.keys.now.load().has(kind) {
        return Ok(());
    }
    if !has_active(&app.store, kind).await? {
        keep(&app.store, &new(app, kind).await?).await?;
    }
    app.keys.refresh(&app.store, &app.master).await
}

/// A new key that is in no database yet. Making one of RSA takes tenths of a second: no transaction and
/// no thread that answers requests waits for it.
pub(super) async fn new(app: &App, kind: Kind) -> Result<Record, KeysError> {
    let making = app.clone();
    let work = move || {
        let parts = (&*making.clock as &dyn Clock, &*making.rng as &dyn Rng);
        generate(&making.master, kind, parts)
    };
    let made = tokio::task::spawn_blocking(work).await;
    made.map_err(|_| KeysError::Cancelled)?
}

/// New keys of these kinds, at a start: nobody waits for the time that RSA takes.
pub(super) fn records(
    master: &MasterKey,
    kinds: Vec<Kind>,
    parts: (&dyn Clock, &dyn Rng),
) -> Result<Vec<Record>, KeysError> {
    let new = |kind: Kind| generate(master, kind, parts);
    kinds.into_iter().map(new).collect()
}

fn generate(
    master: &MasterKey,
    kind: Kind,
    parts: (&dyn Clock, &dyn Rng),
) -> Result<Record, KeysError> {
    let key = SigningKey::generate(kind.alg(), parts.1)?;
    record(master, (kind, &key), parts)
}

/// The record of a key that signs from now on.
pub(super) fn record(
    master: &MasterKey,
    (kind, key): (Kind, &SigningKey),
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<Record, KeysError> {
    let (id, now) = (KeyId::new(clock, rng), clock.now());
    let private = key.to_pkcs8()?;
    let mut record = Record {
        id,
        kind: kind.name().to_owned(),
        kid: key.public().kid().to_string(),
        public_jwk: key.public().to_jwk().to_json(),
        sealed: master.seal(id, kind, private.expose(), rng)?,
        created_at: now,
        stage: KeyStage::Active { since: now },
    };
    if kind == Kind::Legacy {
        let made = certificate::of(&record, &private)?;
        record.public_jwk = certificate::with(&record.public_jwk, &made)?;
    }
    Ok(record)
}

/// Keeps a certificate with every legacy key from before certificates were kept, while its private part is there:
/// who believes the key by its certificate has to find it when the key has retired.
pub(super) async fn certify(store: &Store, master: &MasterKey) -> Result<(), KeysError> {
    let mut view = store.read().await?;
    let keys = view.keys().list().await?;
    drop(view);
    let kind = Kind::Legacy;
    let bare = |key: &&Record| {
        key.kind == kind.name()
            && !key.sealed.is_empty()
            && certificate::kept(&key.public_jwk).is_none()
    };
    for key in keys.iter().filter(bare) {
        let Ok(private) = master.open(key.id, kind, &key.sealed) else {
            // Whoever has its master key does it. That an active one can't be opened is said elsewhere.
            continue;
        };
        let jwk = certificate::with(&key.public_jwk, &certificate::of(key, &private)?)?;
        let mut write = store.write().await?;
        // Of replicas that start at once each has the same bytes, and one writes them.
        if write.keys().certify(key, &jwk).await? {
            write.commit().await?;
        }
    }
    Ok(())
}

async fn insert(
    store: &Store,
    master: &MasterKey,
    kind: Kind,
    key: &SigningKey,
    parts: (&dyn Clock, &dyn Rng),
) -> Result<(), KeysError> {
    keep(store, &record(master, (kind, key), parts)?).await
}

async fn keep(store: &Store, record: &Record) -> Result<(), KeysError> {
    let mut write = store.write().await?;
    match write.keys().insert(record).await {
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
    if has_active(store, kind).await? {
        return Ok(());
    }
    insert(store, master, kind, key, parts).await
}

async fn has_active(store: &Store, kind: Kind) -> Result<bool, KeysError> {
    let mut view = store.read().await?;
    Ok(view.keys().active(kind.name()).await?.is_some())
}
