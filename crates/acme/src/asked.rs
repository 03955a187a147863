//! What is asked for, and what can't be had at all: said before anything is sent.

use std::collections::BTreeSet;
use std::fmt;

use aeolus_pki::San;
use instant_acme::{ChallengeType, Identifier};
use serde::{Deserialize, Serialize};
use url::Url;

/// How it is shown who has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Challenge {
    /// An answer at port 80 of the name (RFC 8555 §8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// A TXT record below the name (RFC 8555 §8.4).
    #[serde(rename = "dns-01")]
    Dns01,
}

impl Challenge {
    pub(crate) const fn kind(self) -> ChallengeType {
        match self {
            Self::Http01 => ChallengeType::Http01,
            Self::Dns01 => ChallengeType::Dns01,
        }
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
        })
    }
}

/// Why it can't be had, whatever the authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskedError {
    /// Account and orders would go over the network for everybody to change.
    #[error("{0:?} is no URL of https")]
    Directory(String),
    /// Nothing to order.
    #[error("a certificate needs at least one name")]
    NoName,
    /// More than authorities take.
    #[error("{0} names are too many: a certificate has at most 100")]
    TooManyNames(usize),
    /// A server at one host shows nothing about the others (RFC 8555 §8.3).
    #[error("{0} is a wildcard, which is proved by dns-01 alone")]
    Wildcard(String),
    /// No zone has a record below an address (RFC 8738 §4).
    #[error("{0} is an address, which is proved by http-01 alone")]
    Address(String),
    /// ACME has no such identifier.
    #[error("{0} is a URI, which no such authority certifies")]
    Uri(String),
}

impl AskedError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Directory(_) => "ACME-001",
            Self::NoName | Self::TooManyNames(_) | Self::Uri(_) => "ACME-002",
            Self::Wildcard(_) | Self::Address(_) => "ACME-003",
        }
    }

    /// What to do.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Directory(_) => {
                "give the authority's directory, such as https://ca.example.com/acme/directory"
            }
            Self::NoName | Self::TooManyNames(_) => "name the hosts that clients connect to",
            Self::Uri(_) => {
                "leave it out, or issue it from an authority of your own: aeolus pki issue"
            }
            Self::Wildcard(_) => {
                "prove the names by DNS, with a hook, or name the hosts one by one"
            }
            Self::Address(_) => "prove it over HTTP, or leave it out",
        }
    }
}

/// As `pki issue` has it, and most authorities.
const MAX_NAMES: usize = 100;

/// A certificate that can be ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    directory: String,
    names: Vec<San>,
    challenge: Challenge,
}

impl Asked {
    /// For these names, each once, from the authority with this directory.
    pub fn new(
        directory: &str,
        names: impl IntoIterator<Item = San>,
        challenge: Challenge,
    ) -> Result<Self, AskedError> {
        let wrong = || AskedError::Directory(directory.to_owned());
        let url = Url::parse(directory.trim()).map_err(|_| wrong())?;
        let plain =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if url.scheme() != "https" || !plain || url.host_str().is_none() {
            return Err(wrong());
        }
        let mut seen = BTreeSet::new();
        let names: Vec<San> = names
            .into_iter()
            .filter(|name| seen.insert(name.clone()))
            .collect();
        match names.len() {
            0 => return Err(AskedError::NoName),
            count if count > MAX_NAMES => return Err(AskedError::TooManyNames(count)),
            _ => {}
        }
        for name in &names {
            match (name, challenge) {
                (San::Uri(_), _) => return Err(AskedError::Uri(name.to_string())),
                (San::Ip(_), Challenge::Dns01) => {
                    return Err(AskedError::Address(name.to_string()));
                }
                (San::Dns(host), Challenge::Http01) if host.domain().is_some() => {
                    return Err(AskedError::Wildcard(name.to_string()));
                }
                _ => {}
            }
        }
        Ok(Self {
            directory: url.into(),
            names,
            challenge,
        })
    }

    /// The authority's directory.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// The names.
    pub fn names(&self) -> &[San] {
        &self.names
    }

    /// How they are proved.
    pub const fn challenge(&self) -> Challenge {
        self.challenge
    }

    pub(crate) fn identifiers(&self) -> Vec<Identifier> {
        let names = self.names.iter().filter_map(|name| match name {
            San::Dns(host) => Some(Identifier::Dns(host.to_string())),
            San::Ip(address) => Some(Identifier::Ip(*address)),
            San::Uri(_) => None,
        });
        names.collect()
    }

