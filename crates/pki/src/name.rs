//! Names that a certificate is for.

use std::fmt;
use std::net::IpAddr;

use aeolus_model::{Host, HostPattern, HostPatternError};
use serde::{Deserialize, Serialize};

/// A subject alternative name (RFC 5280 §4.2.1.6) of the kinds that we issue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum San {
    /// A host, or a wildcard over exactly one label.
    Dns(HostPattern),
    /// An address.
    Ip(IpAddr),
    /// A URI with a scheme and ASCII letters only, such as `spiffe://plane/eu-1`.
    Uri(String),
}

/// A text that is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Neither a host, a wildcard, an address nor a URI.
    #[error("{0:?} is no host name, wildcard, address or URI")]
    Malformed(String),
    /// A wildcard that nobody honours.
    #[error(transparent)]
    Wildcard(HostPatternError),
    /// A name in letters that DNS has not.
    #[error("{0:?} has letters beyond ASCII: give the form that DNS has, which begins with xn--")]
    Unicode(String),
    /// All digits at its end: it looks like an address and isn't one.
    #[error("{0:?} looks like an address and is none")]
    NoAddress(String),
}

/// A name longer than this is nobody's.
const MAX_URI: usize = 2048;

impl San {
    /// Parses a name. The kind may be said (`dns:`, `ip:`, `uri:`), else an address is an address, what has a
    /// scheme is a URI, and all else a host.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        let malformed = || NameError::Malformed(text.to_owned());
        if let Some(host) = text.strip_prefix("dns:") {
            return dns(host);
        }
        if let Some(address) = text.strip_prefix("ip:") {
            return address.parse().map(Self::Ip).map_err(|_| malformed());
        }
        if let Some(rest) = text.strip_prefix("uri:") {
            return uri(rest).ok_or_else(malformed);
        }
        if let Ok(address) = bare(text).parse() {
            return Ok(Self::Ip(address));
        }
        if text.contains(':') {
            return uri(text).ok_or_else(malformed);
        }
        dns(text)
    }

    /// Whether a client that asked for `wanted` is content with this name (RFC 6125 §6.4): a wildcard covers
    /// exactly one label, and not the domain itself.
    pub fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Dns(own), Self::Dns(wanted)) => {
                own == wanted
                    || Host::parse(&wanted.to_string()).is_ok_and(|host| own.covers(&host))
            }
            _ => self == wanted,
        }
    }

    /// Without the kind.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Dns(host) => host.to_string(),
            Self::Ip(address) => address.to_string(),
            Self::Uri(uri) => uri.clone(),
        }
    }
}

impl TryFrom<String> for San {
    type Error = NameError;

    /// A URI whose scheme is also a kind was written without its kind once.
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text).or_else(|error| uri(&text).ok_or(error))
    }
}

/// As it is read again: without its kind, unless that makes another name of a URI.
impl From<San> for String {
    fn from(name: San) -> Self {
        let text = name.text();
        if San::parse(&text).as_ref() == Ok(&name) {
            text
        } else {
            format!("uri:{text}")
        }
    }
}

impl fmt::Display for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

fn bare(text: &str) -> &str {
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(text)
}

fn dns(text: &str) -> Result<San, NameError> {
    if !text.is_ascii() {
        return Err(NameError::Unicode(text.to_owned()));
    }
    let pattern = HostPattern::parse(text).map_err(|error| match error {
        HostPatternError::Wildcard(_) => NameError::Wildcard(error),
        HostPatternError::Host(_) => NameError::Malformed(text.to_owned()),
    })?;
    let shown = pattern.to_string();
    let last = shown.rsplit('.').next().unwrap_or_default();
    if shown.starts_with('[') || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NameError::NoAddress(text.to_owned()));
    }
    Ok(San::Dns(pattern))
}

/// RFC 3986 §3, as far as a certificate needs it: a scheme, something after it, and no blanks.
fn uri(text: &str) -> Option<San> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.bytes();
    let begins = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    let goes_on = letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    // A host with its port, pasted from a browser, would pass for a URI.
    let port = rest.bytes().all(|byte| byte.is_ascii_digit());
    let graphic = text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_uri = begins && goes_on && graphic && !port && text.len() <= MAX_URI;
    is_uri.then(|| San::Uri(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_recognised() {
        let kind = |text: &str| match San::parse(text) {
            Ok(San::Dns(_)) => "dns",
            Ok(San::Ip(_)) => "ip",
            Ok(San::Uri(_)) => "uri",
            Err(_) => "none",
        };
        for (text, expected) in [
            ("etl.example.com", "dns"),
            ("ETL.Example.com.", "dns"),
            ("*.example.com", "dns"),
            ("localhost", "dns"),
            ("dns:a.b", "dns"),
            ("10.0.0.1", "ip"),
            ("::1", "ip"),
            ("[fd00::1]", "ip"),
            ("spiffe://acme/plane/eu-1", "uri"),
            ("urn:aeolus:plane:1", "uri"),
            ("", "none"),
            ("*", "none"),
            ("*.com", "none"),
            ("a.*.example.com", "none"),
            ("w*.example.com", "none"),
            ("*.*.example.com", "none"),
            ("exa mple.com", "none"),
            ("bücher.example", "none"),
            ("1.2.3", "none"),
            ("example.com:443", "none"),
            ("uri:no-scheme", "none"),
            ("ip:example.com", "none"),
            ("a_b.example.com", "none"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn a_name_that_is_written_is_read_again() {
        for text in [
            "*.example.com",
            "10.0.0.1",
            "fd00::1",
            "spiffe://acme/plane/eu-1",
            "uri:dns:example.com",
            "uri:ip:example.com",
        ] {
            let name = San::parse(text).unwrap();
            let written = String::from(name.clone());
            assert_eq!(written, text);
            assert_eq!(San::try_from(written), Ok(name));
        }
        let once = San::try_from("ip:example.com".to_owned());
        assert_eq!(once, San::parse("uri:ip:example.com"));
        for none in ["", "exa mple.com", "example.com:443", "*"] {
            assert!(San::try_from(none.to_owned()).is_err(), "{none}");
        }
    }

    #[test]
    fn a_wildcard_covers_one_label_and_not_the_domain() {
        let name = |text: &str| San::parse(text).unwrap();
        let wildcard = name("*.example.com");
        assert!(wildcard.covers(&name("a.example.com")));
        assert!(wildcard.covers(&wildcard));
        for other in [
            "example.com",
            "a.b.example.com",
            "a.example.org",
            "10.0.0.1",
        ] {
            assert!(!wildcard.covers(&name(other)), "{other}");
        }
        assert!(!name("a.example.com").covers(&wildcard));
        assert!(name("::1").covers(&name("[::1]")));
    }
}
