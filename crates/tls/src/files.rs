//! Certificates and keys in PEM files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aeolus_api::trust::{Authorities, AuthoritiesError};
use rustls::Error;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

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
    #[error("{} {source}", path.display())]
    Authority {
        /// Which.
        path: PathBuf,
        /// Why.
        source: AuthoritiesError,
    },
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
    let pem = bytes(path, MAX_FILE)?;
    chain(path, &pem)?;
    Authorities::from_pem(&pem).map_err(|source| TlsFilesError::Authority {
        path: path.to_owned(),
        source,
    })
}

/// A pipe would never end, and a device neither: the largest chains have some dozen KiB.
const MAX_FILE: u64 = 1024 * 1024;
/// Lists of revoked certificates grow: some 40 bytes for each, until it has expired.
const MAX_LIST: u64 = 32 * 1024 * 1024;

fn bytes(path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>, TlsFilesError> {
    let refused = || {
        let what = format!("not a file of at most {} MiB", max / (1024 * 1024));
        io::Error::new(io::ErrorKind::InvalidInput, what)
    };
    let read = || {
        if !std::fs::metadata(path)?.is_file() {
            return Err(refused());
        }
        let mut bytes = Zeroizing::new(Vec::new());
        File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
        let fits = u64::try_from(bytes.len()).is_ok_and(|len| len <= max);
        fits.then_some(bytes).ok_or_else(refused)
    };
    read().map_err(|error| unread(path, pem::Error::Io(error)))
}

fn unread(path: &Path, source: pem::Error) -> TlsFilesError {
    TlsFilesError::Pem {
        path: path.to_owned(),
        source,
    }
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFilesError> {
    chain(path, &bytes(path, MAX_FILE)?)
}

fn chain(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsFilesError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|source| unread(path, source))?;
    if read.is_empty() {
        return Err(TlsFilesError::Empty(path.to_owned()));
    }
    Ok(read)
}

/// Lists of revoked certificates.
pub(crate) fn revocations(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsFilesError> {
    let read: Result<Vec<_>, _> =
        CertificateRevocationListDer::pem_slice_iter(&bytes(path, MAX_LIST)?).collect();
    let read = read.map_err(|source| unread(path, source))?;
    if read.is_empty() {
        return Err(TlsFilesError::NoList(path.to_owned()));
    }
    Ok(read)
}

/// Those who may vouch for clients. A certificate that is nobody's but its own would let in whoever has its key.
pub(crate) fn vouching(path: &Path) -> Result<Authorities, TlsFilesError> {
    let found = authorities(path)?;
    if found.all_vouch() {
        return Ok(found);
    }
    Err(TlsFilesError::Authority {
        path: path.to_owned(),
        source: AuthoritiesError::NoAuthority,
    })
}

impl PairFiles {
    /// Reads both, and that they belong together.
    pub(crate) fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsFilesError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&bytes(&self.key, MAX_FILE)?);
        let key = key.map_err(|source| unread(&self.key, source))?;
        let pair = CertifiedKey::from_der(chain, key, provider);
        pair.map_err(|source| TlsFilesError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })
    }
}
