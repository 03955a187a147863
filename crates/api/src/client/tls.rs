//! TLS towards control with an operator's own authorities and a certificate of the client's own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};

/// PEM files, for a control plane behind something that asks its clients for certificates (RFC 8446
/// §4.4.2). It comes on top of what gates prove by themselves: who has only the certificate is nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Who may vouch for control; none: the system's authorities.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate, if it has one.
    pub own: Option<OwnCertificate>,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCertificate {
    /// The certificate, followed by those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key: PKCS#8, SEC 1 or PKCS#1.
    pub key: PathBuf,
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
    #[error("{}: a certificate in it is no authority's: {source}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The two don't belong together, or the key is of a kind that isn't supported.
    #[error("{} is not the key of {}: {source}", key.display(), certificate.display())]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// This machine trusts no authority.
    #[error("this machine trusts no authority: {0}")]
    System(std::io::Error),
    /// No TLS at all.
    #[error("no TLS: {0}")]
    Provider(rustls::Error),
}

impl TlsFiles {
    /// Says what is wrong with the files, also with those that are waited for in [`Self::read`].
    pub fn check(&self) -> Result<(), TlsFilesError> {
        if let Some(path) = &self.authorities {
            authorities(path)?;
        }
        match &self.own {
            Some(own) => own.read(&aws_lc_rs::default_provider()).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Reads the files. An own certificate that is renewed in place is used from the next connection on,
    /// and one that can't be used yet is waited for: a gate serves without control. Other authorities count
    /// after a restart.
    pub(super) fn read(&self) -> Result<ClientConfig, TlsFilesError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsFilesError::Provider)?;
        let builder = match &self.authorities {
            Some(path) => builder.with_root_certificates(authorities(path)?),
            None => builder.with_native_roots().map_err(TlsFilesError::System)?,
        };
        Ok(match &self.own {
            Some(own) => {
                let own = Renewed::new(own.clone(), provider);
                let mut config = builder.with_client_cert_resolver(Arc::new(own));
                // A resumed session goes on with the certificate that it began with.
                config.resumption = Resumption::disabled();
                config
            }
            None => builder.with_no_client_auth(),
        })
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsFilesError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = store.add(certificate);
        added.map_err(|source| TlsFilesError::Authority {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFilesError> {
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

impl OwnCertificate {
    fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsFilesError> {
        let chain = certificates(&self.certificate)?;
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

    /// When the files were written; none if that can't be told.
    fn written(&self) -> Option<[SystemTime; 2]> {
        let written = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified());
        Some([written(&self.certificate).ok()?, written(&self.key).ok()?])
    }
}

/// A certificate that is read again when its files were written. Files that can't be used, such as half
/// of a pair, change nothing.
#[derive(Debug)]
struct Renewed {
    files: OwnCertificate,
    provider: Arc<CryptoProvider>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    pair: Option<Arc<CertifiedKey>>,
    looked_at: Option<[SystemTime; 2]>,
}

impl Renewed {
    fn new(files: OwnCertificate, provider: Arc<CryptoProvider>) -> Self {
        let renewed = Self {
            files,
            provider,
            held: Mutex::default(),
        };
        // Said at the start, and not when control is first asked.
        renewed.newest();
        renewed
    }

    fn newest(&self) -> Option<Arc<CertifiedKey>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.files.written();
        if held.pair.is_none() || (written.is_some() && written != held.looked_at) {
            held.looked_at = written;
            match self.files.read(&self.provider) {
                Ok(pair) => held.pair = Some(Arc::new(pair)),
                Err(error) => {
                    tracing::warn!(%error, "the certificate for control can't be used; one before it stays");
                }
            }
        }
        held.pair.clone()
    }
}

impl ResolvesClientCert for Renewed {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let pair = self.newest()?;
        pair.key.choose_scheme(schemes).is_some().then_some(pair)
    }

    fn has_certs(&self) -> bool {
        true
    }
}
