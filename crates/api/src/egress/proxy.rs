//! The proxy that stands between control and the internet (row A21), and what is asked without it.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// The variables that name it, the first one that is set counts: the original's library first (trap 11), then
/// what every other program reads. `HTTP_PROXY` is for plain HTTP, which isn't spoken here.
const PROXY: [&str; 4] = [
    "GLOBAL_AGENT_HTTPS_PROXY",
    "GLOBAL_AGENT_HTTP_PROXY",
    "HTTPS_PROXY",
    "https_proxy",
];
const EXCEPT: [&str; 3] = ["GLOBAL_AGENT_NO_PROXY", "NO_PROXY", "no_proxy"];

/// A proxy, if there is one, and what goes without it.
#[derive(Clone, Default)]
pub struct Proxies {
    proxy: Option<Proxy>,
    except: Vec<Except>,
}

/// An HTTP proxy that makes tunnels (RFC 9110 §9.3.6).
#[derive(Clone)]
pub(super) struct Proxy {
    /// Without the user and the password.
    pub(super) url: Uri,
    pub(super) authorization: Option<HeaderValue>,
}

/// Why a variable names no proxy. Its value may hold a password and isn't repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is no proxy: use http://HOST:PORT or https://HOST:PORT, perhaps with USER:PASSWORD@ before the host, percent-encoded"
)]
pub struct ProxyError(pub &'static str);

/// What goes without the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Except {
    whom: Whom,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    Everybody,
    /// A domain and what is below it.
    Domain(String),
    /// Addresses that begin with so many bits.
    Network(IpAddr, u8),
}

impl Proxies {
    /// From variables of the environment.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let first = |names: &[&'static str]| {
            let mut found = names.iter().filter_map(|name| {
                let value = get(name)?.trim().to_owned();
                (!value.is_empty()).then_some((*name, value))
            });
            found.next()
        };
        let proxy = match first(&PROXY) {
            Some((name, value)) => Some(Proxy::parse(&value).ok_or(ProxyError(name))?),
            None => None,
        };
        let except = first(&EXCEPT).map(|(_, value)| value).unwrap_or_default();
        let entries = except.split([',', ' ', '\t']);
        Ok(Self {
            proxy,
            except: entries.filter_map(Except::parse).collect(),
        })
    }

    /// Where the proxy is, without its user and password.
    pub fn shown(&self) -> Option<String> {
        self.proxy.as_ref().map(|proxy| proxy.url.to_string())
    }

    pub(super) const fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Whether a host is asked without the proxy. This machine always is: the proxy's `localhost` is another.
    pub(super) fn spares(&self, host: &str, port: u16) -> bool {
        aeolus_model::is_loopback(host) || self.except.iter().any(|each| each.holds(host, port))
    }
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Proxies").field(&self.shown()).finish()
    }
}

impl Proxy {
    /// `HOST:PORT` alone is one of `http`, as everywhere.
    fn parse(text: &str) -> Option<Self> {
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&whole).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if !matches!(url.scheme(), "http" | "https") || !bare {
            return None;
        }
        let port = url.port_or_known_default()?;
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let user = decoded(url.username());
        let password = url.password().map(decoded);
        let authorization = if user.is_empty() && password.is_none() {
            None
        } else {
            let both = [user, password.unwrap_or_default()].join(&b':');
            let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(both)));
            let mut value = value.ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        Some(Self {
            url: format!("{}://{host}:{port}", url.scheme()).parse().ok()?,
            authorization,
        })
    }
}

