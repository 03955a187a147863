use http::Request as HttpRequest;
use proptest::prelude::*;

use super::*;

const ID: &str = "04040404-0404-0404-0404-040404040404";

fn ask(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
) -> Option<(String, Option<String>, String)> {
    let mut request = HttpRequest::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let check = Check::of(parts.uri.path())?;
    let question = parse(check, &parts)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((
        text(question.method),
        question.host.map(text),
        text(question.target),
    ))
}

const FORWARDED: [(&str, &str); 3] = [
    ("x-forwarded-method", "POST"),
    ("x-forwarded-host", "a.test"),
    ("x-forwarded-uri", "/api%2Fv2/dags?x=1"),
];

#[test]
fn each_proxy_is_asked_in_its_own_way_only() {
    let own = (
        "POST".to_owned(),
        Some("a.test".to_owned()),
        "/api%2Fv2/dags?x=1".to_owned(),
    );
    for name in ["traefik", "caddy", "haproxy"] {
        let uri = format!("/authz/{name}/{ID}?deployment=other&rd=//evil");
        assert_eq!(
            ask("GET", &uri, &FORWARDED),
            Some(own.clone()),
            "row 48: {name}"
        );
        let original = [
            ("x-original-url", "https://a.test/"),
            ("x-original-method", "GET"),
        ];
        assert_eq!(
            ask("GET", &uri, &original),
            None,
            "{name} was not asked nginx's way"
        );
    }
    let envoy = format!("/authz/envoy/{ID}/api%2Fv2/dags?x=1");
    assert_eq!(ask("POST", &envoy, &[("host", "a.test")]), Some(own));
    assert_eq!(
        ask("POST", &envoy, &FORWARDED),
        None,
        "nothing is made up from other headers"
    );
}

#[test]
fn row_12_a_header_that_is_missing_or_there_twice_asks_nothing() {
    for missing in 0..FORWARDED.len() {
        let mut some = FORWARDED.to_vec();
        let (name, value) = some.remove(missing);
        let uri = format!("/authz/caddy/{ID}");
        assert_eq!(ask("GET", &uri, &some), None, "without {name}");
        let twice = [FORWARDED.to_vec(), vec![(name, value)]].concat();
        assert_eq!(ask("GET", &uri, &twice), None, "{name} twice");
    }
    let hosts = [("host", "a.test"), ("host", "b.test")];
    assert_eq!(ask("GET", &format!("/authz/envoy/{ID}/x"), &hosts), None);
}

#[test]
fn row_8_an_alias_with_an_underscore_is_no_header() {
    let alias = [
        ("x_forwarded_uri", "/static/x"),
        ("x_forwarded_host", "b.test"),
    ];
    let all = [alias.to_vec(), FORWARDED.to_vec()].concat();
    let found = ask("GET", &format!("/authz/caddy/{ID}"), &all).unwrap();
    assert_eq!(found.2, "/api%2Fv2/dags?x=1");
    assert_eq!(ask("GET", &format!("/authz/caddy/{ID}"), &alias), None);
}

#[test]
fn the_path_behind_envoys_prefix_is_kept_byte_for_byte() {
    for path in [
        "/",
        "//a",
        "/%2e%2e/x?",
        "/a?b?c=/authz/envoy/",
        "/a/authz/envoy/x",
    ] {
        let found = ask(
            "GET",
            &format!("/authz/envoy/{ID}{path}"),
            &[("host", "a.test")],
        );
        assert_eq!(found.unwrap().2, path);
    }
    for path in ["", "?x=1", "*"] {
        let found = ask(
            "GET",
            &format!("/authz/envoy/{ID}{path}"),
            &[("host", "a.test")],
        );
        assert!(
            found.is_none_or(|(_, _, target)| !target.starts_with('/')),
            "row 33, 53: {path}"
        );
    }
}

#[test]
fn a_deployment_must_be_named_by_the_proxys_configuration() {
    for path in [
        "/authz/caddy/",
        "/authz/caddy",
        "/authz/other/x",
        "/authz/caddy/etl",
    ] {
        assert_eq!(ask("GET", path, &FORWARDED), None, "{path}");
    }
}

proptest! {
    #[test]
    fn arbitrary_checks_never_panic(
        dialect in 0..5_usize,
        path in "[ -~]{0,40}",
        values in proptest::collection::vec((0..7_usize, proptest::collection::vec(any::<u8>(), 0..40)), 0..8),
    ) {
        let names = ["x-original-url", "x-original-method", "x-forwarded-uri", "x-forwarded-method", "x-forwarded-host", "x-forwarded-for", "host"];
        let uri = format!("/authz/{}/{ID}{path}", Dialect::OVER_HTTP[dialect].name());
        let mut request = HttpRequest::builder().uri(uri);
        for (name, value) in &values {
            request = request.header(names[*name], &value[..]);
        }
        if let Ok(request) = request.body(()) {
            let (parts, ()) = request.into_parts();
            if let Some(check) = Check::of(parts.uri.path()) {
                let _ = parse(check, &parts);
            }
        }
    }
}
