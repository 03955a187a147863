//! Filters, searches and orders: never a panic, and what is read is written so that it is read as the same again.

#![no_main]

use aeolus_scim::schema::RESOURCE_TYPES;
use aeolus_scim::{Filter, Limits, Query};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let tree = json!({
        "userName": "a", "active": true, "title": text, "name": {"givenName": "A"},
        "emails": [{"value": "a@b", "type": "work", "primary": true}, {"value": text}],
        "meta": {"created": "2026-11-30T12:00:00Z"},
    });
    let Value::Object(tree) = tree else { return };
    for kind in RESOURCE_TYPES {
        if let Ok(filter) = Filter::parse(kind, text, &Limits::DEFAULT) {
            let again = Filter::parse(kind, &filter.to_string(), &UNLIMITED);
            assert_eq!(again.as_ref(), Ok(&filter));
            let _ = (filter.matches(&tree), filter.lookups());
        }
        if let Ok(query) = Query::from_url(text) {
            let _ = query.on(kind, &Limits::DEFAULT).map(|search| {
                search.sort.map(|sort| {
                    let key = sort.key(&tree);
                    assert!(sort.compare(&key, &key).is_eq());
                })
            });
            let _ = query.page(&Limits::DEFAULT);
        }
    }
});

/// Escapes and parentheses may make a filter longer than it was sent.
const UNLIMITED: Limits = Limits {
    filter_bytes: usize::MAX,
    filter_depth: usize::MAX,
    ..Limits::DEFAULT
};
