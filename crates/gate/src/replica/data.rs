//! The gate's data folder: who it is, whom it trusts, and its secrets.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aeolus_keys::seal::Keyring;
use aeolus_keys::{Alg, KeyError, SigningKey};
use aeolus_model::{PlaneId, Rng, Secret, Slug};
use aeolus_snapshot::{Root, RootError};
use serde::{Deserialize, Serialize};

use super::fs::{Fs, replace};
use super::secret_file::SecretFile;

const SETTINGS: &str = "gate.json";
const ROOT: &str = "root.json";
const IDENTITY: &str = "identity.key";

/// `gate.json`: written once, at enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The plane this gate is a replica of.
    pub plane: PlaneId,
    /// Its name.
    pub name: Slug,
    /// Control's public URL, without trailing slash; absent for a gate that never has news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_url: Option<String>,
    /// The issuer of control's tokens: the audience of this plane's assertions.
    pub issuer: String,
}

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Not enrolled yet.
    #[error(
        "{0} holds no gate: run `aeolus gate enroll` with the join token of `aeolus plane add`"
    )]
    NotEnrolled(PathBuf),
    /// Already enrolled.
    #[error("{0} already holds a gate: choose another folder, or remove it to enrol anew")]
    Enrolled(PathBuf),
    /// A file can't be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A link, a device, or a file that others may write (a key: read).
    #[error(
        "{0} is a link or open to other users: it must be a plain file of the gate's own user, keys with mode 0600"
    )]
    Exposed(PathBuf),
    /// A file with content that makes no sense.
    #[error("{path} is damaged: {cause}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

/// Everything a gate is: the files of its data folder, checked and read.
pub struct Data {
    /// The folder.
    pub path: PathBuf,
    /// Who it is.
    pub settings: Settings,
    /// Whom it trusts, as far as it knows.
    pub root: Root,
    /// The plane's identity key, which signs assertions to control.
    pub identity: Arc<SigningKey>,
    /// The plane secret's generations, which control never sees.
    pub secret: Keyring,
    /// Why there is no RSA key for Airflow 2 among them, if there is none.
    pub no_rsa: Option<DataError>,
    /// Where they are kept.
    pub secret_file: SecretFile,
    /// A digest of what was read there.
    pub(crate) secret_content: [u8; 32],
    pub(crate) fs: Arc<dyn Fs>,
}

impl Data {
    /// Reads the folder, refusing files that others could have changed or read.
    pub fn open(path: &Path, fs: Arc<dyn Fs>) -> Result<Self, DataError> {
        let settings_path = path.join(SETTINGS);
        match fs.inspect(&settings_path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DataError::NotEnrolled(path.to_owned()));
            }
            _ => {}
        }
        private(&*fs, path, 0o022)?;
        let replica = path.join("replica");
        if fs.inspect(&replica).is_ok() {
            private(&*fs, &replica, 0o022)?;
        }
        let settings = read(&*fs, &settings_path, 0o022)?;
        let settings =
            serde_json::from_slice(&settings).map_err(|error| damaged(&settings_path, &error))?;
        let root_path = path.join(ROOT);
        let root = String::from_utf8(read(&*fs, &root_path, 0o022)?)
            .map_err(|error| damaged(&root_path, &error))?;
        let root = Root::parse(&root).map_err(|error: RootError| damaged(&root_path, &error))?;
        let identity = key(&*fs, &path.join(IDENTITY))?;
        let secret_file = SecretFile::of(path, Arc::clone(&fs))?;
        let secret = secret_file.read()?;
        Ok(Self {
            path: path.to_owned(),
            settings,
            root,
            identity: Arc::new(identity),
            secret: secret.keyring,
            no_rsa: secret.no_rsa,
            secret_file,
            secret_content: secret.content,
            fs,
        })
    }

    /// Whether the folder holds a gate already.
    pub(crate) fn exists(path: &Path, fs: &dyn Fs) -> bool {
        fs.inspect(&path.join(SETTINGS)).is_ok()
    }

    /// Writes a new folder; the settings last, because they make it one.
    pub(crate) fn create(
        path: &Path,
        fs: &dyn Fs,
        (settings, root): (&Settings, &Root),
        keys: &NewKeys,
    ) -> Result<(), DataError> {
        if Self::exists(path, fs) {
            return Err(DataError::Enrolled(path.to_owned()));
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |cause| DataError::Io { path, cause }
        };
        let identity = keys.identity.to_pkcs8();
        let identity = identity.map_err(|error| damaged(&path.join(IDENTITY), &error))?;
        let settings = serde_json::to_vec_pretty(settings)
            .map_err(|error| damaged(&path.join(SETTINGS), &error))?;
        fs.create_dir(path).map_err(io(path))?;
        let (secret_name, secret) = SecretFile::first(path, &keys.secret)?;
        let files: [(&str, &[u8]); 4] = [
            (IDENTITY, identity.expose()),
            (secret_name, secret.expose().as_bytes()),
            (ROOT, root.document().as_bytes()),
            (SETTINGS, &settings),
        ];
        for (name, bytes) in files {
            let file = path.join(name);
            replace(fs, &file, bytes).map_err(io(&file))?;
        }
        Ok(())
    }

    /// Replaces the root document.
    pub(crate) fn store_root(path: &Path, fs: &dyn Fs, root: &Root) -> io::Result<()> {
        replace(fs, &path.join(ROOT), root.document().as_bytes())
    }
}

/// The secrets of a new plane.
pub(crate) struct NewKeys {
    /// Proves to control who it is.
    pub(crate) identity: SigningKey,
    /// What everything else of the plane is derived from, and the RSA key for Airflow 2. That is made
    /// with the others, not when it is first needed: it would be tenths of a second within a request,
    /// and another key in each copy of the folder.
    pub(crate) secret: Keyring,
}

impl NewKeys {
    /// Makes them.
    pub(crate) fn generate(rng: &dyn Rng) -> Result<Self, KeyError> {
        let mut secret = Keyring::generate(rng);
        secret.adopt_rsa(Arc::new(SigningKey::generate(Alg::Rs256, rng)?));
        Ok(Self {
            identity: SigningKey::generate(Alg::EdDsa, rng)?,
            secret,
        })
    }
}

pub(super) fn key(fs: &dyn Fs, path: &Path) -> Result<SigningKey, DataError> {
    let pkcs8 = Secret::new(read(fs, path, 0o077)?);
    SigningKey::from_pkcs8(&pkcs8).map_err(|error| damaged(path, &error))
}

pub(super) fn read(fs: &dyn Fs, path: &Path, forbidden: u32) -> Result<Vec<u8>, DataError> {
    private(fs, path, forbidden)?;
    fs.read(path).map_err(|cause| DataError::Io {
        path: path.to_owned(),
        cause,
    })
}

fn private(fs: &dyn Fs, path: &Path, forbidden: u32) -> Result<(), DataError> {
    let entry = fs.inspect(path).map_err(|cause| DataError::Io {
        path: path.to_owned(),
        cause,
    })?;
    if entry.special || entry.mode & forbidden != 0 {
        return Err(DataError::Exposed(path.to_owned()));
    }
    Ok(())
}

pub(super) fn damaged(path: &Path, cause: &impl ToString) -> DataError {
    DataError::Damaged {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}
