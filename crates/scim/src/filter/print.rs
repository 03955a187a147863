//! A filter as text: what is read from it again is the same filter.

use std::fmt;

use super::operand::Operand;
use super::{Filter, Node, Test, Within};

/// How tightly a written expression holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Whole,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.written(|node| match node {
            Node::Test(test) => format!("{} {}", test.target, test.comparison()),
            Node::Within(Within { list, inner }) => format!("{list}[{}]", inner.parts()),
            Node::Not | Node::And | Node::Or => String::new(),
        });
        f.write_str(&written)
    }
}

impl Filter {
    /// As it stands between brackets: names of parts alone.
    pub(crate) fn parts(&self) -> String {
        self.written(|node| match node {
            Node::Test(test) => format!("{} {}", test.target.leaf().name, test.comparison()),
            _ => String::new(),
        })
    }

    fn written(&self, leaf: impl Fn(&Node) -> String) -> String {
        let mut done: Vec<(String, Binding)> = Vec::new();
        for node in &self.nodes {
            let mut pop = || done.pop().unwrap_or((String::new(), Binding::Whole));
            let written = match node {
                Node::Test(_) | Node::Within(_) => (leaf(node), Binding::Whole),
                Node::Not => (format!("not ({})", pop().0), Binding::Whole),
                Node::And | Node::Or => {
                    let (right, left) = (pop(), pop());
                    let (word, binding) = match node {
                        Node::And => ("and", Binding::And),
                        _ => ("or", Binding::Or),
                    };
                    let left = in_parentheses(left.0, left.1 < binding);
                    let right = in_parentheses(right.0, right.1 <= binding);
                    (format!("{left} {word} {right}"), binding)
                }
            };
            done.push(written);
        }
        done.pop().map(|(text, _)| text).unwrap_or_default()
    }
}

fn in_parentheses(text: String, needed: bool) -> String {
    if needed { format!("({text})") } else { text }
}

impl Test {
    fn comparison(&self) -> String {
        match &self.operand {
            Operand::Nothing => self.operator.name().to_owned(),
            operand => format!("{} {operand}", self.operator.name()),
        }
    }
}
