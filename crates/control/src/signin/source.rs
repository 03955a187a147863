//! From where somebody signs in, as it is kept to recognise a session by.

use aeolus_store::SignInSource;
use http::HeaderMap;
use http::header::USER_AGENT;

use crate::ctx::RequestInfo;

/// Longer names of browsers are cut.
const MAX: usize = 200;

/// Where a request comes from. Its `User-Agent` is whatever a stranger wrote: only printable ASCII of
/// it is kept, so that it can neither break a line nor steer a terminal.
pub(super) fn of(info: &RequestInfo, headers: &HeaderMap) -> SignInSource {
    let user_agent = headers.get(USER_AGENT).map_or(&[][..], |v| v.as_bytes());
    SignInSource {
        address: info.source.clone(),
        user_agent: printable(user_agent),
    }
}

fn printable(bytes: &[u8]) -> String {
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    let text: String = bytes.iter().take(MAX).map(shown).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_not_kept() {
        assert_eq!(printable(b"Mozilla/5.0 (X11)"), "Mozilla/5.0 (X11)");
        assert_eq!(printable(b" \x1b[2Ja\tb\xc3\xa9 "), "?[2Ja?b??");
        assert_eq!(printable(&[b'x'; 4000]).len(), MAX);
    }

    #[test]
    fn any_byte_becomes_a_printable_one() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        for bytes in all.chunks(MAX) {
            let text = printable(bytes);
            assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
