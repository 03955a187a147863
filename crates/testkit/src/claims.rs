//! What an attacker would make of a claim, if they could sign: nothing of it, another type, another value.

use serde_json::{Value, json};

/// How a claim was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Taken away.
    Gone,
    /// Of another type, by its name in JSON.
    Retyped(&'static str),
    /// Of the same type, another value.
    Other(&'static str),
}

impl Change {
    /// One word for a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Retyped(name) | Self::Other(name) => name,
        }
    }
}

/// A valid id that nobody has.
const NOBODY: &str = "ffffffff-ffff-4fff-8fff-ffffffffffff";
/// More than a hundred years, in seconds.
const CENTURY: i64 = 4_000_000_000;

/// Every change of a claim that has a value.
pub fn changes(value: &Value) -> Vec<(Change, Option<Value>)> {
    let retyped = [
        ("null", Value::Null),
        ("bool", json!(true)),
        ("number", json!(1_900_000_000)),
        ("fraction", json!(1.5)),
        ("string", json!("1900000000")),
        ("list", json!([])),
        ("object", json!({})),
    ];
    let retyped = retyped
        .into_iter()
        .filter(|(name, _)| *name != type_of(value))
        .map(|(name, other)| (Change::Retyped(name), Some(other)));
    let others = others(value).into_iter();
    let others = others.map(|(name, other)| (Change::Other(name), Some(other)));
    std::iter::once((Change::Gone, None))
        .chain(retyped)
        .chain(others)
        .collect()
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn others(value: &Value) -> Vec<(&'static str, Value)> {
    match value {
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or_default();
            vec![
                ("later", json!(number.saturating_add(CENTURY))),
                ("earlier", json!(number.saturating_sub(CENTURY))),
            ]
        }
        Value::String(text) if text.len() == NOBODY.len() => vec![("other", json!(NOBODY))],
        Value::String(text) => {
            vec![("longer", json!(format!("{text}x"))), ("empty", json!(""))]
        }
        Value::Array(_) => vec![("other", json!(["x"]))],
        Value::Object(map) => {
            let mut other = map.clone();
            other.insert("id".to_owned(), json!(NOBODY));
            let wider = json!({"type": "system"});
            vec![("other", Value::Object(other)), ("wider", wider)]
        }
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}
