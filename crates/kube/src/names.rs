//! Names that Kubernetes takes.

use std::fmt;

/// A name of an object: a DNS subdomain (RFC 1123) in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Text that is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has at most 253 lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit"
)]
pub struct NameError;

impl Name {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fits = text.len() <= 253 && text.split('.').all(is_label);
        fits.then(|| Self(text.to_owned())).ok_or(NameError)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A DNS label, as the name of a namespace has to be one.
pub(crate) fn is_label(text: &str) -> bool {
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| inner(&byte))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_subdomains() {
        for text in ["a", "a-b.c", "0", &"a".repeat(63)] {
            assert!(Name::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "A",
            "a_b",
            "-a",
            "a-",
            "a..b",
            "a/b",
            ".a",
            "ä",
            &"a".repeat(64),
        ] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
    }
}
