//! Members of a group: never loaded to be changed.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use crate::error::{Error, Reason};
use crate::json::distinct;
use crate::schema::{GROUP, ResourceType, USER};
use crate::value::{Rules, too_many};

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberKind {
    /// A person.
    User,
    /// Another group.
    Group,
}

/// One member, as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The resource's id here.
    pub value: String,
    /// What it is said to be, by `type` or `$ref`.
    pub kind: Option<MemberKind>,
}

/// What happens to a group's members: the outcome of all operations in their order.
///
/// It is sorted by id, so that whoever locks rows for it does so in one order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberChanges {
    replaces: bool,
    changes: BTreeMap<String, Option<Member>>,
}

impl MemberChanges {
    /// The whole list from now on.
    pub fn whole(members: Vec<Member>) -> Self {
        let mut changes = Self::default();
        changes.replace(members);
        changes
    }

    /// Whether [`MemberChanges::added`] is the whole list from now on.
    pub fn replaces(&self) -> bool {
        self.replaces
    }

    /// Who is in now, whether or not they were before.
    pub fn added(&self) -> impl Iterator<Item = &Member> {
        self.changes.values().flatten()
    }

    /// Who is out now, whether or not they were in before.
    pub fn removed(&self) -> impl Iterator<Item = &str> {
        let out = self.changes.iter().filter(|(_, member)| member.is_none());
        out.map(|(value, _)| value.as_str())
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        !self.replaces && self.changes.is_empty()
    }

    pub(crate) fn add(&mut self, members: Vec<Member>) {
        for member in members {
            self.changes.insert(member.value.clone(), Some(member));
        }
    }

    pub(crate) fn remove(&mut self, values: impl IntoIterator<Item = String>) {
        for value in values {
            if self.replaces {
                self.changes.remove(&value);
            } else {
                self.changes.insert(value, None);
            }
        }
    }

    pub(crate) fn replace(&mut self, members: Vec<Member>) {
        self.replaces = true;
        self.changes.clear();
        self.add(members);
    }
}

/// The members that a value names, each once, in the order sent.
pub(crate) fn members(value: Value, rules: Rules<'_>) -> Result<Vec<Member>, Error> {
    let values = match value {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::Array(values) => values,
        value => vec![value],
    };
    let limit = rules.limits.member_values;
    if values.len() > limit {
        return Err(GROUP
            .attribute("members")
            .map_or_else(no_member, |members| too_many(members, limit)));
    }
    let mut seen = HashSet::with_capacity(values.len());
    let mut members = Vec::with_capacity(values.len());
    for value in values {
        let member = Member::read(value, rules)?;
        if seen.insert(member.value.clone()) {
            members.push(member);
        }
    }
    Ok(members)
}

impl Member {
    fn read(value: Value, rules: Rules<'_>) -> Result<Self, Error> {
        let given = match value {
            Value::Object(given) => given,
            Value::String(_) if rules.profile.loose_values => {
                Map::from_iter([("value".to_owned(), value)])
            }
            _ => return Err(no_member()),
        };
        distinct(&given)?;
        let field = |name: &str| {
            given
                .iter()
                .find(|(field, _)| field.eq_ignore_ascii_case(name))
                .and_then(|(_, value)| value.as_str())
        };
        let link = field("$ref");
        let value = field("value")
            .or_else(|| link.and_then(|link| link.rsplit('/').next()))
            .filter(|value| !value.is_empty() && value.len() <= rules.limits.text)
            .ok_or_else(no_member)?;
        let kind = field("type")
            .and_then(MemberKind::named)
            .or_else(|| link.and_then(MemberKind::at));
        Ok(Self {
            value: value.to_owned(),
            kind,
        })
    }
}

impl MemberKind {
    /// Its resource type.
    pub fn resource_type(self) -> &'static ResourceType {
        match self {
            Self::User => &USER,
            Self::Group => &GROUP,
        }
    }

    fn named(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("User") {
            Some(Self::User)
        } else if text.eq_ignore_ascii_case("Group") {
            Some(Self::Group)
        } else {
            None
        }
    }

    fn at(link: &str) -> Option<Self> {
        match link.rsplit('/').nth(1) {
            Some("Users") => Some(Self::User),
            Some("Groups") => Some(Self::Group),
            _ => None,
        }
    }
}

fn no_member() -> Error {
    Error::new(
        Reason::InvalidValue,
        "A member is an object with the member's id as \"value\".",
    )
}
