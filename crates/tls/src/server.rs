//! TLS at a listener.

use std::io;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::clients::Clients;
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
    pub(crate) fn names(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http1 => vec![b"http/1.1".to_vec()],
            Self::Http2 => vec![b"h2".to_vec()],
        }
    }
}

/// What a listener's clients are shown, and asked for. TLS 1.2 is the least (RFC 9325 §3.1.1), with the suites that
/// rustls calls safe.
#[derive(Clone)]
pub struct ServerTls(Shown);

#[derive(Clone)]
enum Shown {
    /// To everybody.
    Plainly(Arc<ServerConfig>),
    /// To those who are asked who they are.
    Asking(Arc<Clients>),
}

impl ServerTls {
    /// Shows the newest certificate there is. Connections that are open keep theirs.
    pub(crate) fn new(certificate: Arc<Renewed>, speaks: Protocol) -> Result<Self, TlsError> {
        let name = certificate.files().name;
        let (builder, _) = builder().map_err(TlsError::of(name))?;
        let mut config = builder
            .with_no_client_auth()
            .with_cert_resolver(certificate);
        config.alpn_protocols = speaks.names();
        Ok(Self(Shown::Plainly(Arc::new(config))))
    }

    /// Asks clients for certificates as well.
    pub(crate) const fn asking(clients: Arc<Clients>) -> Self {
        Self(Shown::Asking(clients))
    }

    /// The handshake. It takes as long as the client does: the caller sets the limit.
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = match &self.0 {
            Shown::Plainly(config) => Arc::clone(config),
            Shown::Asking(clients) => clients.config(),
        };
        TlsAcceptor::from(config).accept(stream).await
    }
}

/// What every listener's TLS begins with.
pub(crate) fn builder() -> Result<
    (
        ConfigBuilder<ServerConfig, WantsVerifier>,
        Arc<CryptoProvider>,
    ),
    TlsFilesError,
> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsFilesError::Provider)?;
    Ok((builder, provider))
}
