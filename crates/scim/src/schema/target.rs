//! Attribute notation (RFC 7644 §3.10): `userName`, `name.familyName`, `urn:…:User:manager.value`.

use std::fmt;

use serde_json::{Map, Value};

use super::{Attribute, ResourceType, Schema};

/// What a name means in a resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The extension it is in; none for the resource type's own.
    pub extension: Option<&'static Schema>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The part of it.
    pub sub: Option<&'static Attribute>,
}

/// Why a name means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is no name at all.
    #[error("this is no attribute's name")]
    Malformed,
    /// There is no such attribute.
    #[error("there is no such attribute")]
    Unknown,
}

impl ResourceType {
    /// What a name means here.
    pub fn resolve(&self, text: &str) -> Result<Target, NameError> {
        let (urn, names) = match text.rsplit_once(':') {
            Some((urn, names)) => (Some(urn), names),
            None => (None, text),
        };
        let (name, sub) = match names.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (names, None),
        };
        if !is_name(name) || !sub.is_none_or(is_name) {
            return Err(NameError::Malformed);
        }
        let own = urn.is_none_or(|urn| urn.eq_ignore_ascii_case(self.schema.id));
        let extension = match urn {
            Some(urn) if !own => Some(self.extension(urn).ok_or(NameError::Unknown)?),
            _ => None,
        };
        let attribute = match extension {
            Some(schema) => schema.attribute(name),
            None => self.attribute(name),
        };
        let attribute = attribute.ok_or(NameError::Unknown)?;
        let sub = sub
            .map(|sub| attribute.sub(sub).ok_or(NameError::Unknown))
            .transpose()?;
        Ok(Target {
            extension,
            attribute,
            sub,
        })
    }
}

impl Target {
    /// The attribute whose value it is.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// The values it has in a resource's tree: several where the attribute is a list.
    pub(crate) fn values<'a>(
        &self,
        tree: &'a Map<String, Value>,
    ) -> impl Iterator<Item = &'a Value> {
        let sub = self.sub;
        self.elements(tree)
            .filter_map(move |value| part(value, sub))
    }

    /// The values of its attribute, whole.
    pub(crate) fn elements<'a>(&self, tree: &'a Map<String, Value>) -> std::slice::Iter<'a, Value> {
        let container = match self.extension {
            Some(schema) => tree.get(schema.id).and_then(Value::as_object),
            None => Some(tree),
        };
        match container.and_then(|container| container.get(self.attribute.name)) {
            Some(Value::Array(values)) => values.iter(),
            Some(value) => std::slice::from_ref(value).iter(),
            None => [].iter(),
        }
    }
}

/// A part of a value; the value itself where no part is named.
pub(crate) fn part<'a>(value: &'a Value, sub: Option<&Attribute>) -> Option<&'a Value> {
    match sub {
        Some(sub) => value.get(sub.name),
        None => Some(value),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = self.extension {
            write!(f, "{}:", schema.id)?;
        }
        f.write_str(self.attribute.name)?;
        match self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

/// ATTRNAME of RFC 7643 §2.1, and `$ref`.
fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
