//! Host names as they come off the wire, made canonical.

use std::borrow::Cow;

/// Longest host name (RFC 1035 §2.3.4).
const MAX_HOST: usize = 255;

/// An authority: canonical host (lower case, no trailing dot) and port.
pub(crate) struct Authority<'a> {
    /// Borrowed where it came canonical, which is how proxies and browsers send it.
    host: Cow<'a, str>,
    /// The port, where one is written.
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host[:port]`; anything a host name can't hold is no authority.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let split = if bytes.first() == Some(&b'[') {
            bytes.iter().position(|b| *b == b']')? + 1
        } else {
            let colon = bytes.iter().position(|b| *b == b':');
            colon.unwrap_or(bytes.len())
        };
        let (name, rest) = bytes.split_at_checked(split)?;
        let port = match rest.split_first() {
            None => None,
            Some((b':', digits)) if digits.iter().all(u8::is_ascii_digit) => {
                Some(str::from_utf8(digits).ok()?.parse().ok()?)
            }
            Some(_) => return None,
        };
        let name = name.strip_suffix(b".").unwrap_or(name);
        let allowed = |b: &u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']')
        };
        if name.is_empty() || name.len() > MAX_HOST || !name.iter().all(allowed) {
            return None;
        }
        let name = str::from_utf8(name).ok()?;
        let host = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        Some(Self { host, port })
    }

    /// The canonical host, an IPv6 address in its brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port in force under a scheme.
    pub(crate) fn port_under(&self, scheme: &str) -> Option<u16> {
        self.port.or(match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_18_hosts_are_canonical_before_anything_is_looked_up() {
        let host = |text: &str| Authority::parse(text.as_bytes()).map(|a| a.host().to_owned());
        assert_eq!(host("B.Test").as_deref(), Some("b.test"));
        assert_eq!(host("b.test.:8080").as_deref(), Some("b.test"));
        assert_eq!(host("[::1]:80").as_deref(), Some("[::1]"));
        for bad in [
            "", ".", "a b", "a@b", "a/b", "a%2e", "a:b", "a:99999", "[::1", "ä",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
        assert_eq!(host(&"a".repeat(256)), None);
    }
}
