//! What may be asked at all, and at which addresses (row A19).

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use aeolus_model::is_loopback;
use hyper_util::client::legacy::connect::dns::Name;
use url::{Host, Url};

use super::EgressError;

/// Longest URL that a provider's document may name.
const MAX_URL: usize = 1024;

/// Which addresses may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Where the operator pointed: also private networks and this machine.
    Configured,
    /// Where somebody else pointed: the public internet.
    Public,
}

/// Whether a URL could be asked, or a browser sent there, at all.
pub fn is_askable(url: &str) -> bool {
    // What a parser would take away (a tab, a line end) or keep for itself (a fragment, RFC 6749 §3.1)
    // would change what a browser is told.
    let plain = url.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    plain && url.len() <= MAX_URL && checked(url, Reach::Configured).is_ok()
}

/// How far to go for a URL that a provider's document names: it is only trusted to be public, unless
/// it stays at the host and port that the operator wrote.
pub fn reach_of(url: &str, configured: &str) -> Reach {
    if origin(url).is_some_and(|at| Some(at) == origin(configured)) {
        Reach::Configured
    } else {
        Reach::Public
    }
}

fn origin(url: &str) -> Option<(String, Option<u16>)> {
    let url = Url::parse(url).ok()?;
    Some((url.host_str()?.to_owned(), url.port_or_known_default()))
}

/// A URL that may be asked. An address that is written out doesn't go through the resolver.
pub(super) fn checked(text: &str, reach: Reach) -> Result<Url, EgressError> {
    let url = Url::parse(text).map_err(|_| EgressError::Url)?;
    let plain = url.username().is_empty() && url.password().is_none();
    let local = url.host_str().is_some_and(is_loopback);
    if !plain || !(url.scheme() == "https" || (url.scheme() == "http" && local)) {
        return Err(EgressError::Url);
    }
    let written = match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => None,
        None => return Err(EgressError::Url),
    };
    match written {
        Some(ip) if !reach.allows(ip) => Err(EgressError::Address),
        _ => Ok(url),
    }
}

impl Reach {
    pub(super) fn allows(self, ip: IpAddr) -> bool {
        match ip.to_canonical() {
            IpAddr::V4(ip) => self.allows_v4(ip),
            IpAddr::V6(ip) => self.allows_v6(ip),
        }
    }

    fn allows_v4(self, ip: Ipv4Addr) -> bool {
        let [a, b, c, _] = ip.octets();
        // Link-local addresses are where clouds keep their machines' credentials.
        let never = ip.is_link_local() || ip.is_multicast() || a == 0 || a >= 240;
        let shared = a == 100 && (64..128).contains(&b);
        let special =
            (a == 198 && (18..20).contains(&b)) || (a == 192 && b == 0 && (c == 0 || c == 2));
        let private = ip.is_private() || ip.is_loopback() || shared || special;
        !never && (self == Self::Configured || !private)
    }

    fn allows_v6(self, ip: Ipv6Addr) -> bool {
        let [first, second, ..] = ip.segments();
        let link_local = first & 0xffc0 == 0xfe80;
        let never = link_local || ip.is_multicast() || ip.is_unspecified();
        let unique_local = first & 0xfe00 == 0xfc00;
        // 64:ff9b::/16 and 2002::/16 carry an IPv4 address that nobody has looked at.
        let carries = (first == 0x64 && second == 0xff9b) || first == 0x2002;
        let private = unique_local || ip.is_loopback() || carries;
        !never && (self == Self::Configured || !private)
    }
}

/// Looks names up, and gives back only addresses that may be reached.
#[derive(Clone)]
pub(super) struct Resolver(pub(super) Reach);

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|at| reach.allows(at.ip())).collect();
            if allowed.is_empty() {
                let text = "the name leads to no address that may be reached from here";
                return Err(std::io::Error::other(text));
            }
            Ok(allowed.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a19_nothing_leads_to_where_only_this_machine_or_network_should_reach() {
        for never in [
            "169.254.169.254",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "fe80::1",
            "::",
            "::ffff:169.254.169.254",
        ] {
            let ip: IpAddr = never.parse().unwrap();
            assert!(!Reach::Configured.allows(ip), "{never}");
            assert!(!Reach::Public.allows(ip), "{never}");
        }
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "::1",
            "fd00:ec2::254",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
        ] {
            let ip: IpAddr = private.parse().unwrap();
            assert!(Reach::Configured.allows(ip), "{private}");
            assert!(!Reach::Public.allows(ip), "{private}");
        }
        for public in ["93.184.216.34", "2606:4700::1111"] {
            assert!(Reach::Public.allows(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn a19_no_url_that_a_parser_would_change_is_given_to_a_browser() {
        for (url, good) in [
            ("https://a.test/auth?tenant=1", true),
            ("https://a.test/auth#x", false),
            ("https://a.test/a\nuth", false),
            ("https://a.test/\u{e4}", false),
            ("https://u@a.test/auth", false),
            ("http://a.test/auth", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(is_askable(url), good, "{url}");
        }
        assert!(!is_askable(&format!(
            "https://a.test/{}",
            "a".repeat(1_024)
        )));
    }

    #[test]
    fn a19_only_what_stays_at_home_is_reached_as_configured() {
        let home = "https://a.test/x";
        assert_eq!(reach_of("https://a.test:443/y", home), Reach::Configured);
        for other in [
            "https://b.test/",
            "https://a.test:8443/",
            "http://a.test/",
            "",
        ] {
            assert_eq!(reach_of(other, home), Reach::Public, "{other}");
        }
        assert_eq!(reach_of("", ""), Reach::Public);
    }

    #[test]
    fn a19_written_addresses_are_looked_at_in_whatever_spelling() {
        for bad in [
            "http://idp.example.com/",
            "ftp://idp.example.com/",
            "https://user:word@idp.example.com/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::ffff:127.0.0.1]/",
            "http://127.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            assert!(checked(bad, Reach::Public).is_err(), "{bad}");
        }
        assert!(checked("https://169.254.169.254/", Reach::Configured).is_err());
        for good in [
            "https://idp.example.com/x",
            "http://127.0.0.1:9000/",
            "http://localhost/",
        ] {
            assert!(checked(good, Reach::Configured).is_ok(), "{good}");
        }
    }
}
