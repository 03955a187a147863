//! What a client sends for an attribute, as the tree keeps it.
//!
//! Null, an empty text and an empty list are no value (RFC 7643 §2.5, and what Entra sends to clear one).

use serde_json::{Map, Value};

use crate::error::{Error, Reason};
use crate::instant::Instant;
use crate::json::distinct;
use crate::limits::Limits;
use crate::profile::Profile;
use crate::schema::{Attribute, Kind, Mutability};

/// By what a request is read.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Whose request it is.
    pub profile: &'a Profile,
    /// How much is read.
    pub limits: &'a Limits,
}

impl Rules<'_> {
    /// All values of a list; a single one is taken as a list of one.
    pub(crate) fn list(self, attribute: &Attribute, value: Value) -> Result<Vec<Value>, Error> {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        if values.len() > self.limits.values {
            return Err(too_many(attribute, self.limits.values));
        }
        values
            .into_iter()
            .filter_map(|value| self.one(attribute, value).transpose())
            .collect()
    }

    /// A whole value as it replaces another; none where it is no value.
    pub(crate) fn whole(self, attribute: &Attribute, value: Value) -> Result<Option<Value>, Error> {
        if !attribute.multi_valued {
            return self.one(attribute, value);
        }
        let mut values = self.list(attribute, value)?;
        one_primary(&mut values, None);
        Ok((!values.is_empty()).then_some(Value::Array(values)))
    }

    /// One value; of a list, one of its values.
    pub(crate) fn one(self, attribute: &Attribute, value: Value) -> Result<Option<Value>, Error> {
        let value = if self.profile.loose_values {
            loosened(attribute, value)
        } else {
            value
        };
        match (attribute.kind, value) {
            (_, Value::Null) => Ok(None),
            (_, Value::String(text)) if text.is_empty() => Ok(None),
            (_, Value::Array(values)) if values.is_empty() => Ok(None),
            (Kind::Complex, Value::Object(given)) => self.complex(attribute, given),
            (Kind::String | Kind::Reference | Kind::Binary, Value::String(text)) => {
                self.text(attribute, text).map(Some)
            }
            (Kind::DateTime, Value::String(text)) if Instant::parse(&text).is_some() => {
                Ok(Some(Value::String(text)))
            }
            (Kind::Boolean, Value::Bool(flag)) => Ok(Some(Value::Bool(flag))),
            (Kind::Boolean, Value::String(text)) => match boolean(&text) {
                Some(flag) => Ok(Some(Value::Bool(flag))),
                None => Err(wrong_type(attribute)),
            },
            (Kind::Decimal, value @ Value::Number(_)) => Ok(Some(value)),
            (Kind::Integer, Value::Number(number)) if !number.is_f64() => {
                Ok(Some(Value::Number(number)))
            }
            _ => Err(wrong_type(attribute)),
        }
    }

    fn text(self, attribute: &Attribute, text: String) -> Result<Value, Error> {
        if text.len() > self.limits.text {
            return Err(Error::new(
                Reason::InvalidValue,
                format!(
                    "\"{}\" may have {} bytes.",
                    attribute.name, self.limits.text
                ),
            ));
        }
        Ok(Value::String(text))
    }

    fn complex(
        self,
        attribute: &Attribute,
        given: Map<String, Value>,
    ) -> Result<Option<Value>, Error> {
        distinct(&given)?;
        let mut kept = Map::new();
        for (name, value) in given {
            let Some(sub) = attribute.sub(&name) else {
                continue;
            };
            if sub.mutability == Mutability::ReadOnly {
                continue;
            }
            if let Some(value) = self.one(sub, value)? {
                kept.insert(sub.name.to_owned(), value);
            }
        }
        Ok((!kept.is_empty()).then_some(Value::Object(kept)))
    }
}

/// True or false, as clients without booleans write it.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// `[x]` as `x`; a text as the value of a complex attribute; `{"value": x}` as a simple one's.
fn loosened(attribute: &Attribute, value: Value) -> Value {
    let mut value = value;
    if let Value::Array(values) = &mut value
        && values.len() == 1
        && let Some(only) = values.pop()
    {
        value = only;
    }
    match (attribute.kind, value) {
        (Kind::Complex, Value::String(text)) if !text.is_empty() && attribute.value().is_some() => {
            Value::Object(Map::from_iter([("value".to_owned(), Value::String(text))]))
        }
        (kind, Value::Object(mut given))
            if kind != Kind::Complex && given.contains_key("value") =>
        {
            given.remove("value").unwrap_or_default()
        }
        (_, value) => value,
    }
}

/// Bytes of all texts of values.
pub(crate) fn weight<'a>(values: impl Iterator<Item = &'a Value>) -> usize {
    let mut open: Vec<&Value> = values.collect();
    let mut bytes = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => bytes += text.len(),
            Value::Array(values) => open.extend(values),
            Value::Object(map) => open.extend(map.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    bytes
}

/// Lets at most one value be primary: the one that has just become it, else the first.
pub(crate) fn one_primary(values: &mut [Value], newest: Option<usize>) {
    let is_primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    let newest = newest.filter(|at| values.get(*at).is_some_and(is_primary));
    let Some(kept) = newest.or_else(|| values.iter().position(is_primary)) else {
        return;
    };
    for (at, value) in values.iter_mut().enumerate() {
        if at != kept
            && is_primary(value)
            && let Some(primary) = value.get_mut("primary")
        {
            *primary = Value::Bool(false);
        }
    }
}

pub(crate) fn too_many(attribute: &Attribute, limit: usize) -> Error {
    Error::new(
        Reason::TooMany,
        format!("\"{}\" may have {limit} values at once.", attribute.name),
    )
}

pub(crate) fn wrong_type(attribute: &Attribute) -> Error {
    let kind = attribute.kind.name();
    Error::new(
        Reason::InvalidValue,
        format!("A value of \"{}\" is of type {kind}.", attribute.name),
    )
}
