//! How one proxy asks and is answered. A codec only parses and renders; it decides nothing.
//!
//! No two proxies agree on anything but "200 is an allowance", so each has a route of its own,
//! `/authz/{dialect}/{deployment}`, and nothing is guessed from which headers happen to be there.

mod ask;
pub mod ext_authz;
pub mod fastcgi;
mod render;

#[cfg(test)]
mod tests;

use http::HeaderMap;

pub use ask::{Check, PREFIX, parse};
pub use render::render;

/// A way of asking; also a label of metrics and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `auth_request` of nginx: it understands 200, 401 and 403.
    Nginx,
    /// `ForwardAuth` of Traefik.
    Traefik,
    /// `forward_auth` of Caddy.
    Caddy,
    /// The Lua action of `deploy/haproxy`.
    Haproxy,
    /// `ext_authz` over HTTP of Envoy, and the `ExternalAuth` filter of the Gateway API: the
    /// original request itself, its path behind the check's.
    Envoy,
    /// `ext_authz` over gRPC of Envoy.
    EnvoyGrpc,
    /// Apache's `mod_authnz_fcgi`.
    Apache,
    /// `/v1/authorization`: nginx as it was configured for the original.
    Authorization,
    /// No proxy in between: the built-in one asks for itself.
    Proxy,
}

impl Dialect {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Nginx,
        Self::Traefik,
        Self::Caddy,
        Self::Haproxy,
        Self::Envoy,
        Self::EnvoyGrpc,
        Self::Apache,
        Self::Authorization,
        Self::Proxy,
    ];

    /// Those that ask at `/authz/NAME/`.
    pub const OVER_HTTP: [Self; 5] = [
        Self::Nginx,
        Self::Traefik,
        Self::Caddy,
        Self::Haproxy,
        Self::Envoy,
    ];

    /// Its name in metrics, logs and a check's path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::EnvoyGrpc => "envoy-grpc",
            Self::Apache => "apache",
            Self::Authorization => "authorization",
            Self::Proxy => "proxy",
        }
    }

    /// The dialect that asks at `/authz/NAME/`.
    pub fn of(name: &str) -> Option<Self> {
        let mut all = Self::OVER_HTTP.into_iter();
        all.find(|dialect| dialect.name() == name)
    }
}

/// Names and values as the decision wants them.
pub(crate) fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
}
