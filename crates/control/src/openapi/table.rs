//! Every operation that is not a page. A route without a row here fails a test.

mod installation;
mod oauth;
mod organization;
mod plane;
mod provisioning;
mod registry;
mod scim;
mod teams;

use installation::{audit_log, own, public, rollouts, system};
use oauth::oauth;
use organization::{organizations, people, roles, rules, tokens};
use plane::planes;
use provisioning::provisioning;
use registry::registry;
use scim::scim;
use teams::teams;

use super::content::{Form, Parameter};
use super::operation::Operation;

const fn parameter(name: &'static str, what: &'static str, form: Form) -> Parameter {
    Parameter { name, what, form }
}

const PAGE: [Parameter; 2] = [
    parameter("limit", "At most so many.", Form::Number(1, 200)),
    parameter("cursor", "`next_cursor` of the page before.", Form::Text),
];
const WAIT: Parameter = parameter(
    "wait",
    "Answer once planes obey, or after 2 s, and say which do.",
    Form::OneOf(&["planes"]),
);
const DRY_RUN: Parameter = parameter(
    "dry_run",
    "Change nothing; say what would happen.",
    Form::Flag,
);
const MOMENTS: [Parameter; 2] = [
    parameter(
        "since",
        "Seconds since 1970.",
        Form::Number(0, 253_402_300_799),
    ),
    parameter(
        "until",
        "Seconds since 1970.",
        Form::Number(0, 253_402_300_799),
    ),
];
const EVENTS: [Parameter; 5] = [
    parameter("actor", "An id, or a person's address.", Form::Text),
    parameter("action", "Such as `token.create` or `token.*`.", Form::Text),
    parameter("target", "An id or a name.", Form::Text),
    parameter(
        "outcome",
        "How it went.",
        Form::OneOf(&["success", "denied", "failure"]),
    ),
    parameter(
        "order",
        "Which come first.",
        Form::OneOf(&["oldest", "newest"]),
    ),
];
const WHOSE: [Parameter; 2] = [
    parameter("user", "A person, by id or address.", Form::Text),
    parameter(
        "organization",
        "In this organization, by id or name.",
        Form::Text,
    ),
];
const LINES: &str = "application/x-ndjson";
const CHECKPOINT: Parameter = parameter(
    "checkpoint",
    "One that was kept, to compare with.",
    Form::Text,
);

fn get(path: &'static str, id: &'static str, what: &'static str) -> Operation {
    Operation::new(("get", path), id, what)
}

fn post(path: &'static str, id: &'static str, what: &'static str) -> Operation {
    Operation::new(("post", path), id, what)
}

fn put(path: &'static str, id: &'static str, what: &'static str) -> Operation {
    Operation::new(("put", path), id, what)
}

fn patch(path: &'static str, id: &'static str, what: &'static str) -> Operation {
    Operation::new(("patch", path), id, what)
}

fn delete(path: &'static str, id: &'static str, what: &'static str) -> Operation {
    Operation::new(("delete", path), id, what)
}

/// Every operation.
pub(super) fn all() -> Vec<Operation> {
    let rooms = [
        public(),
        oauth(),
        own(),
        organizations(),
        people(),
        teams(),
        roles(),
        tokens(),
    ];
    let more = [
        rules(),
        audit_log(),
        system(),
        scim(),
        provisioning(),
        planes(),
        registry(),
        rollouts(),
    ];
    rooms.into_iter().chain(more).flatten().collect()
}
