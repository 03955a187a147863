//! The tables as clients read them at `/Schemas` and `/ResourceTypes` (RFC 7643 §§6 and 7).

use serde_json::{Map, Value, json};

use super::{Attribute, Kind, Mutability, ResourceType, Returned, Schema, Uniqueness, uri};

impl Schema {
    /// The resource at `/Schemas/{id}`.
    pub fn to_json(&self, base: &str) -> Value {
        json!({
            "schemas": [uri::SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::to_json).collect::<Vec<_>>(),
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.id)},
        })
    }
}

impl ResourceType {
    /// The resource at `/ResourceTypes/{name}`.
    pub fn to_json(&self, base: &str) -> Value {
        let extensions: Vec<Value> = self
            .extensions
            .iter()
            .map(|schema| json!({"schema": schema.id, "required": false}))
            .collect();
        let location = format!("{base}/ResourceTypes/{}", self.name);
        json!({
            "schemas": [uri::RESOURCE_TYPE],
            "id": self.name,
            "name": self.name,
            "description": self.description,
            "endpoint": self.endpoint,
            "schema": self.schema.id,
            "schemaExtensions": extensions,
            "meta": {"resourceType": "ResourceType", "location": location},
        })
    }
}

impl Attribute {
    fn to_json(&self) -> Value {
        let mut row = Map::new();
        let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
        put("name", self.name.into());
        put("type", self.kind.name().into());
        put("multiValued", self.multi_valued.into());
        put("description", self.description.into());
        put("required", self.required.into());
        put("mutability", self.mutability.name().into());
        put("returned", self.returned.name().into());
        put("uniqueness", self.uniqueness.name().into());
        if self.kind == Kind::Complex {
            let parts = self.sub_attributes.iter().map(Self::to_json).collect();
            put("subAttributes", Value::Array(parts));
        } else {
            put("caseExact", self.case_exact.into());
        }
        if !self.canonical_values.is_empty() {
            put("canonicalValues", self.canonical_values.into());
        }
        if !self.reference_types.is_empty() {
            put("referenceTypes", self.reference_types.into());
        }
        Value::Object(row)
    }
}

impl Kind {
    /// As RFC 7643 §7 spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Decimal => "decimal",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

impl Mutability {
    /// As RFC 7643 §7 spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

impl Returned {
    /// As RFC 7643 §7 spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Default => "default",
            Self::Request => "request",
        }
    }
}

impl Uniqueness {
    /// As RFC 7643 §7 spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Server => "server",
            Self::Global => "global",
        }
    }
}
