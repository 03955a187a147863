//! JSON of providers, read once and without a second meaning.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

/// Members of an object, none of them twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Members(BTreeMap<String, Value>);

impl Members {
    /// From bytes of at most `max`.
    pub(crate) fn parse(bytes: &[u8], max: usize) -> Option<Self> {
        if bytes.len() > max {
            return None;
        }
        serde_json::from_slice(bytes).ok()
    }

    /// A text that isn't empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?;
        (!text.is_empty()).then_some(text)
    }

    /// A value.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The literal `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    /// A list of texts, or the one text that some providers write for a list of one; what is no text
    /// in it is left out. None if it isn't there.
    pub(crate) fn texts(&self, name: &str) -> Option<Vec<&str>> {
        match self.get(name)? {
            Value::String(one) => Some(vec![one]),
            Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect()),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member occurs twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        reader.deserialize_map(Object)
    }
}
