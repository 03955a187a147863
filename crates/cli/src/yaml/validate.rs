//! Everything that is wrong with a document, found in one walk.

use aeolus_api::nearest;

use super::formats;
use super::node::{Entry, Node, Place, Value};
use super::shape::{Field, Shape};

/// Something wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where.
    pub(crate) at: Place,
    /// Of what kind.
    pub(crate) kind: ProblemKind,
    /// What.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: String,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// A key that nobody reads.
    UnknownKey,
    /// A value that can't be.
    Value,
    /// A key that must be there and isn't.
    Missing,
    /// Parts that don't fit together.
    Finding,
}

impl ProblemKind {
    /// The stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::UnknownKey => "CFG-0003",
            Self::Value => "CFG-0004",
            Self::Missing => "CFG-0005",
            Self::Finding => "FLT-0001",
        }
    }
}

/// Compares a tree with a shape.
pub(crate) fn validate(node: &Node, shape: &Shape) -> Vec<Problem> {
    let mut problems = Vec::new();
    visit(node, shape, "", &mut problems);
    problems.sort_by_key(|problem| (problem.at.line, problem.at.column));
    problems
}

fn visit(node: &Node, shape: &Shape, path: &str, problems: &mut Vec<Problem>) {
    match (shape, &node.value) {
        (Shape::Object(fields), Value::Map(entries)) => {
            visit_entries(node, entries, fields, path, problems);
            for field in fields.iter().filter(|field| field.required) {
                if !entries.iter().any(|entry| entry.key == field.name) {
                    problems.push(missing(node, field, path));
                }
            }
        }
        (Shape::Map(names, value), Value::Map(entries)) => {
            for entry in entries {
                if names.contains(&entry.key) {
                    visit(&entry.value, value, &joined(path, &entry.key), problems);
                } else {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    problems.push(unknown_key(entry, &names, path));
                }
            }
        }
        (Shape::Texts, Value::Map(entries)) => {
            let text = Shape::Text {
                format: None,
                means: None,
            };
            for entry in entries {
                visit(&entry.value, &text, &joined(path, &entry.key), problems);
            }
        }
        (Shape::OneOf(fields), Value::Map(entries)) => {
            visit_entries(node, entries, fields, path, problems);
            if entries.len() != 1 {
                let keys = list(fields.iter().map(|field| field.name.as_str()));
                let message = format!("{} needs exactly one key", shown(path));
                problems.push(value_problem(node, message, format!("use one of {keys}")));
            }
        }
        (Shape::Secret, Value::Map(entries)) => visit_secret(node, entries, path, problems),
        (Shape::List(item), Value::List(items)) => {
            for (index, node) in items.iter().enumerate() {
                visit(node, item, &format!("{path}[{index}]"), problems);
            }
        }
        (Shape::Choice(choices), Value::Text(text)) => {
            if !choices.contains(text) {
                problems.push(not_a_choice(node, choices, text, path));
            }
        }
        (Shape::ChoiceOr(choices, other), Value::Text(text)) => {
            let mut wrong = Vec::new();
            visit(node, other, path, &mut wrong);
            if !choices.contains(text) && !wrong.is_empty() {
                problems.push(not_a_choice(node, choices, text, path));
            }
        }
        (Shape::Text { format, .. }, Value::Text(text)) => {
            if let Some(format) = format
                && let Err(message) = formats::check(format, text)
            {
                let message = format!("{}: {message}", shown(path));
                problems.push(value_problem(node, message, String::new()));
            }
        }
        (Shape::Integer, Value::Number(number)) if number.is_u64() => {}
        (Shape::Share, Value::Number(number))
            if number
                .as_f64()
                .is_some_and(|share| (0.0..=1.0).contains(&share)) => {}
        (Shape::Bool, Value::Bool(_)) | (Shape::Secret, Value::Text(_)) => {}
        (shape, _) => problems.push(wrong_type(node, shape, path)),
    }
}

