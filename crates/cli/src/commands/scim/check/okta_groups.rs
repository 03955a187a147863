//! What Okta sends about groups: group push, by PATCH and by PUT.

use super::step::{Ask, Expect, GROUP, STEP, Step, delete, get, made, patch, post, put};
use Expect::{Count, Has, Holds, Is, Misses, Schema, Status};

const TEAM: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "{group name}", "members": []}"#;
const RENAME: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"id": "{group}", "displayName": "{group name}"}}]}"#;
const COME: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "add", "path": "members", "value": [{"value": "{user}", "display": "{login}"}]}]}"#;
const SWAP: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "remove", "path": "members[value eq \"{user}\"]"},
        {"op": "add", "path": "members", "value": [{"value": "{first}", "display": "{first login}"}]}]}"#;
const WHOLE: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "members", "value": [{"value": "{user}"}, {"value": "{first}"}]}]}"#;
const PUT_TEAM: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "{group}",
    "displayName": "{group name} 2", "members": [{"value": "{user}", "display": "{login}"}]}"#;

const ONE_GROUP: Ask = get("/Groups/{group}");
const PUSH: &str = "group push fails: people are not in the groups that Okta says";

/// The steps, in their order.
pub(super) const STEPS: &[Step] = &[
    Step {
        code: "OKTA-PUSH-01",
        what: "make a group",
        ask: post("/Groups", TEAM),
        expect: &[
            Status(&[201]),
            Schema(GROUP),
            Has("/id"),
            Is("/displayName", "{group name}"),
        ],
        keep: Some(made("group")),
        means: PUSH,
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-02",
        what: "find it",
        ask: get("/Groups?filter=displayName eq \"{group name}\"&startIndex=1&count=100"),
        expect: &[
            Status(&[200]),
            Count("/totalResults", 1),
            Is("/Resources/0/id", "{group}"),
        ],
        means: PUSH,
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-03",
        what: "rename it to what it is called",
        ask: patch("/Groups/{group}", RENAME),
        expect: &[Status(&[200, 204])],
        means: "each change of members comes with such a rename: none arrives",
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-04",
        what: "put somebody in",
        ask: patch("/Groups/{group}", COME),
        expect: &[Status(&[200, 204])],
        means: PUSH,
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-05",
        what: "read that they are in",
        ask: ONE_GROUP,
        expect: &[Status(&[200]), Holds("/members", "{user}")],
        means: PUSH,
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-06",
        what: "take one out and put another in, at once",
        ask: patch("/Groups/{group}", SWAP),
        expect: &[Status(&[200, 204])],
        means: PUSH,
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-07",
        what: "read who is in",
        ask: ONE_GROUP,
        expect: &[
            Status(&[200]),
            Holds("/members", "{first}"),
            Misses("/members", "{user}"),
        ],
        means: "whoever is taken out at Okta stays in the group",
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-08",
        what: "say all members anew",
        ask: patch("/Groups/{group}", WHOLE),
        expect: &[Status(&[200, 204])],
        means: PUSH,
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-09",
        what: "write the group anew, as custom applications do",
        ask: put("/Groups/{group}", PUT_TEAM),
        expect: &[Status(&[200]), Is("/displayName", "{group name} 2")],
        means: "applications of Okta's wizard send nothing else: neither names nor members arrive",
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-10",
        what: "read who is in",
        ask: ONE_GROUP,
        expect: &[
            Status(&[200]),
            Holds("/members", "{user}"),
            Misses("/members", "{first}"),
        ],
        means: "whoever is taken out at Okta stays in the group",
        ..STEP
    },
    Step {
        code: "OKTA-PUSH-11",
        what: "delete the group",
        ask: delete("/Groups/{group}"),
        expect: &[Status(&[204])],
        ends: Some("group"),
        means: "a group that is unlinked at Okta stays",
        ..STEP
    },
];
