//! Whether a resource is one of those a filter asks for.

use serde_json::{Map, Value};

use super::operand::Operand;
use super::{Filter, Node, Operator, Test, Within};
use crate::schema::part;

impl Filter {
    /// Whether it holds for a resource's tree.
    pub fn matches(&self, tree: &Map<String, Value>) -> bool {
        self.fold(|node| match node {
            Node::Test(test) => test.holds(test.target.values(tree)),
            Node::Within(Within { list, inner }) => {
                list.elements(tree).any(|element| inner.selects(element))
            }
            Node::Not | Node::And | Node::Or => false,
        })
    }

    /// Whether a filter from between brackets holds for one value of its list.
    pub(crate) fn selects(&self, element: &Value) -> bool {
        self.fold(|node| match node {
            Node::Test(test) => test.holds(part(element, test.target.sub).into_iter()),
            _ => false,
        })
    }

    fn fold(&self, mut judge: impl FnMut(&Node) -> bool) -> bool {
        let mut verdicts: Vec<bool> = Vec::new();
        for node in &self.nodes {
            let mut pop = || verdicts.pop().unwrap_or_default();
            let verdict = match node {
                Node::Not => !pop(),
                Node::And => pop() & pop(),
                Node::Or => pop() | pop(),
                Node::Test(_) | Node::Within(_) => judge(node),
            };
            verdicts.push(verdict);
        }
        verdicts.pop().unwrap_or_default()
    }
}

impl Test {
    fn holds<'a>(&self, values: impl Iterator<Item = &'a Value>) -> bool {
        let mut values = values.filter(|value| is_something(value)).peekable();
        let absent = values.peek().is_none();
        match (self.operator, &self.operand) {
            (Operator::Present, _) | (Operator::NotEqual, Operand::Null) => !absent,
            (Operator::Equal, Operand::Null) => absent,
            (Operator::NotEqual, _) if absent => true,
            (operator, operand) => {
                let leaf = self.target.leaf();
                values.any(|value| operand.holds(operator, leaf, value))
            }
        }
    }
}

/// What is empty is absent (RFC 7643 §2.5).
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
