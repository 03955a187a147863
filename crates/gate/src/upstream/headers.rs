//! Which headers go on, in either direction.

use std::net::IpAddr;

use http::HeaderValue;
use http::header::{
    AUTHORIZATION, CONNECTION, COOKIE, HOST, HeaderMap, HeaderName, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use super::Forward;
use crate::gate::Onward;

/// Headers of one connection, not of the message (RFC 9110 §7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Beginnings of headers in which some application behind some proxy has looked for an identity or
/// for the original request.
const CLAIMED: [&str; 10] = [
    "x-aeolus-",
    "x-airflow-",
    "x-auth-",
    "x-authentik-",
    "x-forwarded-",
    "x-goog-authenticated-",
    "x-original-",
    "x-remote-",
    "x-webauth-",
    "remote-",
];

/// The same, whole.
const CLAIMED_WHOLE: [&str; 8] = [
    "forwarded",
    "x-real-ip",
    "x-user",
    "x-email",
    "x-groups",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Takes away what must not reach an application: hop-by-hop headers, whatever a client could pass
/// for an identity, our own cookies, and (but on pass-through paths) the client's credential.
pub(super) fn strip_request(all: &mut HeaderMap, pass_through: bool, parent: Option<&str>) {
    strip_hop_by_hop(all);
    let dropped: Vec<HeaderName> = all
        .keys()
        .filter(|name| is_claimed(name))
        .cloned()
        .collect();
    for name in dropped {
        all.remove(name);
    }
    if !pass_through {
        all.remove(AUTHORIZATION);
    }
    let kept = kept_cookies(all, parent);
    all.remove(COOKIE);
    if let Some(kept) = kept {
        all.insert(COOKIE, kept);
    }
}

/// Takes away what must not reach a client: hop-by-hop headers, cookies under our names.
pub(super) fn strip_response(all: &mut HeaderMap, parent: Option<&str>) {
    strip_hop_by_hop(all);
    let kept: Vec<HeaderValue> = all
        .get_all(SET_COOKIE)
        .iter()
        .filter(|cookie| !is_ours(name_of(cookie.as_bytes()), parent))
        .cloned()
        .collect();
    all.remove(SET_COOKIE);
    for cookie in kept {
        all.append(SET_COOKIE, cookie);
    }
}

/// Says what the client asked for and from where, in the usual words.
pub(super) fn say_where_from(
    all: &mut HeaderMap,
    host: Option<HeaderValue>,
    peer: Option<IpAddr>,
    scheme: &'static str,
) {
    if let Some(host) = host {
        all.insert(HOST, host.clone());
        all.insert("x-forwarded-host", host);
    }
    if let Some(peer) = peer.and_then(|peer| HeaderValue::try_from(peer.to_string()).ok()) {
        all.insert("x-forwarded-for", peer);
    }
    all.insert("x-forwarded-proto", HeaderValue::from_static(scheme));
}

/// Says who asks. The headers are for logs; what counts is the signed token.
pub(super) fn say_who(all: &mut HeaderMap, forward: &Forward<'_>) {
    let Onward::As(presented) = forward.onward else {
        return;
    };
    all.insert("x-aeolus-user", presented.user.clone());
    all.insert("x-aeolus-email", presented.email.clone());
    all.insert("x-aeolus-deployment", presented.deployment.clone());
    all.insert(AUTHORIZATION, presented.authorization.clone());
}

fn strip_hop_by_hop(all: &mut HeaderMap) {
    let named: Vec<HeaderName> = all
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named.into_iter().chain(HOP_BY_HOP) {
        all.remove(name);
    }
}

/// An underscore is an alias of the hyphen to some servers; no honest header needs one.
fn is_claimed(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.contains('_')
        || CLAIMED.iter().any(|start| name.starts_with(start))
        || CLAIMED_WHOLE.contains(&name)
}

/// The client's cookies that are not ours, in one line.
fn kept_cookies(all: &HeaderMap, parent: Option<&str>) -> Option<HeaderValue> {
    let mut line = Vec::new();
    let cookies = all.get_all(COOKIE).iter();
    for cookie in cookies.flat_map(|value| value.as_bytes().split(|byte| *byte == b';')) {
        let cookie = cookie.trim_ascii();
        if cookie.is_empty() || is_ours(name_of(cookie), parent) {
            continue;
        }
        if !line.is_empty() {
            line.extend_from_slice(b"; ");
        }
        line.extend_from_slice(cookie);
    }
    if line.is_empty() {
        None
    } else {
        HeaderValue::from_bytes(&line).ok()
    }
}

fn name_of(cookie: &[u8]) -> &[u8] {
    let name = cookie.split(|byte| *byte == b'=' || *byte == b';').next();
    name.unwrap_or_default().trim_ascii()
}

/// Our own cookies, `parent` the one of the parent domain, and the one in which Airflow looks for a
/// token. With the parent domain's an application could be anybody who visits it, elsewhere.
fn is_ours(name: &[u8], parent: Option<&str>) -> bool {
    name == b"_token"
        || name.starts_with(b"__Host-aeolus")
        || name.starts_with(b"aeolus")
        || parent.is_some_and(|parent| name == parent.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(all: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (
                name.parse::<HeaderName>().unwrap(),
                value.parse::<HeaderValue>().unwrap(),
            )
        };
        all.iter().map(pair).collect()
    }

    #[test]
    fn t47_whatever_could_pass_for_an_identity_is_taken_away() {
        let mut all = map(&[
            ("x-forwarded-user", "mallory"),
            ("x-aeolus-email", "mallory"),
            ("x_auth_user", "mallory"),
            ("remote-user", "mallory"),
            ("forwarded", "for=mallory"),
            ("authorization", "Bearer mallory"),
            ("accept", "text/html"),
        ]);
        strip_request(&mut all, false, None);
        assert_eq!(all, map(&[("accept", "text/html")]));
    }

    #[test]
    fn t48_our_cookies_and_airflows_are_taken_out_and_the_rest_stays() {
        let mut all = map(&[
            (
                "cookie",
                "theme=dark; _token=mallory;__Host-aeolus=a; lang=de",
            ),
            ("cookie", "aeolus=b; x=y"),
        ]);
        strip_request(&mut all, false, None);
        assert_eq!(all, map(&[("cookie", "theme=dark; lang=de; x=y")]));
    }

    #[test]
    fn i13_the_parent_domains_cookie_goes_to_no_application_and_comes_from_none() {
        let mut all = map(&[("cookie", "theme=dark; example_com_auth=eyJ; example_com=1")]);
        strip_request(&mut all, true, Some("example_com_auth"));
        assert_eq!(all, map(&[("cookie", "theme=dark; example_com=1")]));
        let mut all = map(&[("set-cookie", "example_com_auth=x; Domain=.example.com")]);
        strip_response(&mut all, Some("example_com_auth"));
        assert!(all.is_empty());
    }

    #[test]
    fn row_12_a_connection_header_takes_only_its_own_hop_with_it() {
        let mut all = map(&[
            ("connection", "close, x-custom"),
            ("x-custom", "1"),
            ("te", "trailers"),
        ]);
        strip_request(&mut all, true, None);
        assert!(all.is_empty());
    }

    #[test]
    fn a_pass_through_path_keeps_the_applications_own_credential() {
        let mut all = map(&[("authorization", "task-token")]);
        strip_request(&mut all, true, None);
        assert_eq!(all, map(&[("authorization", "task-token")]));
    }

    #[test]
    fn an_application_can_not_set_our_cookies() {
        let mut all = map(&[
            ("set-cookie", "__Host-aeolus=x; Path=/"),
            ("set-cookie", "a=b"),
        ]);
        strip_response(&mut all, None);
        assert_eq!(all, map(&[("set-cookie", "a=b")]));
    }
}
