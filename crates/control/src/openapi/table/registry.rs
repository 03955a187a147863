//! What clients of a container registry ask, and who believes its tokens.

use aeolus_api::registry::RegistryToken;
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{get, parameter, post};
use crate::openapi::content::{Form, Parameter, Speaks};
use crate::openapi::operation::{Operation, Who};

const PATH: &str = "/v1/registry/authorization";

/// CNCF Distribution, "Token Authentication Specification". Other parameters of the protocol mean nothing here.
const ASKED: [Parameter; 2] = [
    parameter("service", "The registry's own name.", Form::Text),
    parameter(
        "scope",
        "`repository:NAME:pull,push`; may be there more than once.",
        Form::Text,
    ),
];

fn form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "grant_type": {"type": "string", "enum": ["password", "refresh_token"]},
            "service": {"type": "string"},
            "scope": {"type": "string"},
            "username": {"type": "string"},
            "password": {"type": "string"},
            "refresh_token": {"type": "string"},
        },
        "required": ["grant_type", "service"],
    })
}

pub(super) fn registry() -> Vec<Operation> {
    let token = |operation: Operation| {
        let operation = operation.by(Who::Anybody).speaks(Speaks::OAuth);
        operation.answers::<RegistryToken>(200).refuses(&[404, 429])
    };
    let by_form = post(
        PATH,
        "exchangeRegistryToken",
        "The same in the form of OAuth2, with the credential as a password or refresh token",
    );
    let by_basic = get(
        PATH,
        "getRegistryToken",
        "A token for a container registry, by an access token or API token as the password of Basic, if control makes them",
    );
    vec![
        token(by_basic).query(&ASKED),
        token(by_form).takes_form(form),
        get(
            "/v2/.well-known/jwks.json",
            "getLegacyKeys",
            "The legacy key with those before and after it, as a set with certificates, if something signs by it",
        )
        .by(Who::Anybody)
        .answers_other(200, Some("application/jwk-set+json"))
        .refuses(&[404]),
    ]
}
