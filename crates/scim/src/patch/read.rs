//! From a body to changes. How much it asks for is counted before any of it is read.

use serde_json::{Map, Value};

use super::{Change, Patch, Verb, mutability};
use crate::error::{Error, Reason, shown};
use crate::json::{Fields, distinct};
use crate::limits::Limits;
use crate::path::{Path, PathError};
use crate::schema::{Mutability, ResourceType, Target, uri};
use crate::value::Rules;

impl<'a> Patch<'a> {
    /// Reads a body.
    pub fn read(kind: &'static ResourceType, body: Value, rules: Rules<'a>) -> Result<Self, Error> {
        let mut body = Fields::of(body, "A PATCH")?;
        body.message(uri::PATCH_OP)?;
        let Some(Value::Array(operations)) = body.take("Operations") else {
            return Err(Error::new(
                Reason::InvalidSyntax,
                "A PATCH has a list of \"Operations\".",
            ));
        };
        within_limits(&operations, rules.limits)?;
        let mut patch = Self {
            kind,
            rules,
            changes: Vec::with_capacity(operations.len()),
        };
        for operation in operations {
            patch.operation(operation)?;
        }
        Ok(patch)
    }

    fn operation(&mut self, operation: Value) -> Result<(), Error> {
        let mut operation = Fields::of(operation, "An operation")?;
        let verb = Verb::read(operation.text("op")?)?;
        let path = operation.text("path")?.filter(|path| !path.is_empty());
        // Null is a value: it clears. Absent is none.
        let value = operation.take_even_null("value");
        match (verb, path, value) {
            (Verb::Remove, None, _) => Err(Error::new(
                Reason::NoTarget,
                "A removal says with \"path\" what it removes.",
            )),
            (Verb::Add | Verb::Replace, _, None) => Err(Error::new(
                Reason::InvalidValue,
                "An operation that adds or replaces has a \"value\".",
            )),
            (Verb::Add | Verb::Replace, None, Some(Value::Object(given))) => {
                self.without_path(verb, given)
            }
            (Verb::Add | Verb::Replace, None, Some(_)) => Err(Error::new(
                Reason::InvalidValue,
                "The \"value\" of an operation without \"path\" is an object.",
            )),
            (_, Some(path), value) => {
                let path = Path::parse(self.kind, &path, self.rules.limits)?;
                if let Some(read_only) = path.read_only() {
                    return Err(mutability(format!("\"{read_only}\" can't be written.")));
                }
                self.push(Change { verb, path, value })
            }
        }
    }

    /// Each key is a path of its own: a name, a dotted name, a URN, or a selection.
    fn without_path(&mut self, verb: Verb, given: Map<String, Value>) -> Result<(), Error> {
        distinct(&given)?;
        for (key, value) in given {
            let path = match Path::read(self.kind, &key, self.rules.limits) {
                Ok(path) => path,
                Err(PathError::Unknown(_)) => continue,
                Err(PathError::Malformed(error)) => return Err(error),
            };
            if path.read_only().is_none() {
                let value = Some(value);
                self.push(Change { verb, path, value })?;
            }
        }
        Ok(())
    }

    fn push(&mut self, change: Change) -> Result<(), Error> {
        let most = self.rules.limits.member_values;
        if self.changes.len() >= most {
            return Err(too_many(format!("A PATCH may change {most} places.")));
        }
        self.changes.push(change);
        Ok(())
    }
}

impl Verb {
    fn read(text: Option<String>) -> Result<Self, Error> {
        let text = text.unwrap_or_default();
        let named = [
            ("add", Self::Add),
            ("replace", Self::Replace),
            ("remove", Self::Remove),
        ];
        named
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&text))
            .map(|(_, verb)| verb)
            .ok_or_else(|| {
                Error::new(
                    Reason::InvalidSyntax,
                    format!(
                        "\"op\" is add, replace or remove, not \"{}\".",
                        shown(&text)
                    ),
                )
            })
    }
}

impl Path {
    /// What of it only the server writes.
    fn read_only(&self) -> Option<&'static str> {
        let (Target { attribute, .. }, sub) = match self {
            Self::Extension(_) => return None,
            Self::Attribute(target) => (*target, target.sub),
            Self::Selected { list, sub, .. } => (*list, *sub),
        };
        [Some(attribute), sub]
            .into_iter()
            .flatten()
            .find(|attribute| attribute.mutability == Mutability::ReadOnly)
            .map(|attribute| attribute.name)
    }
}

fn within_limits(operations: &[Value], limits: &Limits) -> Result<(), Error> {
    if operations.len() > limits.patch_operations {
        let most = limits.patch_operations;
        return Err(too_many(format!("A PATCH may have {most} operations.")));
    }
    let length = |value: &Value| value.as_array().map_or(0, Vec::len);
    let values: usize = operations
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::values)
        .map(|value| match value {
            Value::Object(given) => given.values().map(length).sum(),
            value => length(value),
        })
        .sum();
    if values > limits.member_values {
        let most = limits.member_values;
        return Err(too_many(format!("A PATCH may have {most} values.")));
    }
    Ok(())
}

fn too_many(detail: String) -> Error {
    Error::new(Reason::TooMany, detail)
}
