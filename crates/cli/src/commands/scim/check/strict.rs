//! What RFC 7643 and 7644 ask of an endpoint, for every other client.

use super::step::{
    Ask, ERROR, Expect, GROUP, LIST, STEP, Shows, Step, USER, delete, get, made, patch, post, put,
    showing,
};
use Expect::{
    Bool, Count, Has, Holds, Is, List, Location, Media, Misses, Names, Number, Schema, Status,
};

const PERSON: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "{login}",
    "externalId": "{external}", "name": {"givenName": "Aeolus", "familyName": "Check"}, "active": true,
    "emails": [{"value": "{login}", "type": "work", "primary": true}]}"#;
const CHANGED: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "{login}",
    "externalId": "{external}", "name": {"givenName": "Changed", "familyName": "Check"}, "active": true}"#;
const DISABLE: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": false}]}"#;
const NO_TARGET: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "remove"}]}"#;
const TEAM: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "{group name}",
    "members": [{"value": "{user}"}]}"#;
const LEAVE: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "remove", "path": "members[value eq \"{user}\"]"}]}"#;
const SEARCH: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
    "filter": "userName eq \"{login}\"", "startIndex": 1, "count": 10}"#;

const ONE: Ask = get("/Users/{user}");
const DONE: &[Expect] = &[Status(&[200, 204])];
const ABSENT: &[Expect] = &[Status(&[404]), Schema(ERROR), Is("/status", "404")];
const DISCOVERY: &str = "clients that look first what there is go no further (RFC 7644 §4)";
const WRITES: &str = "clients can't write people (RFC 7644 §3)";
const READS: &str = "clients find nobody again (RFC 7644 §3.4)";
const GROUPS: &str = "clients can't write groups (RFC 7643 §4.2)";

