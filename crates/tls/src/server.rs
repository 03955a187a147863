//! TLS at a listener.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::{PairFiles, Renewed, TlsFilesError};

/// What a listener's clients are shown. TLS 1.2 is the least (RFC 9325 §3.1.1), HTTP/1.1 what is spoken.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
    certificate: Arc<Renewed>,
}

impl ServerTls {
    /// Reads the files; without a certificate there is no listener.
    pub fn open(files: PairFiles) -> Result<Self, TlsFilesError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsFilesError::Provider)?;
        let certificate = Arc::new(Renewed::new(files, provider));
        certificate.try_look()?;
        let mut config = builder
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
        })
    }

    /// Its certificate, to be looked after. Connections that are open keep theirs.
    pub const fn certificate(&self) -> &Arc<Renewed> {
        &self.certificate
    }

    /// The handshake. It takes as long as the client does: the caller sets the limit.
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.acceptor.accept(stream).await
    }
}
