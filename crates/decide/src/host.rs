//! Host names as they come off the wire, made canonical.

use std::borrow::Cow;

/// Longest host name (RFC 1035 §2.3.4).
const MAX_HOST: usize = 255;

/// An authority: canonical host (lower case, no trailing dot) and port.
#[derive(Clone, Debug)]
pub struct Authority<'a> {
    /// Borrowed where it came canonical, which is how proxies and browsers send it.
    host: Cow<'a, str>,
    /// The port, where one is written.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host[:port]`; anything a host name can't hold is no authority.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
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
        let kinds = name.iter().map(|byte| KINDS.get(usize::from(*byte)));
        let kinds = kinds.fold(0, |all, kind| all | kind.copied().unwrap_or(STRANGE));
        if name.is_empty() || name.len() > MAX_HOST || kinds & STRANGE != 0 {
            return None;
        }
        let name = str::from_utf8(name).ok()?;
        let host = if kinds & UPPER == 0 {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(name.to_ascii_lowercase())
        };
        Some(Self { host, port })
    }

    /// The canonical host, an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
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

/// No character of a host.
const STRANGE: u8 = 1;

/// A letter that is another one in the canonical form.
const UPPER: u8 = 2;

/// What each byte is in a host name: a look for every character of every request.
static KINDS: [u8; 256] = {
    let mut table = [0; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0_u8;
    while let Some((kind, after)) = rest.split_first_mut() {
        *kind = match byte {
            b'A'..=b'Z' => UPPER,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' | b'[' | b']' => 0,
            _ => STRANGE,
        };
        rest = after;
        byte = byte.wrapping_add(1);
    }
    table
};

/// The host of a `Host` header in canonical form, without the port.
pub fn canonical_host(header: &[u8]) -> Option<String> {
    Some(Authority::parse(header)?.host().to_owned())
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
