//! What a client sends that ends up in a log or goes on to the application: traces and request ids.

#![no_main]

use aeolus_gate::observe::{RequestId, Trace};
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    if let Some(trace) = Trace::parse(value) {
        let id = trace.id.to_string();
        assert!(id.len() == 32 && value.get(3..35) == Some(id.as_bytes()));
        assert!(trace.span != 0);
    }
    if let Some(id) = RequestId::parse(value) {
        assert_eq!(id.as_str().as_bytes(), value);
        assert!(HeaderValue::from_str(id.as_str()).is_ok());
        assert!(
            !id.as_str()
                .contains(|c: char| c.is_ascii_control() || "\"{}".contains(c))
        );
    }
});
