//! TLS towards control.

use std::path::PathBuf;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;

use crate::files::authorities;
use crate::{PairFiles, Renewed, TlsFilesError};

/// For a control plane behind something that asks its clients for certificates (RFC 8446 §4.4.2), or
/// has one of a private authority. It comes on top of what gates prove by themselves: who has only the
/// certificate is nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// Who may vouch for control; none: the system's authorities.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate, if it has one.
    pub own: Option<PairFiles>,
}

/// A client's TLS.
#[derive(Debug)]
pub struct ClientTls {
    /// For its connections.
    pub config: ClientConfig,
    /// Its own certificate, to be looked after.
    pub own: Option<Arc<Renewed>>,
}

impl ClientFiles {
    /// Says what is wrong with the files, also with those that are waited for in [`Self::open`].
    pub fn check(&self) -> Result<(), TlsFilesError> {
        if let Some(path) = &self.authorities {
            authorities(path)?;
        }
        match &self.own {
            Some(own) => own.read(&aws_lc_rs::default_provider()).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Reads the files. An own certificate that can't be used yet is waited for: a gate serves without
    /// control. Other authorities count after a restart.
    pub fn open(&self) -> Result<ClientTls, TlsFilesError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsFilesError::Provider)?;
        let builder = match &self.authorities {
            Some(path) => builder.with_root_certificates(authorities(path)?),
            None => builder.with_native_roots().map_err(TlsFilesError::System)?,
        };
        let Some(own) = &self.own else {
            let config = builder.with_no_client_auth();
            return Ok(ClientTls { config, own: None });
        };
        let own = Arc::new(Renewed::new(own.clone(), provider));
        own.look();
        let mut config = builder.with_client_cert_resolver(Arc::clone(&own) as _);
        // A resumed session goes on with the certificate that it began with.
        config.resumption = Resumption::disabled();
        Ok(ClientTls {
            config,
            own: Some(own),
        })
    }
}
