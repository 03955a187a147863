//! Bodies: of a PATCH above all, of POST and PUT, of a search and of a bulk request. Never a panic; a PATCH does everything
//! or nothing, and what comes out of one is canonical.

#![no_main]

use aeolus_scim::bulk::Bulk;
use aeolus_scim::schema::{RESOURCE_TYPES, USER};
use aeolus_scim::{Document, Limits, Patch, Profile, Query, Rules, json};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const BEFORE: &str = r#"{
    "userName": "a", "displayName": "A", "active": true, "name": {"givenName": "A"},
    "emails": [{"value": "a@b", "type": "work", "primary": true}, {"value": "c@d", "type": "home"}],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "m", "$ref": "x/m"}}
}"#;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::DEFAULT;
    let Ok(body) = json::parse(bytes, &limits) else {
        return;
    };
    for profile in [&Profile::STRICT, &Profile::OKTA, &Profile::MICROSOFT] {
        let rules = Rules {
            profile,
            limits: &limits,
        };
        for kind in RESOURCE_TYPES {
            let _ = Document::read(kind, body.clone(), rules);
            let before = serde_json::from_str(BEFORE).expect("JSON");
            let loose = Rules {
                profile: &Profile::MICROSOFT,
                limits: &limits,
            };
            let before = Document::read(kind, before, loose).expect("a resource");
            let Ok(patch) = Patch::read(kind, body.clone(), rules) else {
                continue;
            };
            let Ok(after) = patch.apply(&before.resource) else {
                continue;
            };
            assert_eq!(after.changed, after.resource != before.resource);
            let again = Value::Object(after.resource.tree().clone());
            let again = Document::read(kind, again, loose).expect("canonical");
            assert_eq!(again.resource, after.resource);
        }
    }
    if let Ok(query) = Query::from_body(body.clone()) {
        let _ = query.on(&USER, &limits);
    }
    if let Ok(bulk) = Bulk::read(body, &limits) {
        assert_eq!(bulk.plan().len(), bulk.operations.len());
    }
});
