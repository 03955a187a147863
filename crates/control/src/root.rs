//! The root document: which snapshot keys gates believe. It is signed by keys that control never
//! needs; in a production fleet they are offline.
//!
//! Control looks into one folder at every start:
//!
//! - `root.json`: the document to adopt, the first one or the next after the newest in the
//!   database.
//! - `root.key`: a root key (PKCS#8) kept online, as a development fleet does. Only with it can
//!   control sign the first document itself; it never signs a later one.
//! - `snapshot.key`: a snapshot key (PKCS#8) made together with `root.json`. It is taken into the
//!   database once, sealed, and can be removed afterwards.
//!
//! Where there is neither document nor root key, control writes `snapshot-key.jwk` for whoever
//! holds the root keys, says so, and publishes nothing until a `root.json` is there.

use std::io;
use std::path::{Path, PathBuf};

use aeolus_keys::{KeyError, Kind, PublicKey, SigningKey};
use aeolus_model::{Clock, Secret};
use aeolus_snapshot::{MAX_ROOT, Root, RootBuilder, RootError};
use aeolus_store::{KeyStage, RootDocument, Store, StoreError, Unit as _};

/// Why the root folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RootSetupError {
    /// A file can't be read or written.
    #[error("CONTROL-ROOT: {path}: {cause}; check that the folder belongs to this user")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The document is not good.
    #[error("CONTROL-ROOT: {0}")]
    Document(#[from] RootError),
    /// A key file is not good.
    #[error("CONTROL-ROOT: a key in the root folder can't be used: {0}")]
    Key(#[from] KeyError),
    /// The document names other snapshot keys.
    #[error(
        "CONTROL-ROOT: root.json does not name this control's snapshot key, so gates would refuse all it says; sign one that names the key in snapshot-key.jwk"
    )]
    OtherKey,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The snapshot key that came with the document, if there is one.
pub(crate) fn offered_snapshot_key(dir: &Path) -> Result<Option<SigningKey>, RootSetupError> {
    key(&dir.join("snapshot.key"))
}

/// Adopts, makes or asks for the root document.
pub(crate) async fn set_up(
    store: &Store,
    dir: &Path,
    snapshot: &SigningKey,
    clock: &dyn Clock,
) -> Result<(), RootSetupError> {
    let newest = store.read().await?.roots().newest().await?;
    let newest = newest.map(|root| Root::parse(&root.document)).transpose()?;
    let path = dir.join("root.json");
    let offered = read(&path)?.map(|bytes| text(&path, bytes)).transpose()?;
    match (newest, offered) {
        (None, Some(document)) => adopt(store, Root::parse(&document)?, snapshot, clock).await,
        (Some(newest), Some(document)) => {
            let version = Root::parse(&document)?.version();
            if version <= newest.version() {
                return Ok(());
            }
            adopt(store, newest.accept_next(&document)?, snapshot, clock).await
        }
        (Some(_), None) => Ok(()),
        (None, None) => {
            if let Some(root_key) = key(&dir.join("root.key"))? {
                let document = first(&root_key, snapshot, clock)?;
                write(&path, document.as_bytes())?;
                return adopt(store, Root::parse(&document)?, snapshot, clock).await;
            }
            ask(dir, snapshot)
        }
    }
}

/// Tells whoever holds the root keys what to sign.
fn ask(dir: &Path, snapshot: &SigningKey) -> Result<(), RootSetupError> {
    let key = dir.join("snapshot-key.jwk");
    write(&key, snapshot.public().to_jwk().to_json().as_bytes())?;
    tracing::warn!(
        key = %key.display(),
        document = %dir.join("root.json").display(),
        "there is no root document, so nothing is published: have one signed that names the key, \
         put it there, and start again"
    );
    Ok(())
}

fn first(
    root_key: &SigningKey,
    snapshot: &SigningKey,
    clock: &dyn Clock,
) -> Result<String, RootSetupError> {
    let builder = RootBuilder {
        version: 1,
        threshold: 1,
        root_keys: vec![root_key.public().clone()],
        snapshot_keys: vec![snapshot.public().clone()],
        issued_at: clock.now(),
    };
    Ok(builder.sign(&[root_key])?)
}

/// Whether a document names a snapshot key that is announced: it is to take the place of one that somebody
/// else has. Until it does nothing is published, for nobody would believe it.
async fn names_the_next(store: &Store, root: &Root) -> Result<bool, RootSetupError> {
    for key in store.read().await?.keys().list().await? {
        let announced = matches!(key.stage, KeyStage::Announced { .. });
        if announced && key.kind == Kind::Manifest.name() {
            let public = PublicKey::from_jwk_json(&key.public_jwk)?;
            if root.trusts(&public.kid()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn adopt(
    store: &Store,
    root: Root,
    snapshot: &SigningKey,
    clock: &dyn Clock,
) -> Result<(), RootSetupError> {
    if !root.trusts(&snapshot.public().kid()) && !names_the_next(store, &root).await? {
        return Err(RootSetupError::OtherKey);
    }
    let record = RootDocument {
        version: root.version(),
        document: root.document().to_owned(),
        added_at: clock.now(),
    };
    let mut write = store.write().await?;
    match write.roots().insert(&record).await {
        // Another replica of control was faster with the same document.
        Err(StoreError::Taken(_)) => return Ok(()),
        other => other?,
    }
    write.commit().await?;
    Ok(())
}

fn key(path: &Path) -> Result<Option<SigningKey>, RootSetupError> {
    let Some(der) = read(path)? else {
        return Ok(None);
    };
    Ok(Some(SigningKey::from_pkcs8(&Secret::new(der))?))
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, RootSetupError> {
    if bytes.len() > MAX_ROOT {
        return Err(RootError::TooLarge.into());
    }
    String::from_utf8(bytes).map_err(|_| RootSetupError::File {
        path: path.to_owned(),
        cause: io::ErrorKind::InvalidData.into(),
    })
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, RootSetupError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(RootSetupError::File {
            path: path.to_owned(),
            cause,
        }),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), RootSetupError> {
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(path, bytes));
    written.map_err(|cause| RootSetupError::File {
        path: path.to_owned(),
        cause,
    })
}
