//! A JSON Schema, reduced to what our types use of it.

use schemars::JsonSchema;
use serde_json::{Map, Value};

/// What a value may look like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A mapping with known keys.
    Object(Vec<Field>),
    /// A mapping from some of these names.
    Map(Vec<String>, Box<Self>),
    /// A mapping from any name to text.
    Texts,
    /// A mapping with exactly one of these keys.
    OneOf(Vec<Field>),
    /// A sequence.
    List(Box<Self>),
    /// One of these texts.
    Choice(Vec<String>),
    /// One of these texts, or other text of a format.
    ChoiceOr(Vec<String>, Box<Self>),
    /// Text, with the name of its format and what that means.
    Text {
        /// The format's name, if it has one.
        format: Option<String>,
        /// What it means.
        means: Option<String>,
    },
    /// A secret: its value, or a mapping that says where it is.
    Secret,
    /// A whole number that isn't negative.
    Integer,
    /// A number from 0 to 1.
    Share,
    /// `true` or `false`.
    Bool,
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: String,
    /// What its value looks like.
    pub(crate) shape: Shape,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// Whether `null` is a value of it.
    pub(crate) nullable: bool,
}

impl Shape {
    /// The shape of a type.
    pub(crate) fn of<T: JsonSchema>() -> Self {
        let schema = schema_of::<T>();
        reduce(&schema, &schema).0
    }

    /// The shape behind a path of keys, without list steps.
    pub(crate) fn fields(&self) -> &[Field] {
        match self {
            Self::Object(fields) => fields,
            _ => &[],
        }
    }
}

/// The JSON Schema of a type.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// The shape, and whether `null` fits it.
fn reduce(schema: &Value, root: &Value) -> (Shape, bool) {
    if schema.get("x-secret").is_some() {
        let nullable = schema.get("x-secret") == Some(&Value::from("optional"));
        return (Shape::Secret, nullable);
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = target.trim_start_matches('#');
        return root
            .pointer(pointer)
            .map_or((Shape::Bool, false), |schema| reduce(schema, root));
    }
    let alternatives = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(*key));
    if let Some(alternatives) = alternatives.and_then(Value::as_array) {
        return union(alternatives, root);
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let nullable = types.contains(&"null");
    let shape = match types.iter().find(|name| **name != "null") {
        Some(&"object") => map(schema, root).unwrap_or_else(|| Shape::Object(fields(schema, root))),
        Some(&"array") => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            Shape::List(Box::new(reduce(items, root).0))
        }
        Some(&"integer") => Shape::Integer,
        Some(&"number") => Shape::Share,
        Some(&"boolean") => Shape::Bool,
        _ => text(schema),
    };
    (shape, nullable)
}

/// A mapping whose keys are names of a list, each with the same kind of value.
fn map(schema: &Value, root: &Value) -> Option<Shape> {
    if schema.pointer("/additionalProperties/type") == Some(&Value::from("string"))
        && schema.get("propertyNames").is_none()
    {
        return Some(Shape::Texts);
    }
    let names = schema.pointer("/propertyNames/enum")?.as_array()?.iter();
    let names = names.filter_map(|name| name.as_str().map(str::to_owned));
    let value = reduce(schema.get("additionalProperties")?, root).0;
    Some(Shape::Map(names.collect(), Box::new(value)))
}

fn text(schema: &Value) -> Shape {
    let owned = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Shape::Choice(values.iter().filter_map(owned).collect());
    }
    if let Some(value) = schema.get("const").and_then(owned) {
        return Shape::Choice(vec![value]);
    }
    Shape::Text {
        format: schema.get("format").and_then(owned),
        means: schema.get("x-means").and_then(owned),
    }
}

fn union(alternatives: &[Value], root: &Value) -> (Shape, bool) {
    let mut choices = Vec::new();
    let mut keys = Vec::new();
    let mut only = None;
    let mut nullable = false;
    for alternative in alternatives {
        if alternative.get("type") == Some(&Value::from("null")) {
            nullable = true;
            continue;
        }
        match reduce(alternative, root).0 {
            Shape::Choice(values) => choices.extend(values),
            Shape::Object(fields) if alternatives.len() > 2 || is_tagged(alternative) => {
                keys.extend(fields);
            }
            other => only = Some(other),
        }
    }
    let shape = match only {
        Some(text @ Shape::Text { .. }) if !choices.is_empty() => {
            Shape::ChoiceOr(choices, Box::new(text))
        }
        Some(shape) => shape,
        None if keys.is_empty() => Shape::Choice(choices),
        None => Shape::OneOf(keys),
    };
    (shape, nullable)
}

/// Whether it is one variant of an enum that is written as a mapping with one key.
fn is_tagged(schema: &Value) -> bool {
    let one = |key: &str| match schema.get(key) {
        Some(Value::Object(map)) => map.len() == 1,
        Some(Value::Array(list)) => list.len() == 1,
        _ => false,
    };
    one("properties") && one("required")
}

fn fields(schema: &Value, root: &Value) -> Vec<Field> {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let description = |value: &Value| {
        let text = value.get("description").and_then(Value::as_str);
        text.unwrap_or_default().replace('\n', " ")
    };
    properties
        .unwrap_or(&empty)
        .iter()
        .map(|(name, value)| {
            let (shape, nullable) = reduce(value, root);
            Field {
                name: name.clone(),
                description: description(value),
                shape,
                required: required.is_some_and(|r| r.iter().any(|r| r == name.as_str())),
                nullable,
            }
        })
        .collect()
}