    /// The name of an authorization, if it is of what is ordered. Nobody proves other names for an authority, and no
    /// other text of its own reaches a hook.
    pub(crate) fn proved(&self, told: &str) -> Option<Proved> {
        let told = Proved::parse(told.strip_prefix("*.").unwrap_or(told))?;
        let ordered = self.names.iter().filter_map(Proved::of);
        ordered.into_iter().find(|name| *name == told)
    }

    /// What a later run compares.
    pub(crate) fn recorded(&self) -> Recorded {
        let mut names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        names.sort();
        Recorded {
            directory: self.directory.clone(),
            names,
            challenge: self.challenge,
        }
    }
}

/// A name as a challenge is about it: a host, of a wildcard what is behind its `*`, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Proved(String);

impl Proved {
    fn of(name: &San) -> Option<Self> {
        match name {
            San::Dns(host) => Some(Self(host.domain().unwrap_or(host.as_str()).to_owned())),
            San::Ip(address) => Some(Self(address.to_string())),
            San::Uri(_) => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match San::parse(text).ok()? {
            San::Dns(host) if host.domain().is_some() => None,
            name => Self::of(&name),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Proved {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("neither a host nor an address")
    }
}

impl From<Proved> for String {
    fn from(name: Proved) -> Self {
        name.0
    }
}

/// What was asked for, as it is remembered: in an order of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recorded {
    pub(crate) directory: String,
    pub(crate) names: Vec<String>,
    pub(crate) challenge: Challenge,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(directory: &str, names: &[&str], challenge: Challenge) -> Result<Asked, AskedError> {
        let names = names.iter().map(|name| San::parse(name).unwrap());
        Asked::new(directory, names, challenge)
    }

    #[test]
    fn what_can_not_be_had_is_said_at_once() {
        use Challenge::{Dns01, Http01};
        let url = "https://ca.example.com/dir";
        for (directory, names, challenge, code) in [
            (url, vec!["a.example.com"], Http01, None),
            (url, vec!["a.example.com", "10.0.0.1"], Http01, None),
            (url, vec!["*.example.com", "example.com"], Dns01, None),
            (url, vec!["*.example.com"], Http01, Some("ACME-003")),
            (url, vec!["10.0.0.1"], Dns01, Some("ACME-003")),
            (url, vec!["urn:a:b"], Dns01, Some("ACME-002")),
            (url, vec![], Dns01, Some("ACME-002")),
            (
                "http://127.0.0.1/dir",
                vec!["a.b"],
                Http01,
                Some("ACME-001"),
            ),
            (
                "https://u:p@ca.example.com/",
                vec!["a.b"],
                Http01,
                Some("ACME-001"),
            ),
            ("ca.example.com", vec!["a.b"], Http01, Some("ACME-001")),
        ] {
            let got = asked(directory, &names, challenge);
            assert_eq!(
                got.as_ref().err().map(AskedError::code),
                code,
                "{directory} {names:?}"
            );
        }
        let many: Vec<String> = (0..101).map(|n| format!("a{n}.example.com")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(
            asked(url, &many, Http01),
            Err(AskedError::TooManyNames(101))
        );
    }

    #[test]
    fn only_names_that_were_ordered_are_proved() {
        let url = "https://ca.example.com/dir";
        let names = ["*.example.com", "A.example.com", "10.0.0.1", "2001:db8::1"];
        let plain = asked(url, &names[1..], Challenge::Http01).unwrap();
        let wild = asked(url, &names[..2], Challenge::Dns01).unwrap();
        for (asked, told, proved) in [
            (&wild, "example.com", Some("example.com")),
            (&wild, "*.example.com", Some("example.com")),
            (&wild, "a.example.com", Some("a.example.com")),
            (&wild, "b.example.com", None),
            (
                &wild,
                "a.example.com\nsend\nupdate delete corp.example",
                None,
            ),
            (&wild, "", None),
            (&plain, "10.0.0.1", Some("10.0.0.1")),
            (&plain, "2001:db8:0::1", Some("2001:db8::1")),
            (&plain, "example.com", None),
        ] {
            let got = asked.proved(told);
            assert_eq!(got.as_ref().map(Proved::as_str), proved, "{told:?}");
        }
        // What is remembered is read as strictly.
        assert!(serde_json::from_str::<Proved>(r#""a.example.com""#).is_ok());
        assert!(serde_json::from_str::<Proved>(r#""a.b 60 IN TXT x\nsend""#).is_err());
    }

    #[test]
    fn the_order_of_names_is_not_another_certificate() {
        let url = "https://ca.example.com/dir";
        let one = asked(url, &["a.b", "c.d", "a.b"], Challenge::Http01).unwrap();
        let other = asked(url, &["c.d", "a.b"], Challenge::Http01).unwrap();
        assert_eq!(one.names().len(), 2);
        assert_eq!(one.recorded(), other.recorded());
    }
}
