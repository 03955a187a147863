//! Where a deployment answers: at one host, or at every host one label below a domain.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{Host, HostError, text_type};

/// A host, or a wildcard such as `*.etl.example.com`, in canonical form.
///
/// A wildcard is RFC 6125's (§6.4.3), at its strictest: `*` is the whole leftmost label and stands for
/// exactly one label, of letters, digits and inner `-`. At least two labels follow, so that no `*` and
/// no `*.com` can take what is everybody's; an address has nothing below it.
///
/// A host that somebody answers at by its own name is never reached by a wildcard, not even at a path
/// that nobody there answers. Which wildcard reaches a host is plain from the host alone: the one
/// whose `*` is the host's first label.
///
/// The hosts below one organization's wildcard are not all its own: another organization may have
/// one of them by name. Their cookies can't mix, because a gate seals those of a wildcard's hosts for
/// another purpose than those of a host's own name: should a name be given up and its host fall to the
/// wildcard, no session comes with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(String);

/// A text that is neither a host name nor a wildcard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// It has no `*` and is no host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It has a `*`, but not where one can be.
    #[error(
        "{0:?} is not a wildcard: use `*.` before a domain of two labels or more, such as *.etl.example.com"
    )]
    Wildcard(String),
}

impl HostPattern {
    /// Parses a host as [`Host::parse`] does, or a wildcard.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        if !text.contains('*') {
            return Ok(Self(Host::parse(text)?.into()));
        }
        let wrong = || HostPatternError::Wildcard(text.to_owned());
        let domain = text.strip_prefix("*.").ok_or_else(wrong)?;
        let domain = Host::parse(domain).map_err(|_| wrong())?;
        let last = domain.as_str().rsplit('.').next().unwrap_or_default();
        let named = last.bytes().any(|b| b.is_ascii_alphabetic());
        let pattern = format!("*.{domain}");
        // The longest host below it must still be a host name.
        if named && domain.as_str().contains('.') && pattern.len() <= 253 {
            Ok(Self(pattern))
        } else {
            Err(wrong())
        }
    }

    /// The wildcard that reaches a host, whether anybody has it or not.
    pub fn over(host: &Host) -> Option<Self> {
        let domain = domain_above(host.as_str())?;
        Self::parse(&format!("*.{domain}")).ok()
    }

    /// The wildcard that reaches it; none for a wildcard.
    pub fn wildcard_over(&self) -> Option<Self> {
        Self::over(&Host::parse(&self.0).ok()?)
    }

    /// The domain behind the `*`; none for a host.
    pub fn domain(&self) -> Option<&str> {
        self.0.strip_prefix("*.")
    }

    /// Whether it is a host or reaches it.
    pub fn covers(&self, host: &Host) -> bool {
        match self.domain() {
            Some(domain) => domain_above(host.as_str()) == Some(domain),
            None => self.0 == host.as_str(),
        }
    }
}

impl From<Host> for HostPattern {
    fn from(host: Host) -> Self {
        Self(host.into())
    }
}

text_type!(HostPattern, HostPatternError);

/// The domain that a host in canonical form lies one label below. None where the first label is one
/// that no wildcard stands for.
pub fn domain_above(host: &str) -> Option<&str> {
    let (label, domain) = host.split_once('.')?;
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let fits = !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(inner);
    fits.then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_one_whole_first_label_above_two_others() {
        let text = |text: &str| HostPattern::parse(text).map(String::from).ok();
        assert_eq!(
            text("*.ETL.Example.com.").as_deref(),
            Some("*.etl.example.com")
        );
        assert_eq!(text("*.example.com").as_deref(), Some("*.example.com"));
        assert_eq!(text("A.Example.com.").as_deref(), Some("a.example.com"));
        assert_eq!(text("[::1]").as_deref(), Some("[::1]"));
        for bad in [
            "*",
            "*.",
            "*.com",
            "*.localhost",
            "**.example.com",
            "*a.example.com",
            "a*.example.com",
            "a.*.example.com",
            "*.*.example.com",
            "*.0.0.1",
            "*.127.0.0.1",
            "*.[::1]",
            "*..example.com",
            "*.example.com:443",
            "*.-a.com",
            " *.example.com",
        ] {
            assert_eq!(text(bad), None, "{bad}");
        }
        let long = format!("{0}.{0}.{0}.{1}.com", "a".repeat(60), "a".repeat(62));
        assert!(Host::parse(&long).is_ok() && HostPattern::parse(&format!("*.{long}")).is_ok());
        let longer = format!("{0}.{0}.{0}.{0}.com", "a".repeat(62));
        assert!(Host::parse(&longer).is_err() || text(&format!("*.{longer}")).is_none());
    }

    #[test]
    fn it_covers_exactly_one_label() {
        let covers = |pattern: &str, host: &str| {
            let host = Host::parse(host).unwrap();
            HostPattern::parse(pattern).unwrap().covers(&host)
        };
        assert!(covers("*.etl.example.com", "a.etl.example.com"));
        assert!(covers("*.etl.example.com", "xn--bcher-kva.etl.example.com"));
        assert!(covers("a.example.com", "a.example.com"));
        for other in [
            "etl.example.com",
            "a.b.etl.example.com",
            "a.xetl.example.com",
            "aetl.example.com",
            "a.etl.example.com.evil.test",
            "a.etl.example.org",
        ] {
            assert!(!covers("*.etl.example.com", other), "{other}");
        }
        assert!(!covers("a.example.com", "b.example.com"));
        let over = |host: &str| HostPattern::over(&Host::parse(host).unwrap()).map(String::from);
        assert_eq!(
            over("a.etl.example.com").as_deref(),
            Some("*.etl.example.com")
        );
        for none in ["example.com", "localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(over(none), None, "{none}");
        }
    }

    #[test]
    fn no_label_that_a_host_name_cant_have_is_a_wildcards() {
        for odd in [
            "",
            ".etl.test",
            "-a.etl.test",
            "a-.etl.test",
            "a_b.etl.test",
            "*.etl.test",
        ] {
            assert_eq!(domain_above(odd), None, "{odd}");
        }
        assert_eq!(
            domain_above(&format!("{}.etl.test", "a".repeat(64))),
            None,
            "too long"
        );
        assert_eq!(domain_above("a.etl.test"), Some("etl.test"));
    }
}