impl Except {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let of = |whom, port| Some(Self { whom, port });
        if text.is_empty() {
            return None;
        }
        if text == "*" {
            return of(Whom::Everybody, None);
        }
        if let Some((address, bits)) = text.split_once('/') {
            return of(
                Whom::Network(address.parse().ok()?, bits.parse().ok()?),
                None,
            );
        }
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return of(Whom::Network(address, 128), None);
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (text.as_str(), None),
        };
        if let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
            return of(Whom::Network(address, 128), port);
        }
        let name = name.trim_start_matches('*').trim_start_matches('.');
        (!name.is_empty()).then(|| Self {
            whom: Whom::Domain(name.to_owned()),
            port,
        })
    }

    fn holds(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match &self.whom {
            Whom::Everybody => true,
            Whom::Domain(domain) => {
                let rest = host.strip_suffix(domain.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Whom::Network(network, bits) => match Host::parse(host) {
                Ok(Host::Ipv4(ip)) => begins_alike(IpAddr::V4(ip), *network, *bits),
                Ok(Host::Ipv6(ip)) => begins_alike(IpAddr::V6(ip), *network, *bits),
                _ => false,
            },
        }
    }
}

fn begins_alike(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let kept = 32_u32.saturating_sub(bits.into());
            let differ = one.to_bits() ^ other.to_bits();
            differ.checked_shr(kept).unwrap_or(0) == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let kept = 128_u32.saturating_sub(bits.into());
            let differ = one.to_bits() ^ other.to_bits();
            differ.checked_shr(kept).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a21_the_originals_names_win_and_a_password_is_never_shown() {
        let all = [
            ("https_proxy", "http://d:1"),
            ("HTTPS_PROXY", "http://c:1"),
            ("GLOBAL_AGENT_HTTP_PROXY", "http://b:1"),
            (
                "GLOBAL_AGENT_HTTPS_PROXY",
                "http://us%40er:p%3Aw@my-proxy:3129/",
            ),
        ];
        let found = with(&all).unwrap();
        assert_eq!(found.shown().unwrap(), "http://my-proxy:3129/");
        assert!(!format!("{found:?}").contains("p:w"));
        let told = found.proxy().unwrap().authorization.clone().unwrap();
        assert_eq!(told, format!("Basic {}", STANDARD.encode("us@er:p:w")));
        assert!(told.is_sensitive());
        for (count, host) in [(3, "b"), (2, "c"), (1, "d")] {
            let found = with(&all[..count]).unwrap();
            assert_eq!(found.shown().unwrap(), format!("http://{host}:1/"));
        }
        assert_eq!(with(&[("HTTP_PROXY", "http://x:1")]).unwrap().shown(), None);
        assert_eq!(with(&[("HTTPS_PROXY", " ")]).unwrap().shown(), None);
        let bare = with(&[("HTTPS_PROXY", "proxy:8080")]).unwrap();
        assert_eq!(bare.shown().unwrap(), "http://proxy:8080/");
    }

    #[test]
    fn what_is_no_proxy_is_named_without_its_value() {
        for wrong in [
            "socks5://x:1",
            "http://",
            "http://a:b@x:1/path",
            "http://x:99999",
        ] {
            let error = with(&[("HTTPS_PROXY", wrong)]).unwrap_err();
            assert_eq!(error, ProxyError("HTTPS_PROXY"), "{wrong}");
            assert!(!error.to_string().contains("a:b"));
        }
    }

    #[test]
    fn what_goes_without_it_is_written_in_every_usual_way() {
        let list = "idp.test, *.corp.test .lan,10.0.0.0/8,fd00::/8 192.0.2.7,other.test:8443";
        let found = with(&[("NO_PROXY", list)]).unwrap();
        for (host, port, spared) in [
            ("idp.test", 443, true),
            ("x.idp.test", 443, true),
            ("xidp.test", 443, false),
            ("a.corp.test", 443, true),
            ("b.lan", 443, true),
            ("10.1.2.3", 443, true),
            ("11.1.2.3", 443, false),
            ("[fd00::1]", 443, true),
            ("[2001:db8::1]", 443, false),
            ("192.0.2.7", 443, true),
            ("192.0.2.8", 443, false),
            ("other.test", 8443, true),
            ("other.test", 443, false),
            ("localhost", 443, true),
            ("127.0.0.1", 443, true),
        ] {
            assert_eq!(found.spares(host, port), spared, "{host}:{port}");
        }
        let all = with(&[("GLOBAL_AGENT_NO_PROXY", "*"), ("NO_PROXY", "x")]).unwrap();
        assert!(all.spares("anything.test", 443));
    }
}
