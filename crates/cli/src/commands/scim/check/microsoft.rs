//! What Microsoft Entra ID sends about people: Test Connection and the list of its validator. Groups are in `microsoft_groups`.

use super::step::{
    Ask, ERROR, Expect, Keep, LIST, STEP, Shows, Step, USER, delete, get, made, patch, post,
    showing,
};
use Expect::{
    Bool, Count, Has, Holds, Is, Lacks, List, Media, Names, NoNulls, Number, Schema, Status,
};

const PERSON: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "externalId": "{external}", "userName": "{login}", "active": true, "displayName": "Aeolus Check",
    "emails": [{"primary": true, "type": "work", "value": "{login}"}], "meta": {"resourceType": "User"},
    "name": {"formatted": "Aeolus Check", "familyName": "Check", "givenName": "Aeolus"}, "roles": []}"#;
const BOSS: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": "{external}-2",
    "userName": "{first login}", "active": true, "displayName": "Boss Check",
    "emails": [{"primary": true, "type": "work", "value": "{first login}"}]}"#;
const PLACES: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "changed-{login}"},
    {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 555 0100"},
    {"op": "Replace", "path": "addresses[type eq \"work\"].locality", "value": "Thebes"},
    {"op": "Replace", "path": "name.familyName", "value": "Changed"}]}"#;
const RENAME: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "value": {"userName": "{renamed}"}}]}"#;
const DOTTED: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"displayName": "Again Check", "name.givenName": "Again",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Winds"}}]}"#;
const MANAGER: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "Add",
    "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "{first}"}]}"#;
const MANAGER_AGAIN: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "Replace",
    "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": [{"value": "{first}"}]}]}"#;
const NO_MANAGER: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "Replace",
    "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": ""}]}"#;
const CLEAR: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "displayName", "value": ""}]}"#;
const DISABLE: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}"#;
const ENABLE: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": true}]}"#;

const ONE: Ask = get("/Users/{user}");
const DEPARTMENT: &str = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department";
const MANAGED_BY: &str =
    "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager/value";
const FOUND: &[Expect] = &[
    Status(&[200]),
    Schema(LIST),
    Count("/totalResults", 1),
    Is("/Resources/0/id", "{user}"),
];
const DONE: &[Expect] = &[Status(&[200, 204])];
const ABSENT: &[Expect] = &[Status(&[404]), Schema(ERROR)];
const TEST: &str = "Test Connection fails: the credentials can't be saved";
const MATCH: &str =
    "Entra finds nobody again: it makes people twice, or counts each cycle as failed";
const CHANGE: &str = "changes at Entra don't arrive, and the job ends in quarantine";
const END: &str = "whoever is unassigned, blocked or deleted at Entra keeps their access";

