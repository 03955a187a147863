//! Who came.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::{Email, IdentitySubject, Slug, Time};
use serde_json::Value;

use crate::connection::is_guid;

/// Longest name of a person and of a group, and most groups.
const MAX_TEXT: usize = 255;
const MAX_GROUPS: usize = 2_048;

/// Somebody whom a provider proved. The key is (connection, issuer, subject), never the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The connection's name.
    pub connection: Slug,
    /// The issuer that people are linked under: what the connection's discovery URL stands for, without
    /// a slash at the end.
    pub issuer: String,
    /// What names them there for good.
    pub subject: IdentitySubject,
    /// Their address, as far as it is one.
    pub email: Option<Email>,
    /// Whether the provider vouches for the address. Missing is no (O21).
    pub email_verified: bool,
    /// What to call them.
    pub name: Option<String>,
    /// Their groups there.
    pub groups: Groups,
    /// How they proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// How well.
    pub acr: Option<String>,
    /// When, if the provider says.
    pub auth_time: Option<Time>,
    /// Their session there, for back-channel logout.
    pub sid: Option<String>,
}

/// Somebody's groups at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// It doesn't say: absent is not none.
    Unknown,
    /// These.
    Listed(GroupList),
    /// Entra: more than fit a token. Graph knows them; the token's own link is never followed.
    AskGraph,
}

/// Groups by their ids, each with its name where that is something else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupList {
    groups: BTreeMap<String, Option<String>>,
    cut: bool,
}

impl GroupList {
    /// From ids and names. What can't be a group's id is left out: nothing here ever stood for it.
    pub fn new<I: AsRef<str>>(groups: impl IntoIterator<Item = (I, Option<String>)>) -> Self {
        let mut list = Self::default();
        for (id, name) in groups {
            if !is_shown(id.as_ref()) {
                continue;
            }
            if list.groups.len() == MAX_GROUPS {
                list.cut = true;
                break;
            }
            let name = name.as_deref().and_then(shown);
            list.groups.insert(id.as_ref().to_owned(), name);
        }
        list
    }

    /// Known to be a part: whoever isn't in it isn't out for that.
    #[must_use]
    pub fn cut(self) -> Self {
        Self { cut: true, ..self }
    }

    /// Whether it has all there are.
    pub const fn is_whole(&self) -> bool {
        !self.cut
    }

    /// Each id, and its name where that is something else.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let each = self.groups.iter();
        each.map(|(id, name)| (id.as_str(), name.as_deref()))
    }

    /// What it calls a group.
    pub fn name_of(&self, id: &str) -> Option<&str> {
        self.groups.get(id)?.as_deref()
    }

    /// Only those of some ids.
    #[must_use]
    pub fn only(mut self, ids: &BTreeSet<String>) -> Self {
        self.groups.retain(|id, _| ids.contains(id));
        self
    }

    /// The same groups as those of one tenant: a text is told apart by it. What looks like an object's id is as well
    /// where others come (`several`), for their administrators can let a claim say any text, that of an id too.
    #[must_use]
    pub(crate) fn of_tenant(self, tenant: &str, several: bool) -> Self {
        let groups = self.groups.into_iter().map(|(id, name)| {
            let is_id = is_guid(&id);
            if is_id && !several {
                return (id, name);
            }
            let name = name.or_else(|| (!is_id).then(|| id.clone()));
            (format!("{tenant}/{id}"), name)
        });
        Self {
            groups: groups.collect(),
            ..self
        }
    }

    /// The same groups, with the names that another list has.
    #[must_use]
    pub fn named_by(mut self, other: &Self) -> Self {
        for (id, name) in &mut self.groups {
            *name = name.take().or_else(|| other.name_of(id).map(str::to_owned));
        }
        self
    }
}

impl Groups {
    /// From the texts of a claim.
    #[cfg(test)]
    pub(crate) fn listed<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Listed(GroupList::new(texts.into_iter().map(|text| (text, None))))
    }

    /// From a claim. What has another form says nothing; a list with something else than texts in it is not
    /// known to be whole.
    pub(crate) fn of_claim(claim: &Value) -> Self {
        let texts: Vec<&str> = match claim {
            Value::String(one) => vec![one],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => return Self::Unknown,
        };
        let whole = claim
            .as_array()
            .is_none_or(|list| list.len() == texts.len());
        let list = GroupList::new(texts.into_iter().map(|text| (text, None)));
        Self::Listed(if whole { list } else { list.cut() })
    }
}

/// A name that can be shown: what is no text of one line is none (A18).
pub(crate) fn shown(text: &str) -> Option<String> {
    let text = text.trim();
    is_shown(text).then(|| text.to_owned())
}

fn is_shown(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && text.chars().all(aeolus_model::is_shown)
}
