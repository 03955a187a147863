//! The connections that requests go out on: straight, or through a proxy's tunnel.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::Service;

use super::proxy::Proxies;
use super::reach::{Reach, Resolver};
use crate::trust::Trust;

const CONNECT: Duration = Duration::from_secs(5);
/// A name that isn't known here by then is the proxy's alone.
const LOOK_UP: Duration = Duration::from_secs(1);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// How requests leave, as it is configured.
#[derive(Clone, Debug, Default)]
pub struct Way {
    proxies: Proxies,
    trust: Option<Arc<Trust>>,
}

impl Way {
    /// Through these proxies.
    pub fn through(proxies: Proxies) -> Self {
        Self {
            proxies,
            ..Self::default()
        }
    }

    /// Believing these instead of the system's authorities alone.
    #[must_use]
    pub fn trusting(self, trust: Arc<Trust>) -> Self {
        Self {
            trust: Some(trust),
            ..self
        }
    }

    /// The proxy, without its user and password.
    pub fn shown(&self) -> Option<String> {
        self.proxies.shown()
    }

    pub(super) fn connector(
        &self,
        reach: Reach,
    ) -> Result<HttpsConnector<Outward>, std::io::Error> {
        let tls = self.tls()?;
        let tunnel = self.proxies.proxy().map(|proxy| {
            // Where the operator pointed, like everything that is configured.
            let to_proxy = HttpsConnectorBuilder::new()
                .with_tls_config(tls.clone())
                .https_or_http()
                .enable_http1()
                .wrap_connector(tcp(Reach::Configured));
            let tunnel = Tunnel::new(proxy.url.clone(), to_proxy);
            match &proxy.authorization {
                Some(value) => tunnel.with_auth(value.clone()),
                None => tunnel,
            }
        });
        let outward = Outward {
            direct: tcp(reach),
            tunnel,
            proxies: self.proxies.clone(),
            reach,
        };
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls);
        Ok(tls.https_or_http().enable_http1().wrap_connector(outward))
    }

    fn tls(&self) -> Result<ClientConfig, std::io::Error> {
        match &self.trust {
            Some(trust) => trust.client(),
            None => Trust::of_system()?.client(),
        }
    }
}

fn tcp(reach: Reach) -> HttpConnector<Resolver> {
    let mut tcp = HttpConnector::new_with_resolver(Resolver(reach));
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.enforce_http(false);
    tcp
}

/// Makes the connections.
#[derive(Clone)]
pub(super) struct Outward {
    direct: HttpConnector<Resolver>,
    tunnel: Option<Tunnel<HttpsConnector<HttpConnector<Resolver>>>>,
    proxies: Proxies,
    reach: Reach,
}

impl Outward {
    /// The tunnel that leads to a URL; none for what is asked without one. Plain HTTP is for this machine.
    fn tunnel(&self, to: &Uri) -> Option<Tunnel<HttpsConnector<HttpConnector<Resolver>>>> {
        let host = to.host()?;
        let port = to.port_u16().unwrap_or(443);
        let spared = to.scheme_str() != Some("https") || self.proxies.spares(host, port);
        self.tunnel.clone().filter(|_| !spared)
    }
}

impl Service<Uri> for Outward {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // A tunnel's connectors are always ready: they are made for each request.
        self.direct.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Some(mut tunnel) = self.tunnel(&to) else {
            let connecting = self.direct.call(to);
            return Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) });
        };
        let reach = self.reach;
        Box::pin(async move {
            refuse_inward(to.host().unwrap_or_default(), reach).await?;
            std::future::poll_fn(|cx| Service::poll_ready(&mut tunnel, cx)).await?;
            Ok(tunnel.call(to).await?)
        })
    }
}

/// The proxy resolves the name, perhaps otherwise than we do, and takes whichever of its addresses it likes. What is
/// known here to lead anywhere that it may not is refused all the same (A19); a name that nobody here knows is the
/// proxy's to judge.
async fn refuse_inward(host: &str, reach: Reach) -> Result<(), Error> {
    let looked_up = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, 0))).await;
    let Ok(Ok(found)) = looked_up else {
        return Ok(());
    };
    refuse_any(found.map(|at| at.ip()), reach)
}

fn refuse_any(found: impl IntoIterator<Item = IpAddr>, reach: Reach) -> Result<(), Error> {
    if found.into_iter().any(|ip| !reach.allows(ip)) {
        return Err("the name leads to an address that may not be reached from here".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a19_a_name_that_leads_to_one_forbidden_address_goes_through_no_proxy() {
        let refused = |ips: &[&str]| {
            let ips = ips.iter().map(|ip| ip.parse().unwrap());
            refuse_any(ips, Reach::Public).is_err()
        };
        assert!(!refused(&["192.0.32.10", "2001:500:88:200::10"]));
        assert!(refused(&["192.0.32.10", "169.254.169.254"]));
        assert!(refused(&["10.0.0.1"]));
        // Nobody here knows the name: the proxy judges it.
        assert!(!refused(&[]));
    }
}
