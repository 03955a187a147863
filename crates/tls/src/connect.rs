//! A connection to a server of ours that speaks TLS.

use std::io;
use std::sync::Arc;

use aeolus_api::trust::Trust;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The handshake, by which the other end proves that it is `host`: a name or an address. It takes as long as that
/// end does: the caller sets the limit.
pub async fn connect<S>(trust: &Arc<Trust>, host: &str, stream: S) -> io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(trust.client()?));
    connector.connect(name, stream).await
}
