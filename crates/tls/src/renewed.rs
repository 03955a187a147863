//! A certificate that is renewed in place.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::{PairFiles, TlsFilesError};

/// The newest certificate that could be used. Handshakes take it from memory; whoever owns it calls
/// [`Self::look`] now and then, where a disk that hangs holds up nobody.
#[derive(Debug)]
pub struct Renewed {
    files: PairFiles,
    provider: Arc<CryptoProvider>,
    pair: ArcSwapOption<CertifiedKey>,
    seen: Mutex<Option<[SystemTime; 2]>>,
}

impl Renewed {
    /// Without a certificate until the first look.
    pub(crate) fn new(files: PairFiles, provider: Arc<CryptoProvider>) -> Self {
        Self {
            files,
            provider,
            pair: ArcSwapOption::empty(),
            seen: Mutex::new(None),
        }
    }

    /// Reads the files if they were written since. Files that can't be used, such as a new certificate
    /// beside the old key, change nothing, and are said once.
    pub fn look(&self) {
        if let Err(error) = self.try_look() {
            tracing::warn!(%error, "a certificate can't be used; the one before it, if any, stays");
        }
    }

    pub(crate) fn try_look(&self) -> Result<(), TlsFilesError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.files.written();
        if written.is_some() && written == *seen {
            return Ok(());
        }
        // Not read again before they are written again.
        *seen = written;
        let pair = self.files.read(&self.provider)?;
        self.pair.store(Some(Arc::new(pair)));
        Ok(())
    }
}

impl PairFiles {
    /// When the files were written; none if that can't be told.
    fn written(&self) -> Option<[SystemTime; 2]> {
        let written = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified());
        Some([written(&self.certificate).ok()?, written(&self.key).ok()?])
    }
}

impl ResolvesClientCert for Renewed {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let pair = self.pair.load_full()?;
        pair.key.choose_scheme(schemes).is_some().then_some(pair)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.pair.load_full()
    }
}
