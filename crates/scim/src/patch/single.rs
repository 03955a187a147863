//! Attributes with one value, and their parts.

use serde_json::{Map, Value};

use super::Verb;
use super::apply::Copy;
use crate::error::Error;
use crate::json::distinct;
use crate::schema::{Attribute, Kind, Mutability, Target};
use crate::value::Rules;

impl Copy<'_> {
    pub(super) fn single(
        &mut self,
        target: Target,
        verb: Verb,
        value: Option<Value>,
    ) -> Result<(), Error> {
        let rules = self.rules;
        let attribute = target.attribute;
        // What is there is looked at, and its value and link are copied.
        let there = self
            .container(target)
            .and_then(|container| container.get(attribute.name));
        let there = super::work::cost(there.into_iter());
        self.work.charge(there)?;
        let Some(container) = self.container(target) else {
            return Ok(());
        };
        let value = value.filter(|_| verb != Verb::Remove).unwrap_or_default();
        match target.sub {
            Some(sub) => {
                let whole = container
                    .entry(attribute.name)
                    .or_insert_with(|| Value::Object(Map::new()));
                let link = Link::of(whole);
                set_part(whole, sub, value, rules)?;
                link.settle(whole);
                if super::apply::is_empty_object(whole) {
                    container.remove(attribute.name);
                }
                Ok(())
            }
            None if attribute.kind == Kind::Complex => merge(container, attribute, value, rules),
            None => set(container, attribute, value, rules),
        }
    }
}

/// Sets an attribute that has no parts, or clears it.
fn set(
    container: &mut Map<String, Value>,
    attribute: &Attribute,
    value: Value,
    rules: Rules<'_>,
) -> Result<(), Error> {
    let value = rules.one(attribute, value)?;
    let old = container.get(attribute.name);
    if attribute.mutability == Mutability::Immutable && old.is_some() && old != value.as_ref() {
        return Err(super::mutability(format!(
            "\"{}\" can be written once.",
            attribute.name
        )));
    }
    match value {
        Some(value) => container.insert(attribute.name.to_owned(), value),
        None => container.remove(attribute.name),
    };
    Ok(())
}

/// Parts that are given replace those that are there, the others stay (RFC 7644 §3.5.2.3). No value clears all.
fn merge(
    container: &mut Map<String, Value>,
    attribute: &Attribute,
    value: Value,
    rules: Rules<'_>,
) -> Result<(), Error> {
    let Value::Object(given) = value else {
        // A looser form of the whole value, or none.
        match rules.one(attribute, value)? {
            Some(value) => container.insert(attribute.name.to_owned(), value),
            None => container.remove(attribute.name),
        };
        return Ok(());
    };
    distinct(&given)?;
    let whole = container
        .entry(attribute.name)
        .or_insert_with(|| Value::Object(Map::new()));
    let link = Link::of(whole);
    for (name, value) in given {
        if let Some(sub) = attribute.sub(&name)
            && sub.mutability != Mutability::ReadOnly
        {
            set_part(whole, sub, value, rules)?;
        }
    }
    link.settle(whole);
    if super::apply::is_empty_object(whole) {
        container.remove(attribute.name);
    }
    Ok(())
}

/// A value and the link that came with it. When the value leads to another resource, the link does no more.
struct Link {
    value: Option<Value>,
    link: Option<Value>,
}

impl Link {
    fn of(whole: &Value) -> Self {
        Self {
            value: whole.get("value").cloned(),
            link: whole.get("$ref").cloned(),
        }
    }

    fn settle(self, whole: &mut Value) {
        if whole.get("value") != self.value.as_ref()
            && whole.get("$ref") == self.link.as_ref()
            && let Some(whole) = whole.as_object_mut()
        {
            whole.remove("$ref");
        }
    }
}

/// Sets a part of a value, or clears it.
pub(super) fn set_part(
    whole: &mut Value,
    sub: &Attribute,
    value: Value,
    rules: Rules<'_>,
) -> Result<(), Error> {
    match whole.as_object_mut() {
        Some(whole) => set(whole, sub, value, rules),
        None => Ok(()),
    }
}
