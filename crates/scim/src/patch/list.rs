//! Attributes that are lists, whole and by what a filter selects of them.

use serde_json::{Map, Value};

use super::Verb;
use super::apply::Copy;
use super::single::set_part;
use crate::error::{Error, Reason};
use crate::filter::Filter;
use crate::profile::RemoveWithValues;
use crate::schema::{Attribute, Target};
use crate::value::{Rules, one_primary, too_many};

impl Copy<'_> {
    pub(super) fn list(
        &mut self,
        target: Target,
        verb: Verb,
        value: Option<Value>,
    ) -> Result<(), Error> {
        let rules = self.rules;
        let attribute = target.attribute;
        let value = value.unwrap_or_default();
        match verb {
            Verb::Add => {
                let given = rules.list(attribute, value)?;
                let mut values = self.take(target);
                for value in given {
                    self.add(attribute, &mut values, value)?;
                }
                self.put(target, values);
            }
            Verb::Replace => {
                let mut values = rules.list(attribute, value)?;
                one_primary(&mut values, None);
                self.put(target, values);
            }
            Verb::Remove => {
                let given = rules.list(attribute, value)?;
                let mut values = Vec::new();
                if !given.is_empty() {
                    remove_with_values(rules)?;
                    values = self.take(target);
                    self.work.compare(&values, given.len())?;
                    values.retain(|value| !given.iter().any(|given| agrees(value, given)));
                }
                self.put(target, values);
            }
        }
        Ok(())
    }

    /// What a filter selects; without one, every value of the list.
    pub(super) fn selected(
        &mut self,
        list: Target,
        filter: Option<&Filter>,
        sub: Option<&'static Attribute>,
        (verb, value): (Verb, Option<Value>),
    ) -> Result<(), Error> {
        let rules = self.rules;
        let mut values = self.take(list);
        let terms = filter.map_or(1, Filter::terms);
        self.work.compare(&values, terms)?;
        let matches = |value: &Value| filter.is_none_or(|filter| filter.selects(value));
        let selected: Vec<usize> = values
            .iter()
            .enumerate()
            .filter(|(_, value)| matches(value))
            .map(|(at, _)| at)
            .collect();
        if verb == Verb::Remove {
            match sub {
                None => values.retain(|value| !matches(value)),
                Some(sub) => {
                    for at in selected {
                        if let Some(value) = values.get_mut(at) {
                            set_part(value, sub, Value::Null, rules)?;
                        }
                    }
                    values.retain(|value| !super::apply::is_empty_object(value));
                }
            }
            self.put(list, values);
            return Ok(());
        }
        let value = value.unwrap_or_default();
        if selected.is_empty() {
            let new = absent(list, filter, rules)?;
            if let Some(new) = written(list.attribute, new, sub, (Verb::Add, value), rules)?
                && has_more(&new, filter)
            {
                self.add(list.attribute, &mut values, new)?;
            }
            self.put(list, values);
            return Ok(());
        }
        self.work
            .compare(std::slice::from_ref(&value), selected.len())?;
        for at in selected.iter().copied() {
            if let Some(place) = values.get_mut(at) {
                let old = std::mem::take(place);
                let new = written(list.attribute, old, sub, (verb, value.clone()), rules)?;
                *place = new.unwrap_or_default();
            }
        }
        let newest = selected
            .first()
            .copied()
            .filter(|_| names_primary(sub, &value));
        one_primary(&mut values, newest);
        values.retain(|value| !value.is_null() && !super::apply::is_empty_object(value));
        self.put(list, values);
        Ok(())
    }

    /// Adds a value, unless it is there.
    fn add(
        &mut self,
        attribute: &Attribute,
        values: &mut Vec<Value>,
        value: Value,
    ) -> Result<(), Error> {
        self.work.compare(values, 1)?;
        if values.contains(&value) {
            return Ok(());
        }
        if values.len() >= self.rules.limits.values {
            return Err(too_many(attribute, self.rules.limits.values));
        }
        let newest = values.len();
        values.push(value);
        one_primary(values, Some(newest));
        Ok(())
    }

    fn take(&mut self, list: Target) -> Vec<Value> {
        let taken = self
            .container(list)
            .and_then(|container| container.remove(list.attribute.name));
        match taken {
            Some(Value::Array(values)) => values,
            Some(value) => vec![value],
            None => Vec::new(),
        }
    }

    fn put(&mut self, list: Target, values: Vec<Value>) {
        let Some(container) = self.container(list) else {
            return;
        };
        if values.is_empty() {
            container.remove(list.attribute.name);
        } else {
            container.insert(list.attribute.name.to_owned(), Value::Array(values));
        }
    }
}

