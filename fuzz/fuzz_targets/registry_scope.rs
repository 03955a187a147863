//! Scopes of container registries: never a panic, what is read is written as it was, and a repository has one
//! spelling.

#![no_main]

use aeolus_api::registry::{Scope, is_component};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(scope) = text.parse::<Scope>() {
        assert_eq!(scope.to_string(), text);
        if let Some(repository) = scope.repository() {
            assert!(repository.components().all(is_component));
            assert!(!repository.as_str().contains(".."));
        }
    }
});
