//! What proxies ask over HTTP: any path and headers are a question or none.

#![no_main]

use aeolus_gate::codec::{Check, parse};
use http::Request;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 9] = [
    "x-original-url",
    "x-original-method",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-forwarded-host",
    "x-auth-request-redirect",
    "x-auth-deployment",
    "x-forwarded-for",
    "host",
];

fuzz_target!(|parts: (Option<&str>, Vec<(u8, &[u8])>)| {
    let (path, headers) = parts;
    let uri = path.map_or("/v1/authorization".to_owned(), |path| {
        format!("/authz/{path}")
    });
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(NAMES[usize::from(name) % NAMES.len()], value);
    }
    let Ok(request) = request.body(()) else {
        return;
    };
    let (parts, ()) = request.into_parts();
    if let Some(check) = Check::of(parts.uri.path())
        && let Some(question) = parse(check, &parts)
    {
        assert!(question.pin.is_some() || path.is_none());
    }
});