/// One value of a list with what an operation writes there; none where nothing is left.
fn written(
    attribute: &Attribute,
    old: Value,
    sub: Option<&Attribute>,
    (verb, value): (Verb, Value),
    rules: Rules<'_>,
) -> Result<Option<Value>, Error> {
    if let Some(sub) = sub {
        let mut whole = old;
        set_part(&mut whole, sub, value, rules)?;
        return Ok(Some(whole));
    }
    let new = rules.one(attribute, value)?;
    match (verb, old, new) {
        (Verb::Add, Value::Object(mut old), Some(Value::Object(new))) => {
            old.extend(new);
            Ok(Some(Value::Object(old)))
        }
        (Verb::Add, old, None) => Ok(Some(old)),
        (_, _, new) => Ok(new),
    }
}

/// The value that a selection which matched nothing means: what its equalities say.
fn absent(list: Target, filter: Option<&Filter>, rules: Rules<'_>) -> Result<Value, Error> {
    let equalities = match filter {
        Some(filter) => filter.equalities(),
        None => Some(Vec::new()),
    };
    match equalities {
        Some(equalities) if rules.profile.creates_absent => {
            let said = equalities.len();
            let pairs = equalities.into_iter();
            let new: Map<String, Value> = pairs
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            if new.len() < said {
                return Err(no_target(list));
            }
            let new = rules.one(list.attribute, Value::Object(new))?;
            Ok(new.unwrap_or_else(|| Value::Object(Map::new())))
        }
        _ => Err(no_target(list)),
    }
}

fn no_target(list: Target) -> Error {
    Error::new(
        Reason::NoTarget,
        format!("The path selects no value of \"{list}\"."),
    )
}

/// Whether a new value says anything but by what it was selected: clearing what isn't there makes nothing.
fn has_more(new: &Value, filter: Option<&Filter>) -> bool {
    let said = filter.and_then(Filter::equalities).unwrap_or_default();
    new.as_object().is_some_and(|new| {
        new.iter()
            .any(|(name, value)| !said.iter().any(|(said, is)| said == name && is == value))
    })
}

fn names_primary(sub: Option<&Attribute>, value: &Value) -> bool {
    match sub {
        Some(sub) => sub.name == "primary",
        None => value.as_object().is_some_and(|given| {
            given
                .keys()
                .any(|name| name.eq_ignore_ascii_case("primary"))
        }),
    }
}

/// Whether a value has all parts of the given one.
fn agrees(value: &Value, given: &Value) -> bool {
    match (value, given) {
        (Value::Object(value), Value::Object(given)) => given
            .iter()
            .all(|(name, given)| value.get(name) == Some(given)),
        (value, given) => value == given,
    }
}

pub(super) fn remove_with_values(rules: Rules<'_>) -> Result<(), Error> {
    match rules.profile.remove_with_values {
        RemoveWithValues::OnlyThose => Ok(()),
        RemoveWithValues::Refused => Err(Error::new(
            Reason::InvalidValue,
            "A removal has no \"value\": select what goes in its path, as in members[value eq \"id\"].",
        )),
    }
}
