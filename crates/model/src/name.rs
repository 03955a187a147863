//! Names people give: slugs, e-mail addresses, hosts and path prefixes, each parsed once.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_type {
    ($name:ident, $error:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use text_type;

/// A name that is unique in its parent and safe in a URL, a file name and a label: 1–63 characters
/// of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// A text that is no slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a name: use 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit"
)]
pub struct SlugError(String);

impl Slug {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let edge =
            |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = text.len() <= 63
            && text.chars().all(inner)
            && edge(text.chars().next())
            && edge(text.chars().next_back());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(SlugError(text.to_owned()))
        }
    }
}

text_type!(Slug, SlugError);

/// An e-mail address in the one spelling under which it is unique: ASCII, lower case, one `@`.
///
/// It is a way to reach a person, never their identity: that is (connection, issuer, subject).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// A text that is no e-mail address we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: use one of the form name@example.com, in ASCII")]
pub struct EmailError;

impl Email {
    /// Parses and lower-cases an address. Quoted local parts, comments and non-ASCII text are
    /// refused: they are how two people come to look like one.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.to_ascii_lowercase();
        let (local, domain) = text.split_once('@').ok_or(EmailError)?;
        let local_char = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let local_fits = !local.is_empty()
            && local.len() <= 64
            && local.chars().all(local_char)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let domain_fits = Host::parse(domain).is_ok_and(|host| host.as_str() == domain);
        if local_fits && domain_fits && text.len() <= 254 {
            Ok(Self(text))
        } else {
            Err(EmailError)
        }
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }
}

text_type!(Email, EmailError);

/// Whether a host, in canonical form, only ever means this machine: every browser keeps it there, so
/// plain http is good enough for cookies.
pub fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost")
}

/// A host name in canonical form: lower case, no port, no trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

/// A text that is no host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a host name: use dot-separated labels of a-z, 0-9 and '-', or an IP address, without a port"
)]
pub struct HostError(String);

impl Host {
    /// Parses a host name or IP address; upper case and one trailing dot are folded away, a port
    /// is refused.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_suffix('.').unwrap_or(&lower);
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let name_fits = name.len() <= 253 && name.split('.').all(label);
        let bracketed = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let ipv6_fits = bracketed.is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok());
        if name_fits || ipv6_fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(HostError(text.to_owned()))
        }
    }
}

text_type!(Host, HostError);

/// The path below which a deployment lives on a shared host, `/etl` say: canonical segments, no
/// trailing slash. The prefix is matched on whole segments and is not stripped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPrefix(String);

/// A text that is no path prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a path prefix: use segments of letters, digits, '.', '_', '~' and '-', such as /etl or /etl/airflow, without a trailing slash"
)]
pub struct PathPrefixError(String);

impl PathPrefix {
    /// Parses a prefix.
    pub fn parse(text: &str) -> Result<Self, PathPrefixError> {
        let segment = |s: &str| {
            !s.is_empty()
                && s != "."
                && s != ".."
                && s.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b))
        };
        let fits = text
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(segment));
        let ours = text == "/.aeolus" || text.starts_with("/.aeolus/");
        if fits && !ours {
            Ok(Self(text.to_owned()))
        } else {
            Err(PathPrefixError(text.to_owned()))
        }
    }
}

text_type!(PathPrefix, PathPrefixError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for good in ["a", "etl-2", "0", &"a".repeat(63)] {
            assert!(Slug::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ä", &"a".repeat(64)] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn o23_addresses_that_look_like_one_another_are_not_merged_silently() {
        assert_eq!(
            Email::parse("Ann@Example.COM").unwrap().as_str(),
            "ann@example.com"
        );
        for bad in [
            "a@evil@corp.com",
            "ann@exämple.com",
            "\"a\"@b.c",
            "a b@c.d",
            "@b.c",
            "a@",
            "a@b.c.",
            "a..b@c.d",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_have_one_spelling() {
        assert_eq!(
            Host::parse("A.Example.com.").unwrap().as_str(),
            "a.example.com"
        );
        assert_eq!(Host::parse("[::1]").unwrap().as_str(), "[::1]");
        for bad in ["", "a..b", "a:80", "-a.b", "a/b", "a b", "[::1", "."] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn prefixes_are_whole_canonical_segments() {
        for good in ["/etl", "/r1/airflow"] {
            assert!(PathPrefix::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "etl",
            "/etl/",
            "/a//b",
            "/a/../b",
            "/a%2f",
            "/.aeolus",
            "/.aeolus/x",
        ] {
            assert!(PathPrefix::parse(bad).is_err(), "{bad}");
        }
    }
}
