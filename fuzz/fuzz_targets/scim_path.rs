//! Paths of PATCH operations and names of attributes: never a panic, and what is read is written so that it is read as
//! the same again.

#![no_main]

use aeolus_scim::schema::RESOURCE_TYPES;
use aeolus_scim::{Limits, Path, Projection};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let unlimited = Limits {
        filter_bytes: usize::MAX,
        filter_depth: usize::MAX,
        ..Limits::DEFAULT
    };
    for kind in RESOURCE_TYPES {
        if let Ok(path) = Path::parse(kind, text, &Limits::DEFAULT) {
            let again = Path::parse(kind, &path.to_string(), &unlimited);
            assert_eq!(again.as_ref(), Ok(&path));
        }
        if let Ok(target) = kind.resolve(text) {
            assert_eq!(kind.resolve(&target.to_string()), Ok(target));
        }
        if let Ok(asked) = Projection::parse(kind, Some(text), None, &Limits::DEFAULT) {
            assert!(asked.wants(kind, "id"));
        }
    }
});
