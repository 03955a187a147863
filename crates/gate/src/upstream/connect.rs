//! Connections to applications: plain ones, and by TLS, where who they are is always proved. There is no setting that leaves
//! that out.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aeolus_api::trust::Trust;
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_rustls::{
    FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream,
};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;

/// How long an application may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// And to prove who it is, with the time of the connection.
const PROVE: Duration = Duration::from_secs(10);

type Secure = HttpsConnector<HttpConnector>;
type BoxError = Box<dyn Error + Send + Sync>;

/// How applications prove who they are. Without it, those that are asked to are not reached.
#[derive(Clone, Default)]
pub struct UpstreamTls {
    shared: Option<Secure>,
    own: HashMap<Authority, Secure>,
}

/// How one application does, where it is otherwise than the others.
#[derive(Clone, Debug)]
pub struct OwnProof {
    /// Where it is, as its deployment's `upstream` says: `HOST` or `HOST:PORT`.
    pub at: Authority,
    /// Who may vouch for it.
    pub trust: Arc<Trust>,
    /// The name that its certificate has, where that isn't HOST.
    pub name: Option<ServerName<'static>>,
}

impl UpstreamTls {
    /// By who may vouch for applications, and what is otherwise for some of them.
    pub fn new(shared: &Arc<Trust>, own: Vec<OwnProof>) -> io::Result<Self> {
        let own = own.into_iter().map(|one| {
            let secure = secure(&one.trust, one.name)?;
            Ok((one.at, secure))
        });
        Ok(Self {
            shared: Some(secure(shared, None)?),
            own: own.collect::<io::Result<_>>()?,
        })
    }

    fn to(&self, at: &Uri) -> Option<Secure> {
        let own = at.authority().and_then(|at| self.own.get(at));
        own.or(self.shared.as_ref()).cloned()
    }
}

fn secure(trust: &Arc<Trust>, name: Option<ServerName<'static>>) -> io::Result<Secure> {
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(trust.client()?)
        .https_only();
    let builder = match name {
        Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name)),
        None => builder,
    };
    let mut tcp = tcp();
    tcp.enforce_http(false);
    Ok(builder.enable_http1().wrap_connector(tcp))
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    connector
}

/// Makes the connections.
#[derive(Clone)]
pub(crate) struct Connector {
    plain: HttpConnector,
    tls: Arc<UpstreamTls>,
}

impl Connector {
    pub(super) fn new(tls: UpstreamTls) -> Self {
        Self {
            plain: tcp(),
            tls: Arc::new(tls),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // That of TLS is made for each connection, and is always ready.
        self.plain.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        if to.scheme() == Some(&Scheme::HTTPS) {
            let secure = self.tls.to(&to);
            return Box::pin(async move {
                let mut secure = secure.ok_or("nobody may vouch for applications here")?;
                timeout(PROVE, secure.call(to)).await?
            });
        }
        let connecting = self.plain.call(to);
        Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
    }
}

/// Why there is no TLS with an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untrusted {
    /// Nobody who is believed vouches for it, or not for this name or at this time.
    Certificate,
    /// It speaks none, or none that is safe.
    Handshake,
}

impl Untrusted {
    /// What an error of the client has to do with TLS.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Option<(Self, String)> {
        let found = cause(error)?;
        let why = match found {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                Self::Certificate
            }
            _ => Self::Handshake,
        };
        Some((why, found.to_string()))
    }

    /// The stable code, and what it means.
    pub(super) const fn said(self) -> &'static str {
        match self {
            Self::Certificate => {
                "GATE-0015: the application's certificate is not believed, so nothing was sent to it; name its authority in tls.privateCaCerts, or its authority or name in gate.upstreamTls"
            }
            Self::Handshake => {
                "GATE-0016: TLS with the application failed; see that its upstream speaks TLS 1.2 or 1.3 at that port, and asks for no certificate"
            }
        }
    }
}

/// The error of TLS among the causes. What `io::Error` wraps is not its source, but lies in it.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let inner = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match inner {
        Some(inner) => cause(inner),
        None => cause(error.source()?),
    }
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn what_tls_says_is_found_below_what_others_say() {
        let expired = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, expired.clone()));
        assert_eq!(
            Untrusted::of(&wrapped),
            Some((Untrusted::Certificate, expired.to_string()))
        );
        let plain = io::Error::other(rustls::Error::InvalidMessage(
            rustls::InvalidMessage::InvalidContentType,
        ));
        let (why, _) = Untrusted::of(&plain).unwrap();
        assert_eq!(why, Untrusted::Handshake);
        assert_eq!(Untrusted::of(&io::Error::other("refused")), None);
        assert_eq!(
            Untrusted::of(&io::Error::from(io::ErrorKind::TimedOut)),
            None
        );
    }
}
