//! Whether a browser's request comes from a page of the same origin (RFC 6454, Fetch Metadata).

use aeolus_model::is_loopback;

use crate::host::Authority;
use crate::path::Target;
use crate::request::{Once, Request};

/// Whether a request of a browser to one of our own pages comes from the same origin.
pub fn is_same_origin(request: &Request<'_>) -> bool {
    let asked = request.host.and_then(Authority::parse);
    match (Target::parse(request.target), asked) {
        (Ok(target), Some(asked)) => is_same(request, &target, &asked),
        _ => false,
    }
}

/// Whether an unsafe request that a browser sent with its cookie was made by the deployment's own
/// pages. Nothing that says so means no.
pub(crate) fn is_same(request: &Request<'_>, target: &Target<'_>, asked: &Authority<'_>) -> bool {
    let site = match request.headers.fetch_site {
        Once::Absent => None,
        // Only the browser can write this header; a script can't.
        Once::One(b"same-origin") => Some(true),
        Once::One(_) | Once::Many => return false,
    };
    match (request.headers.origin, site) {
        (Once::Absent, site) => site == Some(true),
        (Once::Many, _) => false,
        (Once::One(origin), site) => {
            let scheme = target.origin.map(|(scheme, _)| scheme);
            matches(origin, asked, scheme, site == Some(true))
        }
    }
}

fn matches(
    origin: &[u8],
    asked: &Authority<'_>,
    asked_scheme: Option<&str>,
    vouched: bool,
) -> bool {
    let Some((scheme, rest)) = str::from_utf8(origin)
        .ok()
        .and_then(|o| o.split_once("://"))
    else {
        return false;
    };
    let Some(from) = Authority::parse(rest.as_bytes()) else {
        return false;
    };
    if from.host() != asked.host() {
        return false;
    }
    let plain_is_fine = is_loopback(from.host()) || asked_scheme == Some("http");
    if !(scheme == "https" || (scheme == "http" && plain_is_fine)) {
        return false;
    }
    // The browser itself vouched for the exact origin; a proxy may have lost the port.
    vouched || from.port_under(scheme) == asked.port_under(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Headers;

    fn same(host: &str, headers: &[(&str, &str)]) -> bool {
        let request = Request {
            host: Some(host.as_bytes()),
            headers: Headers::collect(headers.iter().map(|(n, v)| (*n, v.as_bytes()))),
            ..Request::default()
        };
        let target = Target::parse(b"/x").unwrap();
        is_same(
            &request,
            &target,
            &Authority::parse(host.as_bytes()).unwrap(),
        )
    }

    #[test]
    fn o29_only_the_same_origin_may_write_with_a_cookie() {
        assert!(same("a.test", &[("origin", "https://a.test")]));
        assert!(same("a.test:443", &[("origin", "https://a.test")]));
        assert!(same(
            "a.localhost:8808",
            &[("origin", "http://a.localhost:8808")]
        ));
        assert!(same("a.test", &[("sec-fetch-site", "same-origin")]));
        for bad in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "https://evil.test")],
            &[("origin", "https://a.test.evil")],
            &[("origin", "https://a.test:8443")],
            &[("origin", "http://a.test")],
            &[
                ("origin", "https://a.test"),
                ("sec-fetch-site", "same-site"),
            ],
            &[
                ("origin", "https://a.test"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[
                ("origin", "https://evil.test"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://a.test"), ("origin", "https://a.test")],
        ] {
            assert!(!same("a.test", bad), "{bad:?}");
        }
    }
}
