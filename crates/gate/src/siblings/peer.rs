//! Where a sibling is.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// `HOST:PORT`, or `https://HOST:PORT` where it speaks TLS. All addresses of the host are asked, so that the one
/// name of a headless service in Kubernetes stands for every replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    address: String,
    encrypted: bool,
}

/// A text that names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host and port such as gates.airflow.svc:8813")]
pub struct PeerError(String);

impl Peer {
    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The host that it has to prove to be, where it speaks TLS.
    pub fn proves(&self) -> Option<&str> {
        let (host, _) = self.address.rsplit_once(':')?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        self.encrypted.then_some(bare)
    }
}

impl FromStr for Peer {
    type Err = PeerError;

    fn from_str(text: &str) -> Result<Self, PeerError> {
        let error = || PeerError(text.to_owned());
        let (address, encrypted) = match text.strip_prefix("https://") {
            Some(address) => (address, true),
            None => (text, false),
        };
        let (host, port) = address.rsplit_once(':').ok_or_else(error)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let host_stands = bare.map_or_else(
            || !host.is_empty() && host.bytes().all(fits),
            |address| address.parse::<Ipv6Addr>().is_ok(),
        );
        let port_stands = port.parse::<u16>().is_ok_and(|port| port != 0);
        if host_stands && port_stands {
            Ok(Self {
                address: address.to_owned(),
                encrypted,
            })
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https://" } else { "" };
        write!(f, "{scheme}{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_host_and_a_port() {
        for good in ["gates.airflow.svc:8813", "10.0.0.1:1", "[fd00::1]:8813"] {
            let peer: Peer = good.parse().unwrap();
            assert_eq!((peer.address(), peer.proves()), (good, None));
            let encrypted: Peer = format!("https://{good}").parse().unwrap();
            assert_eq!(encrypted.address(), good);
            assert_eq!(encrypted.to_string(), format!("https://{good}"));
        }
        let peer: Peer = "https://[fd00::1]:8813".parse().unwrap();
        assert_eq!(peer.proves(), Some("fd00::1"));
        for bad in [
            "",
            "gates",
            ":8813",
            "gates:",
            "gates:0",
            "gates:65536",
            "http://gates:1",
            "a b:1",
            "fd00::1:8813",
            "[fd00::1",
            "[gates]:1",
        ] {
            assert!(bad.parse::<Peer>().is_err(), "{bad}");
        }
    }
}
