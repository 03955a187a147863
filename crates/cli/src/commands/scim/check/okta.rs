//! What Okta sends: its SPEC test (12 requests) and its CRUD test. Groups are in `okta_groups`.

use super::step::{
    Ask, ERROR, Expect, Keep, LIST, STEP, Shows, Step, USER, get, made, patch, post, put, showing,
};
use Expect::{Bool, Count, Has, Is, List, Location, Media, Number, Schema, Status, Within};

const PERSON: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "{login}",
    "name": {"givenName": "Aeolus", "familyName": "Check"}, "displayName": "Aeolus Check", "locale": "en-US",
    "emails": [{"primary": true, "value": "{login}", "type": "work"}], "externalId": "00u{run}",
    "groups": [], "password": "{password}", "active": true}"#;
const CHANGED: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "{user}", "userName": "{login}",
    "name": {"givenName": "Changed", "familyName": "Check"}, "displayName": "Changed Check", "locale": "en-US",
    "emails": [{"primary": true, "value": "{login}", "type": "work"}], "externalId": "00u{run}",
    "groups": [], "active": true}"#;
const INACTIVE: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "{user}", "userName": "{login}",
    "name": {"givenName": "Changed", "familyName": "Check"}, "displayName": "Changed Check", "locale": "en-US",
    "emails": [{"primary": true, "value": "{login}", "type": "work"}], "externalId": "00u{run}",
    "groups": [], "active": false}"#;
const FIRST: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "{first login}",
    "name": {"givenName": "First", "familyName": "Check"}, "active": true,
    "emails": [{"primary": true, "value": "{first login}", "type": "work"}]}"#;
const DEACTIVATE: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"active": false}}]}"#;
const REACTIVATE: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"active": true}}]}"#;
const PASSWORD: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"password": "{password}"}}]}"#;

const ONE: Ask = get("/Users/{user}");
const NOBODY: &[Expect] = &[Status(&[200]), Schema(LIST), Count("/totalResults", 0)];
const ABSENT: &[Expect] = &[
    Status(&[404]),
    Schema(ERROR),
    Has("/detail"),
    Is("/status", "404"),
];
const CREATE: &str = "Okta calls every creation failed: nobody of it can be assigned";
const MATCH: &str = "Okta finds nobody again and makes people twice, or stops the job";
const UPDATE: &str = "changes at Okta don't arrive";
const END: &str = "whoever is unassigned or suspended at Okta keeps their access";