/// The steps, in their order.
pub(super) const STEPS: &[Step] = &[
    Step {
        code: "SCIM-01",
        what: "read what the endpoint can do",
        ask: get("/ServiceProviderConfig"),
        expect: &[
            Status(&[200]),
            Media,
            Has("/authenticationSchemes"),
            Bool("/patch/supported", true),
        ],
        means: DISCOVERY,
        ..STEP
    },
    Step {
        code: "SCIM-02",
        what: "read the schemas",
        ask: get("/Schemas"),
        expect: &[
            Status(&[200]),
            Schema(LIST),
            Names("/Resources", USER),
            Names("/Resources", GROUP),
        ],
        means: DISCOVERY,
        ..STEP
    },
    Step {
        code: "SCIM-03",
        what: "read which resources there are",
        ask: get("/ResourceTypes"),
        expect: &[Status(&[200]), Schema(LIST), List("/Resources")],
        means: DISCOVERY,
        ..STEP
    },
    Step {
        code: "SCIM-04",
        what: "ask with a credential that is none",
        ask: showing(get("/Users?count=1"), Shows::Wrong),
        expect: &[Status(&[401])],
        means: "a stranger could write people and groups",
        ..STEP
    },
    Step {
        code: "SCIM-05",
        what: "make somebody",
        ask: post("/Users", PERSON),
        expect: &[
            Status(&[201]),
            Media,
            Location,
            Schema(USER),
            Has("/id"),
            Is("/userName", "{login}"),
            Is("/meta/resourceType", "User"),
        ],
        keep: Some(made("user")),
        means: WRITES,
        ..STEP
    },
    Step {
        code: "SCIM-06",
        what: "make them again",
        ask: post("/Users", PERSON),
        expect: &[Status(&[409]), Schema(ERROR), Is("/scimType", "uniqueness")],
        keep: Some(made("second user")),
        means: WRITES,
        ..STEP
    },
    Step {
        code: "SCIM-07",
        what: "read them",
        ask: ONE,
        expect: &[
            Status(&[200]),
            Is("/id", "{user}"),
            Is("/externalId", "{external}"),
        ],
        means: READS,
        ..STEP
    },
    Step {
        code: "SCIM-08",
        what: "find them by two equalities",
        ask: get("/Users?filter=userName eq \"{LOGIN}\" and externalId eq \"{external}\""),
        expect: &[
            Status(&[200]),
            Schema(LIST),
            Count("/totalResults", 1),
            Number("/startIndex"),
            Is("/Resources/0/id", "{user}"),
        ],
        means: READS,
        ..STEP
    },
    Step {
        code: "SCIM-09",
        what: "search by POST",
        ask: post("/Users/.search", SEARCH),
        expect: &[Status(&[200]), Count("/totalResults", 1)],
        optional: true,
        means: "clients whose filters may stand in no log can't search (RFC 7644 §3.4.3)",
        ..STEP
    },
    Step {
        code: "SCIM-10",
        what: "send a filter that is none",
        ask: get("/Users?filter=userName eq"),
        expect: &[
            Status(&[400]),
            Schema(ERROR),
            Is("/scimType", "invalidFilter"),
        ],
        means: "clients take a filter that isn't understood for one that matches everybody or nobody",
        ..STEP
    },
    Step {
        code: "SCIM-11",
        what: "write them anew",
        ask: put("/Users/{user}", CHANGED),
        expect: &[Status(&[200]), Is("/name/givenName", "Changed")],
        means: WRITES,
        ..STEP
    },
    Step {
        code: "SCIM-12",
        what: "disable them",
        ask: patch("/Users/{user}", DISABLE),
        expect: DONE,
        means: WRITES,
        ..STEP
    },
    Step {
        code: "SCIM-13",
        what: "read that they are disabled",
        ask: ONE,
        expect: &[Status(&[200]), Bool("/active", false)],
        means: WRITES,
        ..STEP
    },
    Step {
        code: "SCIM-14",
        what: "remove without saying what",
        ask: patch("/Users/{user}", NO_TARGET),
        expect: &[Status(&[400]), Schema(ERROR), Is("/scimType", "noTarget")],
        means: "clients don't learn that their change was none (RFC 7644 §3.5.2.2)",
        ..STEP
    },
    Step {
        code: "SCIM-15",
        what: "make a group with them in it",
        ask: post("/Groups", TEAM),
        expect: &[
            Status(&[201]),
            Schema(GROUP),
            Has("/id"),
            Is("/displayName", "{group name}"),
        ],
        keep: Some(made("group")),
        means: GROUPS,
        ..STEP
    },
    Step {
        code: "SCIM-16",
        what: "read that they are in",
        ask: get("/Groups/{group}"),
        expect: &[Status(&[200]), Holds("/members", "{user}")],
        means: GROUPS,
        ..STEP
    },
    Step {
        code: "SCIM-17",
        what: "take them out",
        ask: patch("/Groups/{group}", LEAVE),
        expect: DONE,
        means: GROUPS,
        ..STEP
    },
    Step {
        code: "SCIM-18",
        what: "read that they are out",
        ask: get("/Groups/{group}"),
        expect: &[Status(&[200]), Misses("/members", "{user}")],
        means: GROUPS,
        ..STEP
    },
    Step {
        code: "SCIM-19",
        what: "delete the group",
        ask: delete("/Groups/{group}"),
        expect: &[Status(&[204])],
        ends: Some("group"),
        means: GROUPS,
        ..STEP
    },
    Step {
        code: "SCIM-20",
        what: "delete them",
        ask: delete("/Users/{user}"),
        expect: &[Status(&[204])],
        ends: Some("user"),
        means: WRITES,
        ..STEP
    },
    Step {
        code: "SCIM-21",
        what: "read them",
        ask: ONE,
        expect: ABSENT,
        means: READS,
        ..STEP
    },
    Step {
        code: "SCIM-22",
        what: "ask for something that there is nowhere",
        ask: get("/Nothing{run}"),
        expect: ABSENT,
        means: "clients read a page of a proxy for an answer (RFC 7644 §3.12)",
        ..STEP
    },
];
