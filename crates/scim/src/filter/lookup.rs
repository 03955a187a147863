//! What of a filter an index can answer.

use super::operand::Operand;
use super::{Filter, Node, Operator, Test, Within};
use crate::schema::Target;

/// By what resources are found without looking at all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `id`.
    Id,
    /// `userName`, folded.
    UserName,
    /// `externalId`, as it is.
    ExternalId,
    /// `displayName`, folded.
    DisplayName,
    /// The address of an e-mail, folded.
    Email,
    /// The id of a member.
    Member,
}

/// One equality.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lookup {
    /// By what.
    pub key: Key,
    /// What it has to be: in the form of [`crate::fold`] where case doesn't matter.
    pub value: String,
}

/// What an index can answer of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookups {
    /// A resource for which the filter holds satisfies all equalities of one of these.
    pub alternatives: Vec<Vec<Lookup>>,
    /// Whether the filter holds for each that does. Else what was found is still to be judged by it.
    pub exact: bool,
}

impl Filter {
    /// The equalities it comes to; none where it asks for something no index answers.
    pub fn lookups(&self) -> Option<Lookups> {
        let mut done: Vec<Option<Lookups>> = Vec::new();
        for node in &self.nodes {
            let mut pop = || done.pop().flatten();
            let lookups = match node {
                Node::Test(test) => test.lookup().map(|lookup| Lookups::one(lookup, true)),
                Node::Within(within) => within.lookup().map(|lookup| Lookups::one(lookup, false)),
                Node::Not => {
                    pop();
                    None
                }
                Node::And => {
                    let (right, left) = (pop(), pop());
                    both(left, right)
                }
                Node::Or => {
                    let (right, left) = (pop(), pop());
                    left.zip(right).map(|(left, right)| left.or(right))
                }
            };
            done.push(lookups);
        }
        done.pop().flatten()
    }

    /// The ids that a filter on members selects, where it selects by id alone.
    pub(crate) fn selected_ids(&self) -> Option<Vec<String>> {
        self.nodes
            .iter()
            .filter(|node| **node != Node::Or)
            .map(|node| match node {
                Node::Test(Test {
                    target,
                    operator: Operator::Equal,
                    operand: Operand::Text { sent, .. },
                }) if target.leaf().name == "value" => Some(sent.clone()),
                _ => None,
            })
            .collect()
    }

    /// The equalities that all have to hold, with what each attribute has to be.
    pub(crate) fn equalities(&self) -> Option<Vec<(&'static str, serde_json::Value)>> {
        self.nodes
            .iter()
            .filter(|node| **node != Node::And)
            .map(|node| match node {
                Node::Test(Test {
                    target,
                    operator: Operator::Equal,
                    operand,
                }) => Some((target.leaf().name, operand.to_value()?)),
                _ => None,
            })
            .collect()
    }
}

impl Lookups {
    fn one(lookup: Lookup, exact: bool) -> Self {
        Self {
            alternatives: vec![vec![lookup]],
            exact,
        }
    }

    fn or(mut self, other: Self) -> Self {
        self.alternatives.extend(other.alternatives);
        self.exact &= other.exact;
        self
    }
}

/// Both hold. Of alternatives on both sides, the fewer are enough to find by.
fn both(left: Option<Lookups>, right: Option<Lookups>) -> Option<Lookups> {
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (found, None) | (None, found) => {
            return found.map(|found| Lookups {
                exact: false,
                ..found
            });
        }
    };
    let exact = left.exact && right.exact;
    let (fewer, more) = if left.alternatives.len() <= right.alternatives.len() {
        (left.alternatives, right.alternatives)
    } else {
        (right.alternatives, left.alternatives)
    };
    match (<[_; 1]>::try_from(fewer), <[_; 1]>::try_from(more)) {
        (Ok([mut all]), Ok([more])) => {
            all.extend(more);
            Some(Lookups {
                alternatives: vec![all],
                exact,
            })
        }
        (Ok([fewer]), Err(_)) => Some(Lookups {
            alternatives: vec![fewer],
            exact: false,
        }),
        (Err(alternatives), _) => Some(Lookups {
            alternatives,
            exact: false,
        }),
    }
}

impl Test {
    fn lookup(&self) -> Option<Lookup> {
        let (Operator::Equal, Operand::Text { key: value, .. }) = (self.operator, &self.operand)
        else {
            return None;
        };
        Some(Lookup {
            key: key(&self.target)?,
            value: value.clone(),
        })
    }
}

impl Within {
    /// One of the equalities that have to hold for one value of the list.
    fn lookup(&self) -> Option<Lookup> {
        let found = self.inner.lookups()?.alternatives;
        let [all] = <[_; 1]>::try_from(found).ok()?;
        all.into_iter().next()
    }
}

fn key(target: &Target) -> Option<Key> {
    let sub = target.sub.map(|sub| sub.name);
    match (target.extension, target.attribute.name, sub) {
        (None, "id", None) => Some(Key::Id),
        (None, "userName", None) => Some(Key::UserName),
        (None, "externalId", None) => Some(Key::ExternalId),
        (None, "displayName", None) => Some(Key::DisplayName),
        (None, "emails", Some("value")) => Some(Key::Email),
        (None, "members", Some("value")) => Some(Key::Member),
        _ => None,
    }
}
