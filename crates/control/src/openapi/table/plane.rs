//! What gates ask.

use aeolus_api::plane::{
    CheckAnswer, CheckRequest, EnrollAnswer, EnrollRequest, EventsAnswer, ManifestAnswer,
    RenewAnswer, RenewRequest, Status,
};

use super::{LINES, get, parameter, post};
use crate::openapi::content::Form;
use crate::openapi::operation::{Operation, Who};

pub(super) fn planes() -> Vec<Operation> {
    let number = |name, what| parameter(name, what, Form::Number(0, u64::MAX >> 1));
    vec![
        post(
            "/v1/planes/enroll",
            "enroll",
            "A gate proves that it was invited",
        )
        .by(Who::Anybody)
        .takes::<EnrollRequest>()
        .answers::<EnrollAnswer>(200)
        .refuses(&[401, 403, 404, 409, 410]),
        get(
            "/v1/planes/self/manifest",
            "pollManifest",
            "What is new, as soon as it is",
        )
        .by(Who::Plane)
        .query(&[
            parameter("after", "EPOCH.SEQ of what is held.", Form::Text),
            number("root", "The version of the root document that is held."),
            number("records", "Up to where all of it is in force."),
            number("wait", "Wait for news up to so many seconds."),
        ])
        .answers::<ManifestAnswer>(200)
        .refuses(&[404, 409]),
        get(
            "/v1/planes/self/sections/{sha256}",
            "getSection",
            "A section",
        )
        .by(Who::Plane)
        .answers_other(200, Some("application/zstd")),
        post(
            "/v1/planes/self/events",
            "sendEvents",
            "What happened at a gate",
        )
        .by(Who::Plane)
        .takes_other(LINES)
        .answers::<EventsAnswer>(200),
        post(
            "/v1/planes/self/status",
            "sendStatus",
            "What a gate has in force",
        )
        .by(Who::Plane)
        .takes::<Status>()
        .answers_other(204, None),
        post(
            "/v1/planes/self/sessions/{sid}/renew",
            "renewSession",
            "Extends a session",
        )
        .by(Who::Plane)
        .takes::<RenewRequest>()
        .answers::<RenewAnswer>(200)
        .refuses(&[410]),
        post(
            "/v1/planes/self/check",
            "check",
            "Asks about a request that a gate allows",
        )
        .by(Who::Plane)
        .takes::<CheckRequest>()
        .answers::<CheckAnswer>(200)
        .refuses(&[404]),
    ]
}
