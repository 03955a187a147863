//! Where a provider's discovery document is (row A19, trap 5).

use std::fmt;

use aeolus_model::is_loopback;
use url::Url;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// Longest URL.
const MAX: usize = 1024;

/// `https://HOST[:PORT][/PATH]`, written with or without the document's name; `http` on this machine only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DiscoveryUrl {
    /// Without the document's name and a slash at the end.
    issuer: String,
    host: String,
}

/// Why a text is no such URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryUrlError {
    /// Not a URL, or one that could be read in two ways.
    #[error(
        "is no URL of the form https://HOST/PATH: no user, query, fragment, or characters that need escaping"
    )]
    Malformed,
    /// Somebody on the way could answer in the provider's place.
    #[error("must begin with https://")]
    Insecure,
    /// Too long.
    #[error("is longer than 1024 characters")]
    TooLong,
}

impl DiscoveryUrl {
    /// From what somebody wrote.
    pub fn parse(text: &str) -> Result<Self, DiscoveryUrlError> {
        if text.len() > MAX {
            return Err(DiscoveryUrlError::TooLong);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:[]".contains(&b);
        if !text.bytes().all(plain) {
            return Err(DiscoveryUrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| DiscoveryUrlError::Malformed)?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(DiscoveryUrlError::Malformed)?;
        if !(url.scheme() == "https" || (url.scheme() == "http" && is_loopback(host))) {
            return Err(DiscoveryUrlError::Insecure);
        }
        // What the parser changed (dots in the path, a written port) somebody else reads otherwise.
        let below = text.strip_suffix('/').unwrap_or(text);
        let issuer = below.strip_suffix(WELL_KNOWN).unwrap_or(below);
        let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
        let kept = Url::parse(issuer).is_ok_and(|url| url.as_str().trim_end_matches('/') == issuer);
        if !kept || url.port() == Some(0) {
            return Err(DiscoveryUrlError::Malformed);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            host: host.to_owned(),
        })
    }

    /// The issuer that it stands for, without a slash at the end: what people are linked under.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where to ask.
    pub fn document(&self) -> String {
        format!("{}{WELL_KNOWN}", self.issuer)
    }

    /// The host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it stands for every tenant of Entra that there is.
    pub fn is_of_every_tenant(&self) -> bool {
        matches!(self.path().next(), Some("common" | "organizations"))
    }

    /// Whether it is asked without TLS: a provider on this machine.
    pub(crate) fn is_http(&self) -> bool {
        self.issuer.starts_with("http://")
    }

    /// The steps of the path.
    pub(crate) fn path(&self) -> impl Iterator<Item = &str> {
        self.issuer.split('/').skip(3)
    }
}

impl fmt::Display for DiscoveryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.issuer)
    }
}

/// Whether a host is a domain or below it.
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    let rest = host.strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn with_and_without_the_documents_name_is_one() {
        for (text, issuer) in [
            ("https://acme.okta.com", "https://acme.okta.com"),
            ("https://acme.okta.com/", "https://acme.okta.com"),
            (
                "https://acme.okta.com/oauth2/default/.well-known/openid-configuration",
                "https://acme.okta.com/oauth2/default",
            ),
            (
                "https://a.test/x/.well-known/openid-configuration/",
                "https://a.test/x",
            ),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://[::1]:9000/x", "http://[::1]:9000/x"),
        ] {
            let url = DiscoveryUrl::parse(text).unwrap();
            assert_eq!(url.issuer(), issuer);
            let document = format!("{issuer}/.well-known/openid-configuration");
            assert_eq!(url.document(), document);
        }
    }

    #[test]
    fn a19_what_is_not_https_or_could_be_read_in_two_ways_is_refused() {
        for (text, why) in [
            ("http://acme.okta.com", DiscoveryUrlError::Insecure),
            ("ftp://acme.okta.com", DiscoveryUrlError::Insecure),
            ("acme.okta.com", DiscoveryUrlError::Malformed),
            ("", DiscoveryUrlError::Malformed),
            ("https://", DiscoveryUrlError::Malformed),
            ("https://u@a.test", DiscoveryUrlError::Malformed),
            ("https://a.test?x=1", DiscoveryUrlError::Malformed),
            ("https://a.test#x", DiscoveryUrlError::Malformed),
            ("https://a.test\\@b.test", DiscoveryUrlError::Malformed),
            ("https://a.test/../b", DiscoveryUrlError::Malformed),
            ("https://A.test", DiscoveryUrlError::Malformed),
            ("https://2130706433", DiscoveryUrlError::Malformed),
            ("https://a.test:443", DiscoveryUrlError::Malformed),
            ("https://a.test:0", DiscoveryUrlError::Malformed),
            ("https://<okta-base-domain>", DiscoveryUrlError::Malformed),
        ] {
            assert_eq!(DiscoveryUrl::parse(text), Err(why), "{text}");
        }
        let long = format!("https://a.test/{}", "a".repeat(MAX));
        assert_eq!(DiscoveryUrl::parse(&long), Err(DiscoveryUrlError::TooLong));
    }

    #[test]
    fn a_domain_covers_itself_and_what_is_below() {
        assert!(is_within("a.test", "a.test"));
        assert!(is_within("x.a.test", "a.test"));
        assert!(!is_within("xa.test", "a.test"));
        assert!(!is_within("a.test", "x.a.test"));
    }

    proptest! {
        #[test]
        fn whatever_passes_passes_again(text in "(https?://)?[a-zA-Z0-9./:@?#%-]{0,40}") {
            if let Ok(url) = DiscoveryUrl::parse(&text) {
                prop_assert_eq!(DiscoveryUrl::parse(url.issuer()).unwrap(), url.clone());
                prop_assert_eq!(DiscoveryUrl::parse(&url.document()).unwrap(), url);
            }
        }
    }
}
