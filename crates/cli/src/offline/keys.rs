//! The signing keys of a fleet without control, one file each.

use std::path::Path;

use aeolus_keys::{Alg, Kind, SigningKey};
use aeolus_model::{Clock, Rng, Secret};
use aeolus_snapshot::{Root, RootBuilder};

use crate::files;
use crate::report::{Failure, Report};

/// The keys.
pub(crate) struct Keys {
    /// Signs manifests.
    pub(crate) snapshot: SigningKey,
    /// Signs people's access tokens.
    pub(crate) access: SigningKey,
    /// Signs API tokens.
    pub(crate) api: SigningKey,
    /// The root document.
    pub(crate) root: Root,
}

impl Keys {
    /// Reads the keys in a folder, making those that aren't there yet.
    pub(crate) fn open(folder: &Path, clock: &dyn Clock, rng: &dyn Rng) -> Result<Self, Failure> {
        files::folder(folder)?;
        let root_key = key(&folder.join("root.key"), rng)?;
        let snapshot = key(&folder.join("snapshot.key"), rng)?;
        let access = key(&folder.join("access.key"), rng)?;
        let api = key(&folder.join("api.key"), rng)?;
        let path = folder.join("root.json");
        let root = if let Some(bytes) = files::read(&path)? {
            let text = String::from_utf8(bytes).map_err(|error| files::damaged(&path, &error))?;
            Root::parse(&text).map_err(|error| files::damaged(&path, &error))?
        } else {
            let builder = RootBuilder {
                version: 1,
                threshold: 1,
                root_keys: vec![root_key.public().clone()],
                snapshot_keys: vec![snapshot.public().clone()],
                issued_at: clock.now(),
            };
            let document = builder.sign(&[&root_key]).map_err(|error| failed(&error))?;
            files::write_public(&path, document.as_bytes())?;
            Root::parse(&document).map_err(|error| files::damaged(&path, &error))?
        };
        if !root.trusts(&snapshot.public().kid()) {
            return Err(files::damaged(
                &path,
                &"it does not name the key in snapshot.key, so gates would refuse what that signs",
            ));
        }
        Ok(Self {
            snapshot,
            access,
            api,
            root,
        })
    }

    /// The public keys that gates need to believe tokens.
    pub(crate) fn token_keys(&self) -> [(Kind, &SigningKey); 2] {
        [(Kind::Access, &self.access), (Kind::Api, &self.api)]
    }
}

fn key(path: &Path, rng: &dyn Rng) -> Result<SigningKey, Failure> {
    if let Some(der) = files::read(path)? {
        let der = Secret::new(der);
        return SigningKey::from_pkcs8(&der).map_err(|error| files::damaged(path, &error));
    }
    let key = SigningKey::generate(Alg::EdDsa, rng).map_err(|error| failed(&error))?;
    let der = key.to_pkcs8().map_err(|error| failed(&error))?;
    files::write_private(path, der.expose())?;
    Ok(key)
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Report::new("KEY-0001", format!("a key can't be made: {error}")).failed()
}
