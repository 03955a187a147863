//! Requests that change something on the strength of a cookie must come from our own pages.

use http::HeaderMap;
use http::header::{HeaderName, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether an unsafe request comes from a page of this origin. `origin` is ours, as a browser
/// writes it.
///
/// Browsers send `Origin` with every POST, and newer ones `Sec-Fetch-Site`, which pages can't set.
/// A request with neither is not from a browser form, and is refused: nothing but browsers has our
/// cookie.
pub(crate) fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(Some(value.as_bytes())),
            (Some(_), Some(_)) => Err(()),
        }
    };
    match (one(&SEC_FETCH_SITE), one(&ORIGIN)) {
        (Ok(None), Ok(Some(from))) => from == origin.as_bytes(),
        (Ok(Some(site)), Ok(from)) => {
            site == b"same-origin" && from.is_none_or(|from| from == origin.as_bytes())
        }
        _ => false,
    }
}

/// The origin of a URL: scheme, host and port.
pub(crate) fn origin_of(url: &str) -> Option<String> {
    let origin = url::Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn o29_only_our_own_pages_may_change_things() {
        let ours = "https://a.example";
        let ok = |pairs: &[(&'static str, &'static str)]| is_same_origin(&headers(pairs), ours);
        assert!(ok(&[("origin", ours)]));
        assert!(ok(&[("sec-fetch-site", "same-origin")]));
        assert!(ok(&[("sec-fetch-site", "same-origin"), ("origin", ours)]));
        assert!(!ok(&[]));
        assert!(!ok(&[("origin", "null")]));
        assert!(!ok(&[("origin", "https://evil.example")]));
        assert!(!ok(&[("origin", "https://a.example.evil")]));
        assert!(!ok(&[("sec-fetch-site", "same-site"), ("origin", ours)]));
        assert!(!ok(&[("sec-fetch-site", "cross-site")]));
        assert!(!ok(&[("sec-fetch-site", "none")]));
        assert!(!ok(&[("origin", ours), ("origin", ours)]));
        assert!(!ok(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://evil.example")
        ]));
    }

    #[test]
    fn origins_drop_paths_and_default_ports() {
        assert_eq!(
            origin_of("https://A.example:443/x").as_deref(),
            Some("https://a.example")
        );
        assert_eq!(
            origin_of("http://127.0.0.1:8800").as_deref(),
            Some("http://127.0.0.1:8800")
        );
        assert_eq!(origin_of("mailto:x"), None);
    }
}
