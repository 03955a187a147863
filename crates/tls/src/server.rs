//! TLS at a listener.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::renewed::Renewed;
use crate::{TlsError, TlsFilesError};

/// What is spoken inside (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, and nothing else: gRPC.
    Http2,
}

impl Protocol {
    fn names(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http1 => vec![b"http/1.1".to_vec()],
            Self::Http2 => vec![b"h2".to_vec()],
        }
    }
}

/// What a listener's clients are shown. TLS 1.2 is the least (RFC 9325 §3.1.1), with the suites that rustls calls safe.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
}

impl ServerTls {
    /// Shows the newest certificate there is. Connections that are open keep theirs.
    pub(crate) fn new(certificate: Arc<Renewed>, speaks: Protocol) -> Result<Self, TlsError> {
        let name = certificate.files().name;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError {
                name,
                source: TlsFilesError::Provider(error),
            })?;
        let mut config = builder
            .with_no_client_auth()
            .with_cert_resolver(certificate);
        config.alpn_protocols = speaks.names();
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// The handshake. It takes as long as the client does: the caller sets the limit.
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.acceptor.accept(stream).await
    }
}
