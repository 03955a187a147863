//! Provisioning: its credentials and its log.

use aeolus_api::scim::{
    ScimCredential, ScimCredentialCreate, ScimCredentialCreated, ScimCredentialRotate,
    ScimEventsStatus, ScimRequest,
};
use aeolus_api::scim_templates::TemplatesApplied;
use aeolus_api::{Deleted, Page};

use super::{DRY_RUN, PAGE, delete, get, parameter, post};
use crate::openapi::content::{Form, Parameter};
use crate::openapi::operation::Operation;

const AFTER: Parameter = parameter(
    "after",
    "Those that came after this one, the oldest first.",
    Form::Text,
);

pub(super) fn scim() -> Vec<Operation> {
    let (credentials, credential, rotate) = (
        "/v1/connections/{connection}/scim/credentials",
        "/v1/connections/{connection}/scim/credentials/{id}",
        "/v1/connections/{connection}/scim/credentials/{id}/rotate",
    );
    vec![
        get(
            credentials,
            "listScimCredentials",
            "With what its provider provisions",
        )
        .answers::<Page<ScimCredential>>(200)
        .refuses(&[409]),
        post(
            credentials,
            "createScimCredential",
            "Makes a credential; its secret is in this answer and nowhere else",
        )
        .takes::<ScimCredentialCreate>()
        .answers::<ScimCredentialCreated>(201)
        .refuses(&[409]),
        delete(
            credential,
            "deleteScimCredential",
            "Ends a credential with its access tokens at once",
        )
        .answers::<Deleted>(200)
        .refuses(&[409]),
        post(
            rotate,
            "rotateScimCredential",
            "Gives it a new secret; those from before end now or after a grace",
        )
        .may_take::<ScimCredentialRotate>()
        .answers::<ScimCredentialCreated>(200)
        .refuses(&[409]),
        post(
            "/v1/connections/{connection}/scim/templates:apply",
            "applyScimTemplates",
            "Gives the Teams of its groups what its templates say",
        )
        .query(&[DRY_RUN])
        .answers::<TemplatesApplied>(200)
        .refuses(&[409]),
        get(
            "/v1/connections/{connection}/scim/requests",
            "listScimRequests",
            "What its provider asked last, values masked",
        )
        .query(&PAGE)
        .query(&[AFTER])
        .answers::<Page<ScimRequest>>(200),
        get(
            "/v1/connections/{connection}/scim/events",
            "getScimEvents",
            "How telling its receiver goes: how many events wait, and what went wrong last",
        )
        .answers::<ScimEventsStatus>(200),
    ]
}
