//! Which attributes an answer has (RFC 7644 §3.9): by each one's own characteristic, and by what was asked for.

use serde_json::{Map, Value};

use crate::error::{Error, Reason};
use crate::limits::Limits;
use crate::schema::{Attribute, ResourceType, Returned, Schema, Target};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    mode: Mode,
    named: Vec<Named>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    /// What is usual.
    #[default]
    Usual,
    /// These, and what is always there.
    Only,
    /// What is usual without these.
    Without,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Extension(&'static Schema),
    Attribute(Target),
}

/// How much of an attribute is named.
enum Extent {
    None,
    Parts(Vec<&'static str>),
    Whole,
}

impl Projection {
    /// Reads `attributes` and `excludedAttributes`: names, separated by commas. Names that nothing has are left out.
    pub fn parse(
        kind: &'static ResourceType,
        attributes: Option<&str>,
        excluded: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let given = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
        let (mode, text) = match (given(attributes), given(excluded)) {
            (true, true) => {
                return Err(Error::new(
                    Reason::InvalidValue,
                    "Either \"attributes\" or \"excludedAttributes\" can be asked for.",
                ));
            }
            (true, false) => (Mode::Only, attributes),
            (false, true) => (Mode::Without, excluded),
            (false, false) => return Ok(Self::default()),
        };
        let names: Vec<&str> = text.unwrap_or_default().split(',').collect();
        if names.len() > limits.projected {
            return Err(Error::new(
                Reason::InvalidValue,
                format!("{} attributes can be named.", limits.projected),
            ));
        }
        let named = names
            .into_iter()
            .filter_map(|name| Named::read(kind, name.trim()))
            .collect();
        Ok(Self { mode, named })
    }

    /// Whether any of an attribute would be in the answer. Who answers no loads no members.
    pub fn wants(&self, kind: &'static ResourceType, name: &str) -> bool {
        kind.attribute(name)
            .is_some_and(|attribute| self.keeps(None, attribute).is_some())
    }

    /// What of a whole resource is in the answer.
    pub fn apply(
        &self,
        kind: &'static ResourceType,
        whole: Map<String, Value>,
    ) -> Map<String, Value> {
        let mut kept = Map::new();
        for (name, value) in whole {
            if let Some(schema) = kind.extension(&name) {
                if let Value::Object(values) = value {
                    let values = self.of(Some(schema), |name| schema.attribute(name), values);
                    if !values.is_empty() {
                        kept.insert(name, Value::Object(values));
                    }
                }
            } else {
                let one = Map::from_iter([(name, value)]);
                kept.extend(self.of(None, |name| kind.attribute(name), one));
            }
        }
        kept
    }

    fn of(
        &self,
        extension: Option<&'static Schema>,
        attribute: impl Fn(&str) -> Option<&'static Attribute>,
        values: Map<String, Value>,
    ) -> Map<String, Value> {
        values
            .into_iter()
            .filter_map(|(name, value)| {
                let parts = self.keeps(extension, attribute(&name)?)?;
                Some((name, parts.of(value)?))
            })
            .collect()
    }

    /// Which parts of an attribute are in the answer; none where it isn't at all.
    fn keeps(
        &self,
        extension: Option<&'static Schema>,
        attribute: &'static Attribute,
    ) -> Option<Parts> {
        let extent = self.extent(extension, attribute);
        match (attribute.returned, self.mode, extent) {
            (Returned::Never, ..)
            | (Returned::Default | Returned::Request, Mode::Only, Extent::None)
            | (Returned::Default, Mode::Without, Extent::Whole)
            | (Returned::Request, Mode::Without | Mode::Usual, _) => None,
            (Returned::Always, ..)
            | (_, Mode::Only, Extent::Whole)
            | (_, Mode::Without, Extent::None)
            | (_, Mode::Usual, _) => Some(Parts::All),
            (_, Mode::Only, Extent::Parts(parts)) => Some(Parts::Only(parts, attribute)),
            (_, Mode::Without, Extent::Parts(parts)) => Some(Parts::Without(parts, attribute)),
        }
    }

    fn extent(&self, extension: Option<&'static Schema>, attribute: &'static Attribute) -> Extent {
        let mut parts = Vec::new();
        for named in &self.named {
            match named {
                Named::Extension(schema) if extension == Some(*schema) => return Extent::Whole,
                Named::Attribute(target)
                    if target.extension == extension && target.attribute.name == attribute.name =>
                {
                    match target.sub {
                        Some(sub) => parts.push(sub.name),
                        None => return Extent::Whole,
                    }
                }
                _ => {}
            }
        }
        if parts.is_empty() {
            Extent::None
        } else {
            Extent::Parts(parts)
        }
    }
}

enum Parts {
    All,
    Only(Vec<&'static str>, &'static Attribute),
    Without(Vec<&'static str>, &'static Attribute),
}

impl Parts {
    fn of(&self, value: Value) -> Option<Value> {
        match value {
            Value::Array(values) => {
                let values: Vec<Value> = values
                    .into_iter()
                    .filter_map(|value| self.of_one(value))
                    .collect();
                (!values.is_empty()).then_some(Value::Array(values))
            }
            value => self.of_one(value),
        }
    }

    fn of_one(&self, value: Value) -> Option<Value> {
        let Value::Object(mut parts) = value else {
            return Some(value);
        };
        let always = |attribute: &Attribute, name: &str| {
            attribute
                .sub(name)
                .is_some_and(|sub| sub.returned == Returned::Always)
        };
        match self {
            Self::All => {}
            Self::Only(named, attribute) => {
                parts.retain(|name, _| named.contains(&name.as_str()) || always(attribute, name));
            }
            Self::Without(named, attribute) => {
                parts.retain(|name, _| !named.contains(&name.as_str()) || always(attribute, name));
            }
        }
        (!parts.is_empty()).then_some(Value::Object(parts))
    }
}

impl Named {
    fn read(kind: &'static ResourceType, name: &str) -> Option<Self> {
        match kind.extension(name) {
            Some(schema) => Some(Self::Extension(schema)),
            None => kind.resolve(name).ok().map(Self::Attribute),
        }
    }
}
