//! What travels: contents, parameters and refusals of an operation.

use aeolus_api::Problem;
use aeolus_api::oauth::OAuthError;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// How it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// With a problem document (RFC 9457).
    Problems,
    /// With an OAuth2 error (RFC 6749 §5.2).
    OAuth,
    /// With a page for a person.
    Pages,
    /// With an error of SCIM (RFC 7644 §3.12).
    Scim,
}

/// What a query says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) form: Form,
}

/// The form of a parameter's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Text,
    Id,
    Flag,
    Number(u64, u64),
    OneOf(&'static [&'static str]),
}

pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What travels.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// JSON of a type.
    Json(SchemaOf),
    /// A form of a shape.
    Form(SchemaOf),
    /// Something else, of a media type.
    Other(&'static str),
}

impl Content {
    /// JSON of a type.
    pub(super) fn json<T: JsonSchema>() -> Self {
        Self::Json(SchemaGenerator::subschema_for::<T>)
    }

    pub(super) fn render(self, generator: &mut SchemaGenerator) -> Value {
        let (media, content) = self.entry(generator);
        json!({ media: content })
    }

    fn entry(self, generator: &mut SchemaGenerator) -> (&'static str, Value) {
        match self {
            Self::Json(schema) => ("application/json", json!({"schema": schema(generator)})),
            Self::Form(schema) => (FORM, json!({"schema": schema(generator)})),
            Self::Other(media) => (media, json!({})),
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Every refusal that an operation may have.
const REFUSALS: [u16; 14] = [
    400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 429, 500, 502, 503,
];

/// The refusals that operations refer to.
pub(super) fn refusals(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let each = REFUSALS.iter();
    each.map(|status| (status.to_string(), refusal(*status, &[], generator)))
        .collect()
}

pub(super) fn refusal(status: u16, more: &[Content], generator: &mut SchemaGenerator) -> Value {
    let what = http::StatusCode::from_u16(status).ok();
    let what = what.and_then(|status| status.canonical_reason());
    let problem = generator.subschema_for::<Problem>();
    let mut content = fields(json!({"application/problem+json": {"schema": problem}}));
    for other in more {
        let (media, schema) = other.entry(generator);
        content.insert(media.to_owned(), schema);
    }
    json!({"description": what.unwrap_or("Refused"), "content": content})
}

/// The same in the words of another protocol than our own.
pub(super) fn refusal_to(speaks: Speaks, status: u16, generator: &mut SchemaGenerator) -> Value {
    let own = match speaks {
        Speaks::Problems => {
            return json!({ "$ref": format!("#/components/responses/{status}") });
        }
        Speaks::OAuth => Content::json::<OAuthError>(),
        Speaks::Pages => Content::Other("text/html"),
        Speaks::Scim => Content::Other("application/scim+json"),
    };
    // What breaks before the endpoint is reached is a problem document; so is a path that is no text.
    if status >= 500 || speaks == Speaks::Scim && status == 400 {
        return refusal(status, &[own], generator);
    }
    let what = http::StatusCode::from_u16(status).ok();
    let what = what.and_then(|status| status.canonical_reason());
    json!({"description": what.unwrap_or("Refused"), "content": own.render(generator)})
}

pub(super) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Parameter {
    pub(super) fn render(&self) -> Value {
        let schema = match self.form {
            Form::Text => json!({"type": "string"}),
            Form::Id => json!({"type": "string", "format": "uuid"}),
            Form::Flag => json!({"type": "boolean"}),
            Form::Number(from, to) => json!({"type": "integer", "minimum": from, "maximum": to}),
            Form::OneOf(values) => json!({"type": "string", "enum": values}),
        };
        json!({"name": self.name, "in": "query", "description": self.what, "schema": schema})
    }
}
