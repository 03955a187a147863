//! Who may ask for checks: whoever can ask gets an Airflow token.
//!
//! Loopback and Unix sockets are this machine's own. From anywhere else a proxy must come from a
//! known network and know a secret; Airflow, which fetches public keys only, must come from one.

use std::net::IpAddr;

use aeolus_keys::{PROXY_SECRET_HEADER, ProxySecrets};
use aeolus_model::Cidr;
use http::{HeaderMap, HeaderValue};

/// The proxies on other machines.
#[derive(Default)]
pub struct Proxies {
    /// Where they are.
    pub from: Vec<Cidr>,
    /// What they know.
    pub secrets: ProxySecrets,
}

impl Proxies {
    /// Whether listening for other machines is safe: both halves are there, and no secret can be
    /// guessed.
    pub fn is_complete(&self) -> bool {
        !self.from.is_empty() && self.secrets.are_safe()
    }

    /// Whether a peer may ask for checks and our pages.
    pub fn may_ask(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
        is_here(peer) || (self.is_near(peer) && self.is_known(headers))
    }

    /// Whether a peer may read public keys and health.
    pub fn may_read(&self, peer: Option<IpAddr>) -> bool {
        is_here(peer) || self.is_near(peer)
    }

    fn is_near(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.from.iter().any(|block| block.holds(peer)))
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get_all(PROXY_SECRET_HEADER).iter();
        self.secrets.know(shown.map(HeaderValue::as_bytes))
    }
}

fn is_here(peer: Option<IpAddr>) -> bool {
    peer.is_none_or(|peer| peer.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use aeolus_model::Secret;

    use super::*;

    const LENGTH: usize = 32;

    fn secrets(all: &[&str]) -> ProxySecrets {
        let all = all.iter().map(|secret| Secret::new((*secret).to_owned()));
        ProxySecrets::new(all.collect())
    }

    fn proxies() -> Proxies {
        Proxies {
            from: vec!["10.1.0.0/16".parse().unwrap()],
            secrets: secrets(&[&"a".repeat(LENGTH), &"b".repeat(LENGTH)]),
        }
    }

    fn headers(all: &[&str]) -> HeaderMap {
        let pair = |value: &&str| {
            (
                PROXY_SECRET_HEADER.parse().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        all.iter().map(pair).collect()
    }

    #[test]
    fn row_85_network_and_secret_are_both_needed() {
        let (a, b, c) = ("a".repeat(LENGTH), "b".repeat(LENGTH), "c".repeat(LENGTH));
        let table: [(&str, &[&str], bool); 9] = [
            ("10.1.2.3", &[&a], true),
            ("10.1.2.3", &[&b], true),
            ("::ffff:10.1.2.3", &[&a], true),
            ("10.1.2.3", &[], false),
            ("10.1.2.3", &[&c], false),
            ("10.1.2.3", &[&a, &a], false),
            ("10.1.2.3", &[&a[1..]], false),
            ("10.2.2.3", &[&a], false),
            ("127.0.0.1", &[], true),
        ];
        for (peer, shown, expected) in table {
            let peer = peer.parse().ok();
            assert_eq!(
                proxies().may_ask(peer, &headers(shown)),
                expected,
                "{peer:?} {shown:?}"
            );
        }
        assert!(proxies().may_ask(None, &headers(&[])), "a Unix socket");
    }

    #[test]
    fn keys_are_read_from_known_networks_only() {
        assert!(proxies().may_read("10.1.2.3".parse().ok()));
        assert!(!proxies().may_read("10.2.2.3".parse().ok()));
        assert!(!Proxies::default().may_read("10.1.2.3".parse().ok()));
    }

    #[test]
    fn half_a_guard_is_none() {
        assert!(proxies().is_complete());
        assert!(!Proxies::default().is_complete());
        assert!(
            !Proxies {
                from: vec![],
                ..proxies()
            }
            .is_complete()
        );
        assert!(
            !Proxies {
                secrets: secrets(&["short"]),
                ..proxies()
            }
            .is_complete()
        );
    }
}