/// The steps, in their order.
pub(super) const STEPS: &[Step] = &[
    Step {
        code: "OKTA-SETUP-1",
        what: "make somebody, so that there is somebody",
        ask: post("/Users", FIRST),
        expect: &[Status(&[201]), Has("/id")],
        keep: Some(made("first")),
        means: CREATE,
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-01",
        what: "list one person",
        ask: get("/Users?count=1&startIndex=1"),
        expect: &[
            Status(&[200]),
            Media,
            Schema(LIST),
            Has("/Resources"),
            Number("/itemsPerPage"),
            Number("/startIndex"),
            Number("/totalResults"),
            Has("/Resources/0/id"),
        ],
        keep: Some(Keep {
            name: "listed",
            at: "/Resources/0/id",
            made: false,
        }),
        means: "Okta refuses the configuration and imports nobody",
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-02",
        what: "read one person",
        ask: get("/Users/{first}"),
        expect: &[
            Status(&[200]),
            Is("/id", "{first}"),
            Is("/userName", "{first login}"),
            Is("/name/givenName", "First"),
            Is("/name/familyName", "Check"),
            Bool("/active", true),
            Is("/emails/0/value", "{first login}"),
        ],
        means: "each person has to have id, userName, name, active and an e-mail address",
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-03",
        what: "look for a userName that nobody has",
        ask: get("/Users?filter=userName eq \"{nobody}\"&startIndex=1&count=100"),
        expect: NOBODY,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-04",
        what: "read somebody who isn't there",
        ask: get("/Users/010101001010101011001010101011"),
        expect: ABSENT,
        means: "Okta takes the answer for an outage and goes on trying",
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-05",
        what: "look for the one who is about to be made",
        ask: get("/Users?filter=userName eq \"{login}\"&startIndex=1&count=100"),
        expect: NOBODY,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-06",
        what: "make somebody, as application/json",
        ask: Ask {
            media: "application/json",
            ..post("/Users", PERSON)
        },
        expect: &[
            Status(&[201]),
            Schema(USER),
            Has("/id"),
            Bool("/active", true),
            Is("/userName", "{login}"),
            Is("/name/givenName", "Aeolus"),
            Is("/name/familyName", "Check"),
            Location,
        ],
        keep: Some(made("user")),
        means: CREATE,
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-07",
        what: "read them",
        ask: ONE,
        expect: &[
            Status(&[200]),
            Is("/userName", "{login}"),
            Is("/name/givenName", "Aeolus"),
            Is("/name/familyName", "Check"),
        ],
        means: CREATE,
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-08",
        what: "make them again",
        ask: post("/Users", PERSON),
        expect: &[Status(&[409]), Schema(ERROR)],
        keep: Some(made("second user")),
        means: MATCH,
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-09",
        what: "look for their userName in other letters",
        ask: get("/Users?filter=userName eq \"{LOGIN}\"&startIndex=1&count=100"),
        expect: &[
            Status(&[200]),
            Count("/totalResults", 1),
            Is("/Resources/0/id", "{user}"),
        ],
        means: MATCH,
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-10",
        what: "list groups",
        ask: get("/Groups?startIndex=1&count=100"),
        expect: &[
            Status(&[200]),
            Schema(LIST),
            List("/Resources"),
            Within(600),
        ],
        optional: true,
        means: "Okta's own test wants the groups within 600 ms; an import waits longer",
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-11",
        what: "ask with a credential that is none",
        ask: showing(get("/Users?count=1&startIndex=1"), Shows::Wrong),
        expect: &[
            Status(&[401]),
            Schema(ERROR),
            Has("/detail"),
            Is("/status", "401"),
        ],
        means: "a stranger could write people and groups, or Okta can't tell a wrong credential from an outage",
        ..STEP
    },
    Step {
        code: "OKTA-SPEC-12",
        what: "read somebody else who isn't there",
        ask: get("/Users/00919288221112222"),
        expect: ABSENT,
        means: "Okta takes the answer for an outage and goes on trying",
        ..STEP
    },
    Step {
        code: "OKTA-CRUD-01",
        what: "find them",
        ask: get("/Users?filter=userName eq \"{login}\"&startIndex=1&count=100"),
        expect: &[
            Status(&[200]),
            Count("/totalResults", 1),
            Is("/Resources/0/userName", "{login}"),
            Is("/Resources/0/emails/0/value", "{login}"),
            Is("/Resources/0/name/givenName", "Aeolus"),
        ],
        means: MATCH,
        ..STEP
    },
    Step {
        code: "OKTA-CRUD-02",
        what: "write them anew with another first name",
        ask: put("/Users/{user}", CHANGED),
        expect: &[Status(&[200]), Is("/name/givenName", "Changed")],
        means: UPDATE,
        ..STEP
    },
    Step {
        code: "OKTA-CRUD-03",
        what: "deactivate them",
        ask: patch("/Users/{user}", DEACTIVATE),
        expect: &[Status(&[200, 204])],
        means: END,
        ..STEP
    },
    Step {
        code: "OKTA-CRUD-04",
        what: "read that they are not active",
        ask: ONE,
        expect: &[
            Status(&[200]),
            Bool("/active", false),
            Is("/name/givenName", "Changed"),
        ],
        means: END,
        ..STEP
    },
    Step {
        code: "OKTA-CRUD-05",
        what: "reactivate them",
        ask: patch("/Users/{user}", REACTIVATE),
        expect: &[Status(&[200, 204])],
        means: "whoever is assigned again at Okta stays out",
        ..STEP
    },
    Step {
        code: "OKTA-CRUD-06",
        what: "read that they are active",
        ask: ONE,
        expect: &[Status(&[200]), Bool("/active", true)],
        means: "whoever is assigned again at Okta stays out",
        ..STEP
    },
    Step {
        code: "OKTA-CRUD-07",
        what: "set a password",
        ask: patch("/Users/{user}", PASSWORD),
        expect: &[Status(&[200, 204])],
        optional: true,
        means: "password sync has to be switched off at Okta",
        ..STEP
    },
];

/// How it ends, after the groups.
pub(super) const LAST: &[Step] = &[
    Step {
        code: "OKTA-CRUD-08",
        what: "write them anew as not active, as custom applications do",
        ask: put("/Users/{user}", INACTIVE),
        expect: &[Status(&[200]), Bool("/active", false)],
        means: END,
        ..STEP
    },
    Step {
        code: "OKTA-CRUD-09",
        what: "read that they are not active",
        ask: ONE,
        expect: &[Status(&[200]), Bool("/active", false)],
        means: END,
        ..STEP
    },
];
