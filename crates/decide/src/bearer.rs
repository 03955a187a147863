//! The credential of a program: `Authorization: Bearer`.

use crate::Reason;
use crate::request::Once;

/// The token of an `Authorization` header: `Bearer`, one space, a token68 (RFC 6750 §2.1). A
/// header with another scheme is a credential we can't check, so the cookie doesn't count either.
pub(crate) fn bearer(header: Once<'_>) -> Result<Option<&[u8]>, Reason> {
    let value = match header {
        Once::Absent => return Ok(None),
        Once::Many => return Err(Reason::AuthorizationRepeated),
        Once::One(value) => value,
    };
    let scheme_end = value.iter().position(|b| matches!(b, b' ' | b'\t' | b','));
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
