//! What proxies ask over HTTP: any path and headers are a question or none.

#![no_main]

use aeolus_gate::codec::{Check, parse};
use http::Request;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 6] = [
    "x-original-url",
    "x-original-method",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-forwarded-host",
    "host",
];

fuzz_target!(|parts: (&str, Vec<(u8, &[u8])>)| {
    let (path, headers) = parts;
    let mut request = Request::builder().uri(format!("/authz/{path}"));
    for (name, value) in headers {
        request = request.header(NAMES[usize::from(name) % NAMES.len()], value);
    }
    let Ok(request) = request.body(()) else {
        return;
    };
    let (parts, ()) = request.into_parts();
    if let Some(check) = Check::of(parts.uri.path()) {
        if let Some(question) = parse(check, &parts) {
            assert!(question.pin.is_some());
        }
    }
});
