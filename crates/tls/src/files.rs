//! Certificates and keys in PEM files.

use std::io;
use std::path::{Path, PathBuf};

use aeolus_api::trust::Authorities;
use rustls::Error;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFiles {
    /// The configuration's name for them.
    pub name: &'static str,
    /// The certificate, followed by those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key: PKCS#8, SEC 1 or PKCS#1.
    pub key: PathBuf,
}

/// Why files can't be used, and what the configuration calls them.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {source}")]
pub struct TlsError {
    /// The configuration's name for them.
    pub name: &'static str,
    /// Why.
    pub source: Box<TlsFilesError>,
}

impl TlsError {
    /// Names what was wrong.
    pub(crate) fn of(name: &'static str) -> impl Fn(TlsFilesError) -> Self {
        move |source| Self {
            name,
            source: Box::new(source),
        }
    }
}

/// Why files can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFilesError {
    /// Not readable, or not what it should be.
    #[error("{}: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// Nothing in it.
    #[error("{}: there is no certificate in it", .0.display())]
    Empty(PathBuf),
    /// An authority that none can be verified by.
    #[error("{}: a certificate in it is no authority's", .0.display())]
    Authority(PathBuf),
    /// Lists that can't be used.
    #[error("clients can't be judged by it: {0}")]
    Clients(String),
    /// No list in it.
    #[error("{}: there is no revocation list in it", .0.display())]
    NoList(PathBuf),
    /// The two don't belong together, or the key is of a kind that isn't supported.
    #[error("{} is not the key of {}: {source}", key.display(), certificate.display())]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        source: Error,
    },
    /// This machine trusts no authority.
    #[error("this machine trusts no authority: {0}")]
    System(io::Error),
    /// No TLS at all.
    #[error("no TLS: {0}")]
    Provider(Error),
}

/// Those who may vouch for somebody.
pub(crate) fn authorities(path: &Path) -> Result<Authorities, TlsFilesError> {
    certificates(path)?;
    let pem = std::fs::read(path).map_err(|error| TlsFilesError::Pem {
        path: path.to_owned(),
        source: pem::Error::Io(error),
    })?;
    Authorities::from_pem(&pem).map_err(|_| TlsFilesError::Authority(path.to_owned()))
}

/// A pipe would never end, and a device neither: the largest chains have some dozen KiB.
const MAX_FILE: u64 = 1024 * 1024;

fn is_sane(path: &Path) -> Result<(), TlsFilesError> {
    let error = match std::fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() <= MAX_FILE => return Ok(()),
        Ok(_) => io::Error::new(io::ErrorKind::InvalidInput, "not a file of at most 1 MiB"),
        Err(error) => error,
    };
    Err(TlsFilesError::Pem {
        path: path.to_owned(),
        source: pem::Error::Io(error),
    })
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFilesError> {
    is_sane(path)?;
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> = read.map_err(|source| TlsFilesError::Pem {
        path: path.to_owned(),
        source,
    })?;
    if read.is_empty() {
        return Err(TlsFilesError::Empty(path.to_owned()));
    }
    Ok(read)
}

/// Lists of revoked certificates.
pub(crate) fn revocations(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsFilesError> {
    is_sane(path)?;
    let read = CertificateRevocationListDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> = read.map_err(|source| TlsFilesError::Pem {
        path: path.to_owned(),
        source,
    })?;
    if read.is_empty() {
        return Err(TlsFilesError::NoList(path.to_owned()));
    }
    Ok(read)
}

impl PairFiles {
    /// Reads both, and that they belong together.
    pub(crate) fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsFilesError> {
        let chain = certificates(&self.certificate)?;
        is_sane(&self.key)?;
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|source| TlsFilesError::Pem {
            path: self.key.clone(),
            source,
        })?;
        let pair = CertifiedKey::from_der(chain, key, provider);
        pair.map_err(|source| TlsFilesError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })
    }
}
