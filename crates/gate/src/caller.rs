//! Who asks, and where their TLS ends.

use std::net::IpAddr;

use aeolus_model::is_loopback;

/// Who sent a request, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The client's address; none on a Unix socket.
    pub(crate) peer: Option<IpAddr>,
    /// Where its TLS ends.
    pub(crate) tls: TlsEnd,
}

/// Where TLS ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsEnd {
    /// At the listener itself.
    Here,
    /// In front of it; on this machine alone perhaps nowhere.
    InFront,
}

impl TlsEnd {
    /// The scheme by which clients know a host, given in canonical form: plain http only ever on this
    /// machine.
    pub(crate) fn scheme(self, host: &str) -> &'static str {
        match self {
            Self::InFront if is_loopback(host) => "http",
            Self::Here | Self::InFront => "https",
        }
    }

    /// What URLs of a host begin with. Ports are for this machine only.
    pub(crate) fn base(self, host: &str, port: Option<u16>) -> String {
        let scheme = self.scheme(host);
        let usual = if scheme == "http" { 80 } else { 443 };
        match port {
            Some(port) if is_loopback(host) && port != usual => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TlsEnd::{Here, InFront};

    #[test]
    fn urls_are_as_clients_know_them() {
        assert_eq!(InFront.base("a.test", Some(8443)), "https://a.test");
        assert_eq!(Here.base("a.test", None), "https://a.test");
        assert_eq!(InFront.base("a.localhost", Some(80)), "http://a.localhost");
        assert_eq!(InFront.base("[::1]", Some(8080)), "http://[::1]:8080");
        assert_eq!(
            Here.base("a.localhost", Some(8443)),
            "https://a.localhost:8443"
        );
        assert_eq!(Here.base("a.localhost", Some(443)), "https://a.localhost");
    }
}
