//! The list of a group's members, which isn't here: operations on it add up to changes.

use serde_json::Value;

use super::Verb;
use super::apply::Copy;
use super::list::remove_with_values;
use crate::error::{Error, Reason};
use crate::filter::Filter;
use crate::member::members;
use crate::schema::Attribute;

impl Copy<'_> {
    pub(super) fn links(
        &mut self,
        sub: Option<&Attribute>,
        verb: Verb,
        value: Option<Value>,
    ) -> Result<(), Error> {
        if let Some(sub) = sub {
            return Err(immutable(sub));
        }
        let given = members(value.unwrap_or_default(), self.rules)?;
        self.work.charge(given.len())?;
        match verb {
            Verb::Add => self.members.add(given),
            Verb::Replace => self.members.replace(given),
            Verb::Remove if given.is_empty() => self.members.replace(Vec::new()),
            Verb::Remove => {
                remove_with_values(self.rules)?;
                self.members
                    .remove(given.into_iter().map(|member| member.value));
            }
        }
        Ok(())
    }

    pub(super) fn selected_links(
        &mut self,
        filter: &Filter,
        sub: Option<&Attribute>,
        verb: Verb,
    ) -> Result<(), Error> {
        if let Some(sub) = sub {
            return Err(immutable(sub));
        }
        if verb != Verb::Remove {
            return Err(super::mutability(
                "A member can't become another one: remove it and add the other.",
            ));
        }
        let Some(values) = filter.selected_ids() else {
            return Err(Error::new(
                Reason::InvalidFilter,
                "Members are selected by their id: members[value eq \"id\"], several joined by \"or\".",
            ));
        };
        self.work.charge(values.len())?;
        self.members.remove(values);
        Ok(())
    }
}

fn immutable(sub: &Attribute) -> Error {
    super::mutability(format!(
        "\"{}\" of a member can't be changed: remove the member and add it again.",
        sub.name
    ))
}