/// The steps, in their order.
pub(super) const STEPS: &[Step] = &[
    Step {
        code: "ENTRA-TEST-01",
        what: "Test Connection: look for a random userName",
        ask: get("/Users?filter=userName eq \"{guid}\""),
        expect: &[
            Status(&[200]),
            Media,
            Schema(LIST),
            Count("/totalResults", 0),
        ],
        means: TEST,
        ..STEP
    },
    Step {
        code: "ENTRA-TEST-02",
        what: "the same below a tenant URL that ends with ?aadOptscim062020",
        ask: get("/Users?aadOptscim062020=&filter=userName eq \"{guid}\""),
        expect: &[Status(&[200]), Count("/totalResults", 0)],
        means: TEST,
        ..STEP
    },
    Step {
        code: "ENTRA-TEST-03",
        what: "ask with a credential that is none",
        ask: showing(get("/Users?filter=userName eq \"{guid}\""), Shows::Wrong),
        expect: &[Status(&[401]), Schema(ERROR)],
        means: "a stranger could write people and groups",
        ..STEP
    },
    Step {
        code: "ENTRA-TEST-04",
        what: "ask without any credential",
        ask: showing(get("/Users?filter=userName eq \"{guid}\""), Shows::Nothing),
        expect: &[Status(&[401])],
        means: "a stranger could write people and groups",
        ..STEP
    },
    Step {
        code: "ENTRA-SCHEMA-01",
        what: "read the schemas",
        ask: get("/Schemas"),
        expect: &[
            Status(&[200]),
            Schema(LIST),
            NoNulls,
            Names("/Resources", USER),
            Names("/Resources", super::step::GROUP),
        ],
        means: "attributes are not offered for mapping, and all tests of groups fail",
        ..STEP
    },
    Step {
        code: "ENTRA-SCHEMA-02",
        what: "read what the endpoint can do",
        ask: get("/ServiceProviderConfig"),
        expect: &[Status(&[200]), Bool("/patch/supported", true)],
        means: "Entra changes nobody without PATCH",
        ..STEP
    },
    Step {
        code: "ENTRA-SCHEMA-03",
        what: "read which resources there are",
        ask: get("/ResourceTypes"),
        expect: &[Status(&[200]), List("/Resources")],
        means: "groups are not offered for mapping",
        ..STEP
    },
    Step {
        code: "ENTRA-USER-01",
        what: "make somebody",
        ask: post("/Users", PERSON),
        expect: &[
            Status(&[201]),
            Schema(USER),
            Has("/id"),
            Is("/externalId", "{external}"),
            Is("/userName", "{login}"),
            Bool("/active", true),
            Bool("/emails/0/primary", true),
            Is("/emails/0/type", "work"),
            Is("/meta/resourceType", "User"),
        ],
        keep: Some(made("user")),
        means: "nobody is provisioned",
        ..STEP
    },
    Step {
        code: "ENTRA-USER-02",
        what: "make them again",
        ask: post("/Users", PERSON),
        expect: &[Status(&[409]), Schema(ERROR)],
        keep: Some(made("second user")),
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-USER-03",
        what: "make somebody else",
        ask: post("/Users", BOSS),
        expect: &[Status(&[201])],
        keep: Some(made("first")),
        means: "nobody is provisioned",
        ..STEP
    },
    Step {
        code: "ENTRA-USER-04",
        what: "look for their userName",
        ask: get("/Users?filter=userName eq \"{login}\""),
        expect: FOUND,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-USER-05",
        what: "look for their userName in other letters",
        ask: get("/Users?filter=userName eq \"{LOGIN}\""),
        expect: FOUND,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-USER-06",
        what: "look for their externalId",
        ask: get("/Users?filter=externalId eq \"{external}\""),
        expect: FOUND,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-USER-07",
        what: "look for their e-mail address",
        ask: get("/Users?filter=emails[type eq \"work\"].value eq \"{login}\""),
        expect: FOUND,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-USER-08",
        what: "read them",
        ask: ONE,
        expect: &[
            Status(&[200]),
            Is("/id", "{user}"),
            Is("/userName", "{login}"),
            Bool("/active", true),
        ],
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-USER-09",
        what: "page through people",
        ask: get("/Users?startIndex=2&count=1"),
        expect: &[
            Status(&[200]),
            Count("/startIndex", 2),
            Number("/itemsPerPage"),
            Number("/totalResults"),
            Has("/Resources"),
        ],
        keep: Some(Keep {
            name: "paged",
            at: "/Resources/0/id",
            made: false,
        }),
        means: "imports lose people",
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-01",
        what: "change one e-mail address, telephone and place of several, and the family name",
        ask: patch("/Users/{user}", PLACES),
        expect: DONE,
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-02",
        what: "read them",
        ask: ONE,
        expect: &[
            Status(&[200]),
            Holds("/emails", "changed-{login}"),
            Holds("/phoneNumbers", "+1 555 0100"),
            Is("/addresses/0/locality", "Thebes"),
            Is("/name/familyName", "Changed"),
        ],
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-03",
        what: "change the userName, without a path",
        ask: patch("/Users/{user}", RENAME),
        expect: DONE,
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-04",
        what: "change several at once, by dotted names and a schema's name",
        ask: patch("/Users/{user}", DOTTED),
        expect: DONE,
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-05",
        what: "read them",
        ask: ONE,
        expect: &[
            Status(&[200]),
            Is("/userName", "{renamed}"),
            Is("/displayName", "Again Check"),
            Is("/name/givenName", "Again"),
            Is(DEPARTMENT, "Winds"),
        ],
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-06",
        what: "give them a manager",
        ask: patch("/Users/{user}", MANAGER),
        expect: DONE,
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-07",
        what: "read the manager",
        ask: ONE,
        expect: &[Status(&[200]), Is(MANAGED_BY, "{first}")],
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-08",
        what: "replace the manager, in a list",
        ask: patch("/Users/{user}", MANAGER_AGAIN),
        expect: DONE,
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-09",
        what: "take the manager away, by an empty text",
        ask: patch("/Users/{user}", NO_MANAGER),
        expect: DONE,
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-10",
        what: "take the name away, by an empty text",
        ask: patch("/Users/{user}", CLEAR),
        expect: DONE,
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-11",
        what: "read that both are gone",
        ask: ONE,
        expect: &[Status(&[200]), Lacks(MANAGED_BY), Lacks("/displayName")],
        means: CHANGE,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-12",
        what: "disable them, by the text False",
        ask: patch("/Users/{user}", DISABLE),
        expect: DONE,
        means: END,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-13",
        what: "read that they are disabled",
        ask: ONE,
        expect: &[Status(&[200]), Bool("/active", false)],
        means: END,
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-14",
        what: "enable them again",
        ask: patch("/Users/{user}", ENABLE),
        expect: DONE,
        means: "whoever is assigned again at Entra stays out",
        ..STEP
    },
    Step {
        code: "ENTRA-PATCH-15",
        what: "read that they are enabled",
        ask: ONE,
        expect: &[Status(&[200]), Bool("/active", true)],
        means: "whoever is assigned again at Entra stays out",
        ..STEP
    },
];

/// How it ends, after the groups.
pub(super) const LAST: &[Step] = &[
    Step {
        code: "ENTRA-END-01",
        what: "delete them",
        ask: delete("/Users/{user}"),
        expect: &[Status(&[204])],
        ends: Some("user"),
        means: END,
        ..STEP
    },
    Step {
        code: "ENTRA-END-02",
        what: "read them",
        ask: ONE,
        expect: ABSENT,
        means: END,
        ..STEP
    },
    Step {
        code: "ENTRA-END-03",
        what: "delete them again",
        ask: delete("/Users/{user}"),
        expect: ABSENT,
        means: "Entra counts it as failed in each cycle",
        ..STEP
    },
    Step {
        code: "ENTRA-END-04",
        what: "delete somebody who never was there",
        ask: delete("/Users/{guid}"),
        expect: ABSENT,
        means: "Entra counts it as failed in each cycle",
        ..STEP
    },
];
