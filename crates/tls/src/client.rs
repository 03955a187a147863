//! TLS towards control.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;

use crate::believed::{AuthorityFiles, Believed};
use crate::kept::Kept;
use crate::renewed::Renewed;
use crate::{PairFiles, TlsError, TlsFilesError};

/// For a control plane that asks its clients for certificates (RFC 8446 §4.4.2), or has one of a private
/// authority. It comes on top of what gates prove by themselves: who has only the certificate is nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    /// Who may vouch for control.
    pub authorities: AuthorityFiles,
    /// The client's own certificate, if it has one.
    pub own: Option<PairFiles>,
}

impl Default for ClientFiles {
    /// The system's authorities, and no certificate.
    fn default() -> Self {
        Self {
            authorities: AuthorityFiles::beside_system("tls.privateCaCerts", Vec::new()),
            own: None,
        }
    }
}

/// A client's TLS.
#[derive(Debug)]
pub struct ClientTls {
    /// For its connections.
    pub config: ClientConfig,
    /// What it is made of, to be looked after.
    pub kept: Vec<Arc<dyn Kept>>,
}

impl ClientFiles {
    /// Says what is wrong with the files, also with those that are waited for in [`Self::open`].
    pub fn check(&self) -> Result<(), TlsError> {
        self.authorities.read()?;
        match &self.own {
            Some(own) => {
                let name = own.name;
                let read = own.read(&aws_lc_rs::default_provider()).map(|_| ());
                read.map_err(TlsError::of(name))
            }
            None => Ok(()),
        }
    }

    /// Reads the files. An own certificate that can't be used yet is waited for: a gate serves without
    /// control.
    pub fn open(&self) -> Result<ClientTls, TlsError> {
        let believed = Believed::open(self.authorities.clone())?;
        let mut kept: Vec<Arc<dyn Kept>> = vec![Arc::clone(&believed) as _];
        let config = match &self.own {
            Some(own) => {
                let provider = Arc::new(aws_lc_rs::default_provider());
                let own = Arc::new(Renewed::new(own.clone(), provider));
                own.look();
                kept.push(Arc::clone(&own) as _);
                believed.trust().client_with(own)
            }
            None => believed.trust().client(),
        };
        let name = self.authorities.name;
        let config = config.map_err(|error| TlsError::of(name)(TlsFilesError::System(error)))?;
        Ok(ClientTls { config, kept })
    }
}
