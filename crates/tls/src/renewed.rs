//! A certificate that is renewed in place.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::kept::{Kept, Role};
use crate::watched::Watched;
use crate::{PairFiles, TlsError, TlsFilesError, open_key};

/// The newest certificate that could be used. Handshakes take it from memory.
#[derive(Debug)]
pub(crate) struct Renewed {
    files: PairFiles,
    provider: Arc<CryptoProvider>,
    pair: ArcSwapOption<CertifiedKey>,
    watched: Watched,
}

impl Renewed {
    /// Without a certificate until the first look.
    pub(crate) fn new(files: PairFiles, provider: Arc<CryptoProvider>) -> Self {
        let both = vec![files.certificate.clone(), files.key.clone()];
        Self {
            watched: Watched::new(files.name, both),
            files,
            provider,
            pair: ArcSwapOption::empty(),
        }
    }

    /// Reads the files, or says what is wrong with them.
    pub(crate) fn try_look(&self) -> Result<(), TlsError> {
        self.watched.try_look(|| self.read())
    }

    /// The files it is of.
    pub(crate) const fn files(&self) -> &PairFiles {
        &self.files
    }
}

impl Kept for Renewed {
    fn watched(&self) -> &Watched {
        &self.watched
    }

    fn read(&self) -> Result<(), TlsFilesError> {
        let pair = self.files.read(&self.provider)?;
        self.pair.store(Some(Arc::new(pair)));
        open_key::say(self.files.name, &self.files.key);
        Ok(())
    }

    fn certificates(&self) -> Vec<(Role, Vec<u8>)> {
        let pair = self.pair.load_full();
        let chain = pair.iter().flat_map(|pair| &pair.cert).enumerate();
        chain
            .map(|(place, certificate)| {
                let role = if place == 0 { Role::Leaf } else { Role::Chain };
                (role, certificate.to_vec())
            })
            .collect()
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
