//! A certificate that is renewed in place.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    seen: Mutex<Seen>,
}

/// What came of the last looks.
#[derive(Debug, Default)]
struct Seen {
    /// The files that the pair is of.
    read: Option<[Version; 2]>,
    /// Why they can't be used, as it was said.
    said: Option<String>,
}

/// A file's place, last change of any kind, and size: none stays the same when it is replaced, even with
/// the times of another one.
type Version = (u64, u64, i64, i64, u64);

impl Renewed {
    /// Without a certificate until the first look.
    pub(crate) fn new(files: PairFiles, provider: Arc<CryptoProvider>) -> Self {
        Self {
            files,
            provider,
            pair: ArcSwapOption::empty(),
            seen: Mutex::default(),
        }
    }

    /// Reads the files if they are others since. Files that can't be used, such as a new certificate
    /// beside the old key, change nothing, are said once, and are tried again at the next look.
    pub fn look(&self) {
        let failed = self.try_look().err().map(|error| error.to_string());
        let mut seen = self.seen();
        if let Some(error) = &failed
            && failed != seen.said
        {
            tracing::warn!(%error, "a certificate can't be used; the one before it, if any, stays");
        }
        seen.said = failed;
    }

    pub(crate) fn try_look(&self) -> Result<(), TlsFilesError> {
        let mut seen = self.seen();
        let found = self.files.versions();
        if found.is_some() && found == seen.read {
            return Ok(());
        }
        let pair = self.files.read(&self.provider)?;
        self.pair.store(Some(Arc::new(pair)));
        seen.read = found;
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PairFiles {
    /// Which files they are now; none if that can't be told.
    fn versions(&self) -> Option<[Version; 2]> {
        let version = |path: &Path| {
            let found = std::fs::metadata(path).ok()?;
            let changed = (found.ctime(), found.ctime_nsec());
            Some((found.dev(), found.ino(), changed.0, changed.1, found.size()))
        };
        Some([version(&self.certificate)?, version(&self.key)?])
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
