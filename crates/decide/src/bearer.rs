//! The credential of a program: `Authorization: Bearer`, or a token of ours and nothing else.

use crate::Reason;
use crate::request::Once;

/// The token of an `Authorization` header: `Bearer`, one space, a token68 (RFC 6750 §2.1). A
/// header with another scheme is a credential we can't check, so the cookie doesn't count either.
///
/// A token without any scheme counts as well: programs written for the original send their key so
/// (row G3). Only one that begins as every token of ours does, so that no scheme is taken for one.
pub(crate) fn bearer(header: Once<'_>) -> Result<Option<&[u8]>, Reason> {
    let value = match header {
        Once::Absent => return Ok(None),
        Once::Many => return Err(Reason::AuthorizationRepeated),
        Once::One(value) => value,
    };
    let scheme_end = value.iter().position(|b| matches!(b, b' ' | b'\t' | b','));
    if scheme_end.is_none() && value.starts_with(TOKEN_START) {
        return if is_token68(value) {
            Ok(Some(value))
        } else {
            Err(Reason::AuthorizationMalformed)
        };
    }
    let (scheme, rest) = value
        .split_at_checked(scheme_end.unwrap_or(value.len()))
        .ok_or(Reason::AuthorizationMalformed)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Reason::SchemeUnknown);
    }
    let token = rest.strip_prefix(b" ").unwrap_or_default();
    if token.is_empty() || !is_token68(token) {
        return Err(Reason::AuthorizationMalformed);
    }
    Ok(Some(token))
}

/// How a compact JWS with a JSON header begins: `{"` in base64url.
const TOKEN_START: &[u8] = b"eyJ";

/// Whether every byte may stand in a token68. By a table and without a way out at the first that
/// may not: every byte of every token comes by here, and this is a third of what comparing costs.
fn is_token68(token: &[u8]) -> bool {
    let fits = |byte: u8| TOKEN68.get(usize::from(byte)).copied().unwrap_or(false);
    token.iter().fold(true, |all, byte| all & fits(*byte))
}

static TOKEN68: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0_u8;
    while let Some((fits, after)) = rest.split_first_mut() {
        *fits = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        rest = after;
        byte = byte.wrapping_add(1);
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_a_key_without_a_scheme_is_a_token_and_a_scheme_without_a_token_is_not() {
        let read = |value: &'static str| bearer(Once::One(value.as_bytes()));
        assert_eq!(read("eyJh.eyJi.c"), Ok(Some(&b"eyJh.eyJi.c"[..])));
        for unknown in [
            "Basic",
            "Token",
            "aGVsbG8",
            "Basic eyJh.eyJi.c",
            "eyJh eyJi",
            "eyJh,b",
        ] {
            assert_eq!(read(unknown), Err(Reason::SchemeUnknown), "{unknown}");
        }
        for malformed in ["Bearer", "Bearer ", "Bearer  eyJh", "eyJh;b", "eyJ\u{e9}"] {
            assert_eq!(
                read(malformed),
                Err(Reason::AuthorizationMalformed),
                "{malformed}"
            );
        }
    }

    #[test]
    fn a_token_is_a_token68_from_its_first_byte_to_its_last() {
        const ALPHABET: &[u8] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
        for byte in 0..=u8::MAX {
            for (length, at) in [(1, 0), (7, 3), (16, 15), (33, 0), (700, 699)] {
                let mut token = vec![b'a'; length];
                token[at] = byte;
                let value = [b"Bearer ".as_slice(), &token].concat();
                let read = bearer(Once::One(&value));
                if ALPHABET.contains(&byte) {
                    assert_eq!(read, Ok(Some(&*token)), "{byte:#04x} at {at} of {length}");
                } else {
                    let malformed = Err(Reason::AuthorizationMalformed);
                    assert_eq!(read, malformed, "{byte:#04x} at {at} of {length}");
                }
            }
        }
    }
}
