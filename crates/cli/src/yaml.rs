//! Reading the YAML that people write, with the place of every value.
//!
//! A document is first read as a tree of [`Node`]s, then compared with the JSON Schema of its type
//! so that everything wrong with it is found at once and named by line and column, and only then
//! turned into the type.

mod formats;
mod node;
mod shape;
mod validate;

use std::path::Path;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub(crate) use node::{Entry, Node, Place, Value};
pub(crate) use shape::{Field, Shape, schema_of};
pub(crate) use validate::{Problem, ProblemKind, validate};

use crate::report::{Exit, Failure, Report};

/// Files larger than this are not what people write.
const MAX: u64 = 16 * 1024 * 1024;

/// A document as its type, and as the tree it came from.
pub(crate) struct Document<T> {
    /// The document.
    pub(crate) value: T,
    /// Its tree, to find the place of a path.
    pub(crate) tree: Node,
}

/// Reads a file's text.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let help = "check the path and that this user may read it";
    let size = std::fs::metadata(path).map(|meta| meta.len());
    if size.is_ok_and(|size| size > MAX) {
        return Err(
            Report::new("CFG-0001", format!("{shown} is larger than 16 MiB"))
                .help(help)
                .usage(),
        );
    }
    std::fs::read_to_string(path).map_err(|error| {
        Report::new("CFG-0001", format!("{shown} can't be read: {error}"))
            .help(help)
            .usage()
    })
}

/// Reads a file as a tree.
pub(crate) fn read_tree(path: &Path) -> Result<Node, Failure> {
    parse_tree(&path.display().to_string(), &read_text(path)?)
}

/// Reads a text as a tree; `name` is what errors call it.
pub(crate) fn parse_tree(name: &str, text: &str) -> Result<Node, Failure> {
    Node::parse(text).map_err(|error| unreadable(name, &error))
}

/// Reads every document of a text as a tree.
pub(crate) fn parse_trees(name: &str, text: &str) -> Result<Vec<Node>, Failure> {
    Node::parse_all(text).map_err(|error| unreadable(name, &error))
}

fn unreadable(name: &str, error: &serde_saphyr::Error) -> Failure {
    let location = error.location();
    let at = location.map_or_else(String::new, |l| format!(":{}:{}", l.line(), l.column()));
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or_default();
    Report::new(
        "CFG-0002",
        format!("{name}{at}: this is not YAML that can be read: {message}"),
    )
    .why("Nothing of the file was used.")
    .help("check indentation, quotes and brackets around that place")
    .usage()
}

/// Reads a file as a type, or says everything that is wrong with it.
pub(crate) fn load<T: DeserializeOwned + JsonSchema>(path: &Path) -> Result<Document<T>, Failure> {
    let name = path.display().to_string();
    let tree = read_tree(path)?;
    let value = typed(&name, &tree)?;
    Ok(Document { value, tree })
}

/// Turns a tree into a type, or says everything that is wrong with it.
pub(crate) fn typed<T: DeserializeOwned + JsonSchema>(
    name: &str,
    tree: &Node,
) -> Result<T, Failure> {
    let problems = validate(tree, &Shape::of::<T>());
    if !problems.is_empty() {
        return Err(failure(name, &problems));
    }
    serde_json::from_value(tree.to_json()).map_err(|error| {
        Report::new("CFG-0004", format!("{name}: {error}"))
            .why("Nothing of the file was used.")
            .usage()
    })
}

/// The failure that says all problems of one file.
pub(crate) fn failure(name: &str, problems: &[Problem]) -> Failure {
    let reports = problems
        .iter()
        .map(|problem| {
            let at = problem.at;
            let what = format!("{name}:{}:{}: {}", at.line, at.column, problem.message);
            Report::new(problem.kind.code(), what)
                .why("Nothing of the file was used.")
                .help(problem.help.clone())
        })
        .collect();
    Failure {
        reports,
        exit: Exit::Usage,
    }
}