fn visit_entries(
    node: &Node,
    entries: &[Entry],
    fields: &[Field],
    path: &str,
    problems: &mut Vec<Problem>,
) {
    for entry in entries {
        let Some(field) = fields.iter().find(|field| field.name == entry.key) else {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            problems.push(unknown_key(entry, &names, path));
            continue;
        };
        let inner = joined(path, &entry.key);
        if entry.value.value == Value::Null {
            if !field.nullable {
                let message = format!("{inner} has no value");
                let help = "give it one, or remove the key".to_owned();
                problems.push(value_problem(node, message, help));
                if let Some(problem) = problems.last_mut() {
                    problem.at = entry.at;
                }
            }
        } else {
            visit(&entry.value, &field.shape, &inner, problems);
        }
    }
}

fn visit_secret(node: &Node, entries: &[Entry], path: &str, problems: &mut Vec<Problem>) {
    let known = |entry: &&Entry| {
        matches!(entry.key.as_str(), "env" | "file") && matches!(entry.value.value, Value::Text(_))
    };
    if entries.len() != 1 || entries.iter().filter(known).count() != 1 {
        let message = format!("{} is a secret that can't be found", shown(path));
        let help = "write its value, {file: PATH} or {env: NAME}".to_owned();
        problems.push(value_problem(node, message, help));
    }
}

fn unknown_key(entry: &Entry, names: &[&str], path: &str) -> Problem {
    let all = || names.iter().copied();
    let place = if path.is_empty() {
        String::new()
    } else {
        format!(" in {path}")
    };
    let help = match nearest(&entry.key, all()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.len() > 24 => "see the reference for the names there are".to_owned(),
        None if names.is_empty() => "this section has no keys in this release".to_owned(),
        None => format!("the keys here are {}", list(all())),
    };
    Problem {
        at: entry.at,
        kind: ProblemKind::UnknownKey,
        message: format!("unknown key `{}`{place}", entry.key),
        help,
    }
}

fn missing(node: &Node, field: &Field, path: &str) -> Problem {
    Problem {
        at: node.at,
        kind: ProblemKind::Missing,
        message: format!("{} needs the key `{}`", shown(path), field.name),
        help: format!("add `{}`: {}", field.name, field.description),
    }
}

fn not_a_choice(node: &Node, choices: &[String], text: &str, path: &str) -> Problem {
    let all = || choices.iter().map(String::as_str);
    let help = match nearest(text, all()) {
        Some(name) => format!("did you mean {name}?"),
        None if choices.len() > 24 => "see the reference for the values it takes".to_owned(),
        None => format!("use one of {}", all().collect::<Vec<_>>().join(", ")),
    };
    let message = format!("{} can't be {text:?}", shown(path));
    value_problem(node, message, help)
}

fn wrong_type(node: &Node, shape: &Shape, path: &str) -> Problem {
    let wanted = match shape {
        Shape::Object(_) | Shape::Map(..) | Shape::Texts | Shape::OneOf(_) => {
            "a mapping (keys and values)"
        }
        Shape::List(_) => "a list",
        Shape::Choice(_) | Shape::ChoiceOr(..) | Shape::Text { .. } => "text",
        Shape::Secret => "text, {file: PATH} or {env: NAME}",
        Shape::Integer => "a whole number, not negative",
        Shape::Share => "a number from 0 to 1",
        Shape::Bool => "true or false",
    };
    let help = match (shape, &node.value) {
        (
            Shape::Text { .. } | Shape::Choice(_) | Shape::ChoiceOr(..),
            Value::Number(_) | Value::Bool(_),
        ) => "put it in quotes".to_owned(),
        _ => String::new(),
    };
    value_problem(node, format!("{} must be {wanted}", shown(path)), help)
}

fn value_problem(node: &Node, message: String, help: String) -> Problem {
    Problem {
        at: node.at,
        kind: ProblemKind::Value,
        message,
        help,
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() {
        "the document"
    } else {
        path
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
