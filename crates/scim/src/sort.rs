//! The order of a list (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::error::{Error, Reason, shown};
use crate::instant::Instant;
use crate::schema::{Kind, ResourceType, Target, part};
use crate::text::fold;

/// By what a list is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    target: Target,
    descending: bool,
}

/// What a resource is ordered by; less is first. A resource without the value is last, or first where the order
/// descends.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey(Option<Sorted>);

#[derive(Debug, Clone, PartialEq)]
enum Sorted {
    Flag(bool),
    Number(f64),
    Moment(Instant),
    Text(String),
}

impl Sort {
    /// Reads `sortBy` and `sortOrder`; none where nothing is asked for.
    pub fn parse(
        kind: &'static ResourceType,
        by: Option<&str>,
        order: Option<&str>,
    ) -> Result<Option<Self>, Error> {
        let Some(by) = by.filter(|by| !by.is_empty()) else {
            return Ok(None);
        };
        let refused = |detail: String| Error::new(Reason::InvalidValue, detail);
        let mut target = kind
            .resolve(by)
            .map_err(|error| refused(format!("\"sortBy\" is \"{}\": {error}.", shown(by))))?;
        if target.leaf().kind == Kind::Complex {
            target.sub = target.attribute.value();
        }
        let (leaf, name) = (target.leaf(), target.attribute.name);
        if leaf.kind == Kind::Complex || !target.attribute.comparable() || kind.links == Some(name)
        {
            return Err(refused(format!("Nothing is sorted by \"{}\".", shown(by))));
        }
        let descending = match order {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(refused(
                    "\"sortOrder\" is ascending or descending.".to_owned(),
                ));
            }
        };
        Ok(Some(Self { target, descending }))
    }

    /// The attribute, in its own notation.
    pub fn by(&self) -> String {
        self.target.to_string()
    }

    /// Whether the greatest is first.
    pub fn descending(&self) -> bool {
        self.descending
    }

    /// By what a resource is ordered: of a list, the primary value, else the first.
    pub fn key(&self, tree: &Map<String, Value>) -> SortKey {
        let is_primary = |value: &&Value| value.get("primary") == Some(&Value::Bool(true));
        let values = self.target.elements(tree);
        let value = values
            .clone()
            .find(is_primary)
            .or_else(|| values.clone().next());
        let leaf = self.target.leaf();
        SortKey(
            value
                .and_then(|value| part(value, self.target.sub))
                .and_then(|value| match (leaf.kind, value) {
                    (_, Value::Bool(flag)) => Some(Sorted::Flag(*flag)),
                    (_, Value::Number(number)) => number.as_f64().map(Sorted::Number),
                    (Kind::DateTime, Value::String(text)) => {
                        Instant::parse(text).map(Sorted::Moment)
                    }
                    (_, Value::String(text)) if leaf.case_exact => Some(Sorted::Text(text.clone())),
                    (_, Value::String(text)) => Some(Sorted::Text(fold(text))),
                    _ => None,
                }),
        )
    }

    /// Which of two resources is first.
    pub fn compare(&self, left: &SortKey, right: &SortKey) -> Ordering {
        let order = match (&left.0, &right.0) {
            (Some(left), Some(right)) => left.compare(right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        if self.descending {
            order.reverse()
        } else {
            order
        }
    }
}

impl SortKey {
    /// Bytes that it takes, as long as somebody keeps it.
    pub fn bytes(&self) -> usize {
        let text = match &self.0 {
            Some(Sorted::Text(text)) => text.len(),
            _ => 0,
        };
        size_of::<Self>() + text
    }
}

impl Sorted {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Flag(left), Self::Flag(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Moment(left), Self::Moment(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Flag(_) => 0,
            Self::Number(_) => 1,
            Self::Moment(_) => 2,
            Self::Text(_) => 3,
        }
    }
}
