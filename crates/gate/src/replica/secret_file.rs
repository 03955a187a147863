//! `secret.json`: the generations of the plane secret, as a replica keeps them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aeolus_keys::digest::sha256;
use aeolus_keys::seal::{GenerationError, Keyring};
use aeolus_keys::{Alg, KeyError, SigningKey};
use aeolus_model::Secret;

use super::data::{Data, DataError, damaged, key, read};
use super::fs::{Fs, replace};

const SECRET: &str = "secret.json";

/// Where folders of before have their RSA key, which is in `secret.json` today.
const AIRFLOW2: &str = "airflow2.key";

/// The file in one data folder.
#[derive(Clone)]
pub struct SecretFile {
    folder: PathBuf,
    fs: Arc<dyn Fs>,
}

/// What the file says.
pub struct SecretRead {
    /// The generations.
    pub keyring: Keyring,
    /// Why there is no RSA key, if there is none. It is no reason not to serve: every deployment but
    /// those of Airflow 2 does without.
    pub no_rsa: Option<DataError>,
    /// A digest of the file, to know another one by.
    pub(crate) content: [u8; 32],
}

impl SecretFile {
    /// The file of a gate's folder.
    pub fn of(folder: &Path, fs: Arc<dyn Fs>) -> Result<Self, DataError> {
        if !Data::exists(folder, &*fs) {
            return Err(DataError::NotEnrolled(folder.to_owned()));
        }
        let folder = folder.to_owned();
        Ok(Self { folder, fs })
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.join(SECRET)
    }

    /// What it says. It is refused if others could have read it.
    pub fn read(&self) -> Result<SecretRead, DataError> {
        self.parse(&self.bytes()?)
    }

    pub(crate) fn bytes(&self) -> Result<Secret<Vec<u8>>, DataError> {
        read(&*self.fs, &self.path(), 0o077).map(Secret::new)
    }

    pub(crate) fn parse(&self, bytes: &Secret<Vec<u8>>) -> Result<SecretRead, DataError> {
        let keyring = Keyring::from_json(bytes.expose());
        let mut keyring =
            keyring.map_err(|error: GenerationError| damaged(&self.path(), &error))?;
        let mut no_rsa = None;
        if !keyring.has_rsa() {
            match rsa_key(&*self.fs, &self.folder.join(AIRFLOW2)) {
                Ok(key) => keyring.adopt_rsa(Arc::new(key)),
                Err(error) => no_rsa = Some(error),
            }
        }
        Ok(SecretRead {
            keyring,
            no_rsa,
            content: Self::digest(bytes),
        })
    }

    /// The digest of a file's bytes.
    pub(crate) fn digest(bytes: &Secret<Vec<u8>>) -> [u8; 32] {
        sha256(bytes.expose())
    }

    /// Replaces it, as a whole or not at all.
    pub fn write(&self, keyring: &Keyring) -> Result<(), DataError> {
        let json = json(&self.folder, keyring)?;
        let io = |path: PathBuf| move |cause| DataError::Io { path, cause };
        replace(&*self.fs, &self.path(), json.expose().as_bytes()).map_err(io(self.path()))?;
        let before = self.folder.join(AIRFLOW2);
        match self.fs.remove(&before) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io(before)(error)),
            _ => Ok(()),
        }
    }

    /// Its name and content in a new folder.
    pub(super) fn first(
        folder: &Path,
        keyring: &Keyring,
    ) -> Result<(&'static str, Secret<String>), DataError> {
        Ok((SECRET, json(folder, keyring)?))
    }
}

fn json(folder: &Path, keyring: &Keyring) -> Result<Secret<String>, DataError> {
    let json = keyring.to_json();
    json.map_err(|error: KeyError| damaged(&folder.join(SECRET), &error))
}

fn rsa_key(fs: &dyn Fs, path: &Path) -> Result<SigningKey, DataError> {
    let key = key(fs, path)?;
    if key.public().alg() == Alg::Rs256 {
        Ok(key)
    } else {
        Err(damaged(path, &"it is no RSA key"))
    }
}
