//! Whose request it is that a load balancer in front of the built-in proxy passes on.

use std::net::IpAddr;

use aeolus_decide::forwarded_address;
use aeolus_model::Cidr;
use http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Load balancers in front of the built-in proxy. Without them everybody behind one is one source
/// for every limit, and where task tokens come from can't be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(pub Vec<Cidr>);

impl TrustedProxies {
    /// Who asks: the other end of the connection, or, where that is a trusted proxy, the last address
    /// in `X-Forwarded-For` that is none. What stands before it, anybody may have written. None if a
    /// trusted proxy says nobody.
    pub fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?;
        if !self.hold(peer) {
            return Some(peer);
        }
        for line in headers.get_all(FORWARDED_FOR).iter().rev() {
            for entry in line.as_bytes().rsplit(|byte| *byte == b',') {
                let address = forwarded_address(entry)?;
                if !self.hold(address) {
                    return Some(address);
                }
            }
        }
        None
    }

    /// Whether this is one of them.
    pub fn hold(&self, address: IpAddr) -> bool {
        self.0.iter().any(|block| block.holds(address))
    }
}

/// The last address in `X-Forwarded-For`: the proxy wrote it, and who asks at a check listener was
/// let in as one. What stands before it, anybody may have written.
pub(crate) fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let written = headers.get_all(FORWARDED_FOR);
    let last = written.iter().next_back()?.as_bytes();
    forwarded_address(last.rsplit(|byte| *byte == b',').next()?)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, lines: &[&str]) -> Option<String> {
        let blocks = ["10.0.0.0/8", "fd00::/8"].map(|block| block.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        let client = TrustedProxies(blocks.to_vec()).client(peer.parse().ok(), &headers);
        client.map(|address| address.to_string())
    }

    #[test]
    fn who_is_no_trusted_proxy_is_believed_nothing() {
        assert_eq!(
            client("192.0.2.1", &["198.51.100.7"]).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(client("a unix socket", &["198.51.100.7"]), None);
    }

    #[test]
    fn behind_trusted_proxies_it_is_the_last_who_is_none() {
        let cases: [(&[&str], Option<&str>); 8] = [
            (&["192.0.2.1"], Some("192.0.2.1")),
            (&["203.0.113.9, 192.0.2.1"], Some("192.0.2.1")),
            (&["203.0.113.9", "192.0.2.1, 10.9.9.9"], Some("192.0.2.1")),
            (&["192.0.2.1, [fd00::1]:443"], Some("192.0.2.1")),
            (&["2001:db8::7,10.1.1.1"], Some("2001:db8::7")),
            (&["203.0.113.9, unknown"], None),
            (&["10.1.1.1"], None),
            (&[], None),
        ];
        for (lines, expected) in cases {
            assert_eq!(client("10.0.0.1", lines).as_deref(), expected, "{lines:?}");
            let mapped = client("::ffff:10.0.0.1", lines);
            assert_eq!(mapped.as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_last_entry_is_the_proxys_own() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded_for(&headers), None);
        headers.append(FORWARDED_FOR, HeaderValue::from_static("203.0.113.9"));
        headers.append(
            FORWARDED_FOR,
            HeaderValue::from_static("203.0.113.9, 192.0.2.1"),
        );
        let last = forwarded_for(&headers).map(|address| address.to_string());
        assert_eq!(last.as_deref(), Some("192.0.2.1"));
    }
}
