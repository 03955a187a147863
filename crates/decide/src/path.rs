//! A request target and its two readings.
//!
//! Proxies forward the raw text; applications decode it before they route (Starlette and Flask
//! turn `%2F` into a separator). A decision on one reading alone can be walked around by the
//! other, so every target that has no safe pair of readings is refused here and everything else
//! is judged twice.

use std::borrow::Cow;

use crate::Reason;

/// Longest target that is looked at, in bytes; proxies stop at 8 KiB too.
const MAX_TARGET: usize = 8 * 1024;

/// Scheme and authority.
pub type Origin<'a> = (&'a str, &'a str);

/// A request target (RFC 9112 §3.2) that can be read in at most two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Scheme and authority of an absolute-form target.
    pub origin: Option<Origin<'a>>,
    /// The path as it travels, with its leading slash.
    pub raw: &'a str,
    /// The path decoded once.
    pub decoded: Cow<'a, str>,
    /// The query, without its `?`.
    pub query: Option<&'a str>,
    /// Something in the path may be read in a third way (a second decoding, merged slashes,
    /// backslashes): it is never public and never passed through.
    pub tainted: bool,
}

impl<'a> Target<'a> {
    /// Reads a target; `Err` is a 400.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Reason> {
        if bytes.len() > MAX_TARGET {
            return Err(Reason::TargetTooLong);
        }
        // Visible ASCII only: no controls, no spaces, no raw UTF-8, no NUL. Looking at every byte
        // takes fewer instructions than stopping at the first.
        let strange = |b: &u8| u8::from(!(0x21..=0x7e).contains(b)) | u8::from(*b == b'#');
        if bytes.iter().fold(0, |found, b| found | strange(b)) != 0 {
            return Err(Reason::TargetCharacters);
        }
        let text = str::from_utf8(bytes).map_err(|_| Reason::TargetCharacters)?;
        let (origin, rest) = split_origin(text)?;
        let (raw, query) = match split_before(rest, |byte| byte == b'?') {
            Some((path, query)) => (path, query.get(1..)),
            None => (rest, None),
        };
        if !raw.starts_with('/') {
            return Err(Reason::TargetForm);
        }
        if is_plain(raw) {
            return Ok(Self {
                origin,
                raw,
                decoded: Cow::Borrowed(raw),
                query,
                tainted: false,
            });
        }
        if raw.contains('\\') {
            return Err(Reason::TargetCharacters);
        }
        let decoded = decode(raw)?;
        if has_dots(raw) || has_dots(&decoded) {
            return Err(Reason::TargetDots);
        }
        let tainted = is_tainted(raw, &decoded);
        Ok(Self {
            origin,
            raw,
            decoded,
            query,
            tainted,
        })
    }

    /// Whether decoding changes nothing, so that the path need not be judged twice.
    pub(crate) const fn has_one_reading(&self) -> bool {
        matches!(self.decoded, Cow::Borrowed(_))
    }

    /// Path and query as they travel, which is what is forwarded.
    pub fn path_and_query(&self) -> String {
        match self.query {
            Some(query) => format!("{}?{query}", self.raw),
            None => self.raw.to_owned(),
        }
    }
}

/// The segments of a path, after its leading slash.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = &str> + Clone {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// What stands before the first of some ASCII characters, and the rest from it on. Targets are so
/// short that setting up one of the standard library's searches costs more than this does.
fn split_before(text: &str, wanted: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let at = text.bytes().position(wanted)?;
    text.split_at_checked(at)
}

fn split_origin(text: &str) -> Result<(Option<Origin<'_>>, &str), Reason> {
    if text.starts_with('/') {
        return Ok((None, text));
    }
    let colon = split_before(text, |byte| byte == b':');
    let (scheme, rest) = colon.ok_or(Reason::TargetForm)?;
    let rest = rest.strip_prefix("://").ok_or(Reason::TargetForm)?;
    if !(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) {
        return Err(Reason::TargetForm);
    }
    let end = split_before(rest, |byte| matches!(byte, b'/' | b'?'));
    let (authority, path) = end.ok_or(Reason::TargetForm)?;
    let odd = |byte| matches!(byte, b'@' | b'%' | b'\\');
    if authority.is_empty() || authority.bytes().any(odd) {
        return Err(Reason::TargetForm);
    }
    Ok((Some((scheme, authority)), path))
}

/// Whether a path has nothing in it that anybody could read in another way: most have not.
fn is_plain(path: &str) -> bool {
    let odd = |byte: &u8| u8::from(matches!(byte, b'%' | b'.' | b'\\'));
    let double = |pair: (&u8, &u8)| u8::from(*pair.0 == b'/') & u8::from(*pair.1 == b'/');
    let bytes = path.as_bytes();
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    bytes.iter().fold(0, |found, byte| found | odd(byte)) == 0
        && pairs.fold(0, |found, pair| found | double(pair)) == 0
}

/// Decodes once. What is no UTF-8 (overlong forms among it) or hides a control is refused.
pub(crate) fn decode(raw: &str) -> Result<Cow<'_, str>, Reason> {
    if !raw.contains('%') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = bytes.next().and_then(hex).ok_or(Reason::TargetEscapes)?;
        let low = bytes.next().and_then(hex).ok_or(Reason::TargetEscapes)?;
        out.push(high << 4 | low);
    }
    if out.iter().any(u8::is_ascii_control) {
        return Err(Reason::TargetCharacters);
    }
    String::from_utf8(out)
        .map(Cow::Owned)
        .map_err(|_| Reason::TargetEscapes)
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Dot segments, also with path parameters behind them (`..;x`).
fn has_dots(path: &str) -> bool {
    path.contains('.')
        && path
            .split(['/', '\\'])
            .map(|segment| segment.split(';').next().unwrap_or_default())
            .any(|name| name == "." || name == "..")
}

fn is_tainted(raw: &str, decoded: &str) -> bool {
    let escaped_again = decoded.as_bytes().windows(3).any(
        |w| matches!(w, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    );
    raw.contains("//") || decoded.contains("//") || escaped_again || {
        let special = |c| matches!(c, '\\' | '?' | '#');
        decoded.contains(special)
    }
}

#[cfg(test)]
mod tests;
