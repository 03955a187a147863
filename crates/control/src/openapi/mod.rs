//! `GET /v1/openapi.json`: the API described (OpenAPI 3.1), from the table of operations and the wire types.
//!
//! It is public, as the code is: it says nothing of an installation.

mod content;
mod operation;
mod parameters;
mod table;

use std::sync::LazyLock;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

pub(crate) use parameters::refuse_unknown;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi().to_string());

/// Shows the document.
pub(crate) async fn document() -> ([(HeaderName, &'static str); 2], &'static str) {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, &DOCUMENT)
}

/// The document.
#[must_use]
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = SchemaGenerator::new(settings);
    let mut paths = Map::new();
    for operation in table::all() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            let method = operation.method.to_owned();
            path.insert(method, operation.render(&mut generator));
        }
    }
    let refusals = content::refusals(&mut generator);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Aeolus control",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of the control plane. Lists take `limit` and `cursor`; a POST may have an \
                            `Idempotency-Key`; refusals are `application/problem+json` with a stable `code`. \
                            Any answer may also be 500 or 503 while something is broken. The OAuth2 \
                            endpoints refuse as RFC 6749 says, those of SCIM as RFC 7644.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "responses": refusals,
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "An access token (`aeolus login`) or an API token."},
                "scim": {"type": "http", "scheme": "bearer",
                    "description": "A secret of a provisioning credential, or an access token for it."},
                "scimBasic": {"type": "http", "scheme": "basic",
                    "description": "The user and password of a provisioning credential."},
                "plane": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "An assertion that a plane's identity has signed, good for 60 s."},
            },
        },
    })
}
