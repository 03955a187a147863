//! The OAuth2 and OpenID Connect endpoints, which refuse in the words of their own standards.

use aeolus_api::oauth::{
    ASSERTION_TYPE, DeviceAnswer, GRANT_AUTHORIZATION_CODE, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN,
    GRANT_TOKEN_EXCHANGE, Introspection, Metadata, TOKEN_TYPE_ACCESS, TokenAnswer, UserInfo,
};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{get, parameter, post};
use crate::openapi::content::{Form, Parameter, Speaks};
use crate::openapi::operation::{Operation, Who};

/// What `GET /oauth2/authorize` is asked (RFC 6749 §4.1.1, RFC 7636, RFC 8707, OpenID Connect Core).
const AUTHORIZE: [Parameter; 11] = [
    parameter("response_type", "`code`.", Form::Text),
    parameter("client_id", "The client.", Form::Text),
    parameter("redirect_uri", "One of the client's places.", Form::Text),
    parameter("scope", "`openid`, and more.", Form::Text),
    parameter("state", "Given back.", Form::Text),
    parameter("code_challenge", "S256 of the verifier.", Form::Text),
    parameter("code_challenge_method", "`S256`.", Form::Text),
    parameter("resource", "A deployment, for gates.", Form::Text),
    parameter("nonce", "Goes into the `id_token`.", Form::Text),
    parameter("prompt", "`none` or `login`.", Form::Text),
    parameter("max_age", "Seconds since the sign-in.", Form::Text),
];

const LOGOUT: [Parameter; 4] = [
    parameter("id_token_hint", "Which session.", Form::Text),
    parameter("client_id", "The client.", Form::Text),
    parameter(
        "post_logout_redirect_uri",
        "One of the client's places.",
        Form::Text,
    ),
    parameter("state", "Given back.", Form::Text),
];

/// How a client says who it is (RFC 7523 §2.2): a plane by an assertion, the command line by name.
const CLIENT: [&str; 3] = ["client_id", "client_assertion", "client_assertion_type"];

/// A form with these members, all of them text. Others are ignored (RFC 6749 §3.2).
fn form(members: &[&str], required: &[&str]) -> Schema {
    let text = |name: &&str| {
        let schema = match *name {
            "client_assertion_type" => json!({"type": "string", "enum": [ASSERTION_TYPE]}),
            "grant_type" => json!({"type": "string", "enum": [GRANT_AUTHORIZATION_CODE,
                GRANT_REFRESH_TOKEN, GRANT_TOKEN_EXCHANGE, GRANT_DEVICE_CODE]}),
            "subject_token_type" | "requested_token_type" => {
                json!({"type": "string", "enum": [TOKEN_TYPE_ACCESS]})
            }
            _ => json!({"type": "string"}),
        };
        ((*name).to_owned(), schema)
    };
    let properties: Map<String, Value> = members.iter().map(text).collect();
    json_schema!({"type": "object", "properties": properties, "required": required})
}

fn token_form(_: &mut SchemaGenerator) -> Schema {
    let own = [
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "device_code",
        "subject_token",
        "subject_token_type",
        "requested_token_type",
        "resource",
    ];
    form(&[&own[..], &CLIENT].concat(), &["grant_type"])
}

fn device_form(_: &mut SchemaGenerator) -> Schema {
    form(&[&["scope"][..], &CLIENT].concat(), &["client_id"])
}

fn about_token_form(_: &mut SchemaGenerator) -> Schema {
    let own = ["token", "token_type_hint"];
    form(&[&own[..], &CLIENT].concat(), &["token"])
}

fn logout_form(_: &mut SchemaGenerator) -> Schema {
    form(&LOGOUT.map(|parameter| parameter.name), &[])
}

pub(super) fn oauth() -> Vec<Operation> {
    let oauth = |operation: Operation| operation.by(Who::Anybody).speaks(Speaks::OAuth);
    let metadata = |path, id| {
        let what = "What the provider can do (RFC 8414, OpenID Connect Discovery)";
        get(path, id, what)
            .by(Who::Anybody)
            .answers::<Metadata>(200)
    };
    let token = post(
        "/oauth2/token",
        "requestToken",
        "A code or another token's token",
    );
    let device = post(
        "/oauth2/device_authorization",
        "authorizeDevice",
        "Begins the sign-in of a machine without a browser (RFC 8628)",
    );
    let revoke = post(
        "/oauth2/revoke",
        "revokeToken",
        "Ends the session behind a token (RFC 7009)",
    );
    let introspect = post(
        "/oauth2/introspect",
        "introspectToken",
        "Whether a token is good (RFC 7662), for a client or by a bearer credential",
    );
    let who = "Who the access token's person is (OpenID Connect Core §5.3)";
    vec![
        metadata(
            "/.well-known/openid-configuration",
            "getOpenIdConfiguration",
        ),
        metadata(
            "/.well-known/oauth-authorization-server",
            "getOAuthMetadata",
        ),
        get(
            "/.well-known/jwks.json",
            "getKeys",
            "The public halves of the token keys (RFC 7517)",
        )
        .by(Who::Anybody)
        .answers_other(200, Some("application/jwk-set+json")),
        oauth(token)
            .takes_form(token_form)
            .answers::<TokenAnswer>(200)
            .refuses(&[429]),
        oauth(device)
            .takes_form(device_form)
            .answers::<DeviceAnswer>(200)
            .refuses(&[429]),
        oauth(revoke)
            .takes_form(about_token_form)
            .answers_other(200, None),
        oauth(introspect)
            .takes_form(about_token_form)
            .answers::<Introspection>(200),
        get("/oauth2/userinfo", "getUserInfo", who).answers::<UserInfo>(200),
        post("/oauth2/userinfo", "postUserInfo", who)
            .only_reads()
            .answers::<UserInfo>(200),
        post(
            "/token",
            "getSessionToken",
            "An access token for control's own pages, by the session's cookie",
        )
        .by(Who::Anybody)
        .answers::<TokenAnswer>(200)
        .refuses(&[400, 401, 403]),
    ]
    .into_iter()
    .chain(pages())
    .collect()
}

/// Where a browser is sent, and sent on.
fn pages() -> Vec<Operation> {
    let page = |operation: Operation| operation.by(Who::Anybody).speaks(Speaks::Pages);
    let authorize = get(
        "/oauth2/authorize",
        "authorizeClient",
        "Sends a browser back with a code, or to sign in first",
    );
    let what = "Signs out, and sends the browser on (OpenID Connect RP-Initiated Logout)";
    vec![
        page(authorize).query(&AUTHORIZE).answers_other(303, None),
        page(get("/oauth2/logout", "logout", what))
            .query(&LOGOUT)
            .answers_other(303, None)
            .or_answers(200, "text/html"),
        page(post("/oauth2/logout", "postLogout", what))
            .takes_form(logout_form)
            .answers_other(303, None)
            .or_answers(200, "text/html"),
    ]
}
