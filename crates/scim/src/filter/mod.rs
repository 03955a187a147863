//! Filters (RFC 7644 §3.4.2.2): read without recursion, with every name, operator and value checked against the
//! schema. What can't be answered rightly is refused: a filter that silently matches nothing makes a client
//! create everybody twice.

mod eval;
mod lex;
mod lookup;
mod operand;
mod parse;
mod print;

pub use lookup::{Key, Lookup, Lookups};

use crate::error::{Error, Reason};
use crate::limits::Limits;
use crate::schema::{ResourceType, Target};
use operand::Operand;

pub(crate) use lex::Lexer;
pub(crate) use parse::Parser;

/// A filter on the resources of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// In postfix order: what `and`, `or` and `not` apply to stands before them.
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Test(Test),
    Within(Within),
    Not,
    And,
    Or,
}

/// An attribute compared with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Test {
    target: Target,
    operator: Operator,
    operand: Operand,
}

/// One value of a list for which all of the inner filter holds: `emails[type eq "work" and value eq "a"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Within {
    list: Target,
    inner: Filter,
}

/// How an attribute is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Present,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Operator {
    const ALL: [(&'static str, Self); 10] = [
        ("eq", Self::Equal),
        ("ne", Self::NotEqual),
        ("co", Self::Contains),
        ("sw", Self::StartsWith),
        ("ew", Self::EndsWith),
        ("pr", Self::Present),
        ("gt", Self::Greater),
        ("ge", Self::GreaterOrEqual),
        ("lt", Self::Less),
        ("le", Self::LessOrEqual),
    ];

    fn named(text: &str) -> Option<Self> {
        let found = Self::ALL
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))?;
        Some(found.1)
    }

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, operator)| *operator == self);
        found.map_or("", |(name, _)| name)
    }
}

impl Filter {
    /// Reads a filter on resources of this type.
    pub fn parse(kind: &'static ResourceType, text: &str, limits: &Limits) -> Result<Self, Error> {
        if text.len() > limits.filter_bytes {
            return Err(invalid(format!(
                "A filter may have {} bytes.",
                limits.filter_bytes
            )));
        }
        Parser::new(kind, Lexer::new(text), limits).whole()
    }

    /// Whether it can't be judged without this attribute: lists of links are loaded only for that.
    pub fn uses(&self, attribute: &str) -> bool {
        let is_it = |target: &Target| target.attribute.name == attribute;
        self.nodes.iter().any(|node| match node {
            Node::Test(test) => is_it(&test.target),
            Node::Within(within) => is_it(&within.list),
            Node::Not | Node::And | Node::Or => false,
        })
    }

    /// How many comparisons it costs to judge one resource by it.
    pub(crate) fn terms(&self) -> usize {
        let count = |node: &Node| match node {
            Node::Test(_) => 1,
            Node::Within(within) => within.inner.nodes.len(),
            Node::Not | Node::And | Node::Or => 0,
        };
        self.nodes.iter().map(count).sum()
    }
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(Reason::InvalidFilter, detail)
}
