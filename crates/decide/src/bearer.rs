//! The credential of a program: `Authorization: Bearer`, or a token of ours and nothing else.

use crate::Reason;
use crate::request::Once;

/// The token of an `Authorization` header: `Bearer`, one space, a token68 (RFC 6750 §2.1). A
/// header with another scheme is a credential we can't check, so the cookie doesn't count either.
///
/// Its characters are only looked at once it is known not to be good, by [`blame`]: no token with
/// others than a token68's verifies, and reading all of them is a third of what a decision costs.
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
        return Ok(Some(value));
    }
    let (scheme, rest) = value
        .split_at_checked(scheme_end.unwrap_or(value.len()))
        .ok_or(Reason::AuthorizationMalformed)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Reason::SchemeUnknown);
    }
    let token = rest.strip_prefix(b" ").unwrap_or_default();
    if token.is_empty() {
        return Err(Reason::AuthorizationMalformed);
    }
    Ok(Some(token))
}

/// How a compact JWS with a JSON header begins: `{"` in base64url.
const TOKEN_START: &[u8] = b"eyJ";

/// Why a token was not accepted: for what is no token68 it is the header that is wrong.
pub(crate) fn blame(token: &[u8], reason: Reason) -> Reason {
    let fits = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
    };
    if token.iter().all(fits) {
        reason
    } else {
        Reason::AuthorizationMalformed
    }
}

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
            let read = read(malformed).map(Option::unwrap_or_default);
            let reason = read.map_or_else(|why| why, |token| blame(token, Reason::TokenMalformed));
            assert_eq!(reason, Reason::AuthorizationMalformed, "{malformed}");
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
                let blamed = blame(&token, Reason::TokenMalformed);
                let reason = if ALPHABET.contains(&byte) {
                    Reason::TokenMalformed
                } else {
                    Reason::AuthorizationMalformed
                };
                assert_eq!(blamed, reason, "{byte:#04x} at {at} of {length}");
            }
        }
    }
}
