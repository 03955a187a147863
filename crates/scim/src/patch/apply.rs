//! Changes, one after the other, on a copy of the resource.

use serde_json::{Map, Value};

use super::work::{Budget, cost};
use super::{Change, Patch, Patched, Verb};
use crate::error::{Error, Reason};
use crate::member::MemberChanges;
use crate::path::Path;
use crate::resource::{Resource, no_extension};
use crate::schema::{Kind, Mutability, Schema, Target};
use crate::value::Rules;

/// What the changes work on.
pub(super) struct Copy<'a> {
    pub(super) tree: Map<String, Value>,
    pub(super) members: MemberChanges,
    pub(super) rules: Rules<'a>,
    pub(super) work: &'a mut Budget,
}

impl Patch<'_> {
    /// What the resource is after it. The resource itself stays as it is, so an error changes nothing.
    pub fn apply(self, resource: &Resource) -> Result<Patched, Error> {
        let mut budget = Budget::new(self.rules.limits);
        self.apply_within(resource, &mut budget)
    }

    /// The same where several requests share what may be worked. What it took is spent also where it is refused.
    pub fn apply_within(self, resource: &Resource, budget: &mut Budget) -> Result<Patched, Error> {
        if self.kind != resource.kind() {
            return Err(Error::new(
                Reason::InvalidSyntax,
                format!("This PATCH is for a {}.", self.kind.name),
            ));
        }
        let before = budget.spent();
        budget.charge(cost(resource.tree().values()))?;
        let mut copy = Copy {
            tree: resource.tree().clone(),
            members: MemberChanges::default(),
            rules: self.rules,
            work: budget,
        };
        for change in self.changes {
            copy.change(self.kind.links, change)?;
        }
        copy.tree.retain(|_, value| !is_empty_object(value));
        let changed = copy.tree != *resource.tree();
        let resource = Resource::from_tree(self.kind, copy.tree);
        resource.complete(self.rules.limits)?;
        Ok(Patched {
            resource,
            changed,
            members: copy.members,
            work: copy.work.spent().saturating_sub(before),
        })
    }
}

impl Copy<'_> {
    fn change(&mut self, links: Option<&str>, change: Change) -> Result<(), Error> {
        let Change { verb, path, value } = change;
        self.work.charge(1)?;
        match path {
            Path::Extension(schema) => self.extension(schema, verb, value),
            Path::Attribute(target) if links == Some(target.attribute.name) => {
                self.links(target.sub, verb, value)
            }
            Path::Selected { list, filter, sub } if links == Some(list.attribute.name) => {
                self.selected_links(&filter, sub, verb)
            }
            Path::Attribute(target) => self.attribute(target, verb, value),
            Path::Selected { list, filter, sub } => {
                self.selected(list, Some(&filter), sub, (verb, value))
            }
        }
    }

    /// All of an extension: its attributes one by one, or none of them any more.
    fn extension(
        &mut self,
        schema: &'static Schema,
        verb: Verb,
        value: Option<Value>,
    ) -> Result<(), Error> {
        let given = match value {
            _ if verb == Verb::Remove => None,
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::Object(given)) => Some(given),
            Some(_) => return Err(no_extension(schema)),
        };
        let Some(given) = given else {
            self.tree.remove(schema.id);
            return Ok(());
        };
        crate::json::distinct(&given)?;
        for (name, value) in given {
            let Some(attribute) = schema.attribute(&name) else {
                continue;
            };
            if attribute.mutability != Mutability::ReadOnly {
                let target = Target {
                    extension: Some(schema),
                    attribute,
                    sub: None,
                };
                self.attribute(target, verb, Some(value))?;
            }
        }
        Ok(())
    }

    fn attribute(&mut self, target: Target, verb: Verb, value: Option<Value>) -> Result<(), Error> {
        let attribute = target.attribute;
        if attribute.mutability == Mutability::WriteOnly {
            // Read, so that a wrong one is refused, and kept nowhere.
            return match value {
                Some(value) => self.rules.whole(attribute, value).map(|_| ()),
                None => Ok(()),
            };
        }
        if verb == Verb::Remove && attribute.required {
            return Err(super::mutability(format!(
                "\"{target}\" can't be removed: the resource has to have it."
            )));
        }
        match (attribute.kind, attribute.multi_valued, target.sub) {
            (Kind::Complex, true, Some(_)) => {
                let list = Target {
                    sub: None,
                    ..target
                };
                self.selected(list, None, target.sub, (verb, value))
            }
            (_, true, _) => self.list(target, verb, value),
            (_, false, _) => self.single(target, verb, value),
        }
    }

    /// Where a target's attribute is kept.
    pub(super) fn container(&mut self, target: Target) -> Option<&mut Map<String, Value>> {
        let Some(schema) = target.extension else {
            return Some(&mut self.tree);
        };
        self.tree
            .entry(schema.id)
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()
    }
}

pub(super) fn is_empty_object(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}
