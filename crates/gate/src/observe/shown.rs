//! Parts of a request as a log may show them: one line, no query, nothing that looks like a secret.

use aeolus_decide::Request;

/// Longest path that is shown.
const MOST: usize = 256;

/// The host and path of a request.
pub(super) fn place(request: &Request<'_>) -> (String, String) {
    let target = request.target;
    let absolute = target.windows(3).position(|window| window == b"://");
    let absolute = absolute.filter(|_| !target.starts_with(b"/"));
    let rest = absolute.and_then(|at| target.get(at + 3..));
    let (written, target) = match rest {
        Some(rest) => {
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
            let (written, target) = rest.split_at(end.unwrap_or(rest.len()));
            (Some(written), target)
        }
        None => (None, target),
    };
    let named = request.host.or(written).unwrap_or_default();
    (host(named).to_owned(), path(target))
}

/// A path without its query. Whatever isn't plain is escaped, so that no byte of a client's can end
/// a line or colour a terminal; segments that could be tokens are hidden; the rest of a long one is
/// cut off. `{hidden}` and `{cut}` can't be confused with anything: braces are escaped.
pub(super) fn path(target: &[u8]) -> String {
    let end = target.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let path = target.get(..end.unwrap_or(target.len())).unwrap_or(target);
    let mut shown = String::new();
    for (number, segment) in path.split(|byte| *byte == b'/').enumerate() {
        if number > 0 {
            shown.push('/');
        }
        if is_secret_like(segment) {
            shown.push_str("{hidden}");
        } else {
            for byte in segment {
                push(&mut shown, *byte);
            }
        }
        if shown.len() > MOST {
            shown.truncate(MOST);
            shown.push_str("{cut}");
            break;
        }
    }
    shown
}

/// A host; nothing if it is none.
pub(super) fn host(host: &[u8]) -> &str {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    if host.len() <= 260 && host.iter().all(plain) {
        str::from_utf8(host).unwrap_or_default()
    } else {
        ""
    }
}

/// A JWT begins with `{"`; names in Airflow are shorter than 128 characters in practice.
fn is_secret_like(segment: &[u8]) -> bool {
    segment.len() > 128 || segment.windows(3).any(|window| window == b"eyJ")
}

fn push(text: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte) {
        text.push(char::from(byte));
    } else {
        use std::fmt::Write as _;
        // Writing to a string can't fail.
        let _ = write!(text, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn f60_queries_and_tokens_are_not_shown() {
        assert_eq!(path(b"/dags/x?token=secret"), "/dags/x");
        assert_eq!(path(b"/a/eyJhbGciOi.x.y/b"), "/a/{hidden}/b");
        assert_eq!(path(&[b'a'; 200]), "{hidden}");
        let long = path("/abc".repeat(100).as_bytes());
        assert!(long.ends_with("{cut}") && long.len() < 270, "{long}");
    }

    #[test]
    fn f59_nothing_ends_a_line_or_colours_a_terminal() {
        let evil = path(b"/a\r\nb\x1b[31m\"}{cut}");
        assert_eq!(evil, "/a%0D%0Ab%1B%5B31m%22%7D%7Bcut%7D");
        assert_eq!(host(b"a\r\nb"), "");
        assert_eq!(host(b"etl.test:8808"), "etl.test:8808");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_one_short_line(target in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let shown = path(&target);
            prop_assert!(shown.len() < 800);
            prop_assert!(shown.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'"' && b != b'\\'));
        }
    }
}
