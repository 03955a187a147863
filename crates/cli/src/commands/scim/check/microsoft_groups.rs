//! What Microsoft Entra ID sends about groups.

use super::step::{Ask, ERROR, Expect, GROUP, LIST, STEP, Step, delete, get, made, patch, post};
use Expect::{Count, Has, Is, Lacks, Schema, Status};

const TEAM: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "externalId": "{guid}",
    "displayName": "{group name}", "meta": {"resourceType": "Group"}, "members": []}"#;
const RENAME: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "value": {"displayName": "{group name} 2", "externalId": "{external}"}}]}"#;
const RENAME_BACK: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "displayName", "value": "{group name}"}]}"#;
const COME: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    {"op": "Add", "path": "members", "value": [{"value": "{user}"}, {"value": "{first}"}]}]}"#;
const LEAVE: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    {"op": "Remove", "path": "members", "value": [{"value": "{user}"}]}]}"#;
const LEAVE_BY_PATH: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    {"op": "remove", "path": "members[value eq \"{first}\"]"}]}"#;

const FOUND: &[Expect] = &[
    Status(&[200]),
    Schema(LIST),
    Count("/totalResults", 1),
    Is("/Resources/0/id", "{group}"),
    Lacks("/Resources/0/members"),
];
const DONE: &[Expect] = &[Status(&[200, 204])];
const ABSENT: &[Expect] = &[Status(&[404]), Schema(ERROR)];
/// Whether somebody is in, as Entra asks it.
const IS_IN: &[Expect] = &[Status(&[200]), Count("/totalResults", 1)];
const IS_OUT: &[Expect] = &[Status(&[200]), Count("/totalResults", 0)];
const USER_IN: Ask =
    get("/Groups?excludedAttributes=members&filter=id eq \"{group}\" and members eq \"{user}\"");
const FIRST_IN: Ask =
    get("/Groups?excludedAttributes=members&filter=id eq \"{group}\" and members eq \"{first}\"");
const MATCH: &str = "Entra finds no group again: it makes them twice, or takes another one for it";
const MEMBERS: &str = "people are not in the groups that Entra says";
const LEFT: &str = "whoever is taken out at Entra stays in the group, or takes others along";

/// The steps, in their order.
pub(super) const STEPS: &[Step] = &[
    Step {
        code: "ENTRA-GROUP-01",
        what: "make a group",
        ask: post("/Groups", TEAM),
        expect: &[
            Status(&[201]),
            Schema(GROUP),
            Has("/id"),
            Is("/displayName", "{group name}"),
            Is("/externalId", "{guid}"),
        ],
        keep: Some(made("group")),
        means: "no group is provisioned",
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-02",
        what: "make it again",
        ask: post("/Groups", TEAM),
        expect: &[Status(&[409]), Schema(ERROR)],
        keep: Some(made("second group")),
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-03",
        what: "find it by its name, without its members",
        ask: get("/Groups?excludedAttributes=members&filter=displayName eq \"{group name}\""),
        expect: FOUND,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-04",
        what: "find it by its name in other letters",
        ask: get("/Groups?excludedAttributes=members&filter=displayName eq \"{GROUP NAME}\""),
        expect: FOUND,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-05",
        what: "look for a name that no group has",
        ask: get("/Groups?excludedAttributes=members&filter=displayName eq \"{nobody}\""),
        expect: IS_OUT,
        means: MATCH,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-06",
        what: "rename it, without a path",
        ask: patch("/Groups/{group}", RENAME),
        expect: DONE,
        means: "names at Entra don't arrive",
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-07",
        what: "read it without its members",
        ask: get("/Groups/{group}?excludedAttributes=members"),
        expect: &[
            Status(&[200]),
            Is("/displayName", "{group name} 2"),
            Lacks("/members"),
        ],
        means: "names at Entra don't arrive, or each reading carries all members",
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-08",
        what: "rename it back, by a path",
        ask: patch("/Groups/{group}", RENAME_BACK),
        expect: DONE,
        means: "names at Entra don't arrive",
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-09",
        what: "put two in",
        ask: patch("/Groups/{group}", COME),
        expect: DONE,
        means: MEMBERS,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-10",
        what: "ask whether the one is in",
        ask: USER_IN,
        expect: IS_IN,
        means: MEMBERS,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-11",
        what: "take the one out, by a list of values",
        ask: patch("/Groups/{group}", LEAVE),
        expect: DONE,
        means: LEFT,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-12",
        what: "ask whether the one is out",
        ask: USER_IN,
        expect: IS_OUT,
        means: LEFT,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-13",
        what: "ask whether the other one is still in",
        ask: FIRST_IN,
        expect: IS_IN,
        means: LEFT,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-14",
        what: "take the other one out, by a path",
        ask: patch("/Groups/{group}", LEAVE_BY_PATH),
        expect: DONE,
        means: LEFT,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-15",
        what: "ask whether they are out",
        ask: FIRST_IN,
        expect: IS_OUT,
        means: LEFT,
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-16",
        what: "delete it",
        ask: delete("/Groups/{group}"),
        expect: &[Status(&[204])],
        ends: Some("group"),
        means: "a group that is gone at Entra stays",
        ..STEP
    },
    Step {
        code: "ENTRA-GROUP-17",
        what: "delete it again",
        ask: delete("/Groups/{group}"),
        expect: ABSENT,
        means: "Entra counts it as failed in each cycle",
        ..STEP
    },
];
