//! A YAML document as a tree that knows where everything stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A place in a file, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line.
    pub(crate) line: u64,
    /// The column.
    pub(crate) column: u64,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Where it begins.
    pub(crate) at: Place,
    /// What it is.
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order it was written.
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) at: Place,
    /// The value.
    pub(crate) value: Node,
}

impl Node {
    /// Reads one document. An empty one is an empty mapping.
    pub(crate) fn parse(text: &str) -> Result<Self, Box<serde_saphyr::Error>> {
        let read: Spanned<Raw> = {
            // YAML 1.2: `no` and `on` are names like others.
            let options = serde_saphyr::options! { strict_booleans: true };
            serde_saphyr::from_str_with_options(text, options).map_err(Box::new)?
        };
        let mut node = node(read);
        if node.value == Value::Null {
            node.value = Value::Map(Vec::new());
        }
        Ok(node)
    }

    /// Reads every document; those with nothing in them are left out.
    pub(crate) fn parse_all(text: &str) -> Result<Vec<Self>, Box<serde_saphyr::Error>> {
        let options = serde_saphyr::options! { strict_booleans: true };
        let read: Vec<Spanned<Raw>> =
            serde_saphyr::from_multiple_with_options(text, options).map_err(Box::new)?;
        Ok(read.into_iter().map(node).collect())
    }

    /// The entries, if it is a mapping.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The same value without places.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(value) => value.clone().into(),
            Value::Text(value) => value.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect(),
        }
    }

    /// The place of a path such as `organizations[0].users[1].email`, or of the nearest thing
    /// around it that was written.
    pub(crate) fn place_of(&self, path: &str) -> Place {
        let mut node = self;
        let mut at = self.at;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match (&node.value, step.strip_suffix(']')) {
                (Value::List(items), Some(index)) => {
                    let item = index.parse::<usize>().ok().and_then(|i| items.get(i));
                    item.map(|item| (item.at, item))
                }
                (Value::Map(entries), None) => entries
                    .iter()
                    .find(|entry| entry.key == step)
                    .map(|entry| (entry.at, &entry.value)),
                _ => None,
            };
            let Some((place, child)) = next else {
                break;
            };
            (at, node) = (place, child);
        }
        at
    }
}

/// A value as it is read, before places become ours.
enum Raw {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

fn place(location: serde_saphyr::Location) -> Place {
    Place {
        line: location.line(),
        column: location.column(),
    }
}

fn node(read: Spanned<Raw>) -> Node {
    let value = match read.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Number(value) => Value::Number(value),
        Raw::Text(value) => Value::Text(value),
        Raw::List(items) => Value::List(items.into_iter().map(node).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    at: place(key.referenced),
                    key: key.value,
                    value: node(value),
                })
                .collect(),
        ),
    };
    Node {
        at: place(read.referenced),
        value,
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        let number = serde_json::Number::from_f64(value);
        number
            .map(Raw::Number)
            .ok_or_else(|| E::custom("a number without a value"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries: Vec<(Spanned<String>, Spanned<Raw>)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<String>, Spanned<Raw>>()? {
            if entries.iter().any(|(seen, _)| seen.value == key.value) {
                return Err(A::Error::custom(format!("`{}` is here twice", key.value)));
            }
            entries.push((key, value));
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_known() {
        let node = Node::parse("a: 1\nb:\n  - {c: x}\n  - {c: y, d: true}\n").unwrap();
        assert_eq!(
            node.to_json(),
            serde_json::json!({"a": 1, "b": [{"c": "x"}, {"c": "y", "d": true}]})
        );
        assert_eq!(
            node.place_of("b[1].d"),
            Place {
                line: 4,
                column: 12
            }
        );
        assert_eq!(node.place_of("b[1].missing"), Place { line: 4, column: 5 });
        assert_eq!(node.place_of("a"), Place { line: 1, column: 1 });
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for text in ["a: 1\na: 2\n", "a: [1\n", "a: 1\n---\nb: 2\n", "a: *x\n"] {
            assert!(Node::parse(text).is_err(), "{text}");
        }
        assert_eq!(Node::parse("").unwrap().value, Value::Map(Vec::new()));
    }
}
