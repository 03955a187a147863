//! Defaults, file, environment and flags, one above the other; each value knows where it is from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::environment::parse;
use super::values::in_newer_schema;
use super::{Config, Environment, Original, leaves};
use crate::report::{Exit, Failure, Report};
use crate::yaml::{self, Node, Shape};

/// A path and its value.
pub(super) type Leaf = (String, Value);

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// A file's line.
    File {
        /// Its name.
        name: String,
        /// The line.
        line: u64,
    },
    /// A variable.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A flag that sets a key.
#[derive(Clone, Debug)]
pub(crate) struct Flag {
    /// Its name: `--listen`.
    pub(crate) name: &'static str,
    /// The key: `control.listen`.
    pub(crate) path: &'static str,
    /// Its text; as in the environment.
    pub(crate) value: String,
}

/// Where configuration is read from.
pub(crate) struct Sources<'a> {
    /// The file, if there is one.
    pub(crate) file: Option<&'a Path>,
    /// The environment.
    pub(crate) environment: &'a Environment,
    /// The flags that were given.
    pub(crate) flags: Vec<Flag>,
}

/// The configuration in effect.
#[derive(Debug)]
pub(crate) struct Effective {
    /// As its type.
    pub(crate) config: Config,
    /// Every value and its origin, by path.
    pub(crate) values: BTreeMap<String, (Value, Origin)>,
    /// Where relative paths in it begin.
    pub(crate) base: PathBuf,
    /// What was read of the original's values, if the file holds such.
    pub(crate) original: Option<Original>,
}

impl Sources<'_> {
    /// Reads all layers, or says everything that is wrong with them.
    pub(crate) fn load(&self) -> Result<Effective, Failure> {
        let shape = Shape::of::<Config>();
        let mut values = defaults(&shape)?;
        let mut reports = Vec::new();
        let mut original = None;
        if let Some(path) = self.file {
            let name = path.display().to_string();
            let mut tree = yaml::read_tree(path)?;
            if let Some(read) = Original::read(&tree, self.environment) {
                reports.extend(read.reports(&name));
                tree = read.tree.clone();
                original = Some(read);
            }
            let tree = in_newer_schema(tree);
            match yaml::typed::<Config>(&name, &tree) {
                Ok(_) => from_file(&tree, &name, &shape, &mut values),
                Err(failure) => reports.extend(failure.reports),
            }
        }
        let environment = match &original {
            Some(original) => self.environment.over(&original.variables),
            None => self.environment.clone(),
        };
        match environment.leaves(&shape) {
            Ok(leaves) => {
                for ((path, value), name) in leaves {
                    set(&mut values, path, value, Origin::Environment(name));
                }
            }
            Err(wrong) => reports.extend(wrong),
        }
        for flag in &self.flags {
            match flag_value(flag, &shape) {
                Ok(value) => set(
                    &mut values,
                    flag.path.to_owned(),
                    value,
                    Origin::Flag(flag.name),
                ),
                Err(report) => reports.push(report),
            }
        }
        if !reports.is_empty() {
            return Err(Failure {
                reports,
                exit: Exit::Usage,
            });
        }
        let config = typed(&values)?;
        let base = self.file.and_then(Path::parent).unwrap_or(Path::new(""));
        Ok(Effective {
            config,
            values,
            base: base.to_owned(),
            original,
        })
    }
}

fn flag_value(flag: &Flag, shape: &Shape) -> Result<Value, Report> {
    let known = leaves(shape);
    let leaf = known.iter().find(|leaf| leaf.path == flag.path);
    let parsed = leaf.map_or_else(
        || Ok(flag.value.as_str().into()),
        |leaf| parse(&leaf.field.shape, leaf.field.nullable, &flag.value),
    );
    parsed.map_err(|message| Report::new("CFG-0004", format!("{}: {message}", flag.name)))
}

/// Sets a value; setting a secret's value forgets its place, and the other way round.
fn set(values: &mut BTreeMap<String, (Value, Origin)>, path: String, value: Value, origin: Origin) {
    let place = path
        .strip_suffix(".file")
        .or_else(|| path.strip_suffix(".env"));
    if let Some(secret) = place {
        values.remove(secret);
        values.remove(&format!("{secret}.file"));
        values.remove(&format!("{secret}.env"));
    }
    let below = format!("{path}.");
    values.retain(|key, _| !key.starts_with(&below));
    values.insert(path, (value, origin));
}

fn defaults(shape: &Shape) -> Result<BTreeMap<String, (Value, Origin)>, Failure> {
    let json = serde_json::to_value(Config::default()).map_err(|error| internal(&error))?;
    let mut values = BTreeMap::new();
    for leaf in leaves(shape) {
        let pointer = format!("/{}", leaf.path.replace('.', "/"));
        if let Some(value) = json.pointer(&pointer).filter(|value| !value.is_null()) {
            values.insert(leaf.path, (value.clone(), Origin::Default));
        }
    }
    Ok(values)
}

fn from_file(
    tree: &Node,
    name: &str,
    shape: &Shape,
    values: &mut BTreeMap<String, (Value, Origin)>,
) {
    let json = tree.to_json();
    for leaf in leaves(shape) {
        let pointer = format!("/{}", leaf.path.replace('.', "/"));
        // A secret written as a mapping arrives by the leaf of its place.
        let whole = |value: &&Value| {
            !value.is_object() || matches!(leaf.field.shape, Shape::Map(..) | Shape::Texts)
        };
        let Some(value) = json.pointer(&pointer).filter(whole) else {
            continue;
        };
        let origin = Origin::File {
            name: name.to_owned(),
            line: tree.place_of(&leaf.path).line,
        };
        set(values, leaf.path, value.clone(), origin);
    }
    for path in sections(shape, "") {
        let pointer = format!("/{}", path.replace('.', "/"));
        let empty = |value: &&Value| value.as_object().is_some_and(Map::is_empty);
        if let Some(value) = json.pointer(&pointer).filter(empty) {
            let origin = Origin::File {
                name: name.to_owned(),
                line: tree.place_of(&path).line,
            };
            values.insert(path, (value.clone(), origin));
        }
    }
}

/// The sections that may be absent. One that is there with nothing in it has no leaf that would say so, and is
/// not the same as none: everything in it is as by default.
fn sections(shape: &Shape, above: &str) -> Vec<String> {
    let mut all = Vec::new();
    for field in shape.fields() {
        let path = match above {
            "" => field.name.clone(),
            above => format!("{above}.{}", field.name),
        };
        all.extend(sections(&field.shape, &path));
        if field.nullable && matches!(field.shape, Shape::Object(_)) {
            all.push(path);
        }
    }
    all
}

/// The values as the type, checked once more as a whole: flags and environment may be wrong too.
fn typed(values: &BTreeMap<String, (Value, Origin)>) -> Result<Config, Failure> {
    let mut reports = Vec::new();
    for (path, (value, origin)) in values {
        if let Err(error) = build([(path, value)].into_iter())
            && !partial(path)
        {
            let what = format!("{path} ({origin}): {error}");
            reports.push(Report::new("CFG-0004", what));
        }
    }
    if !reports.is_empty() {
        return Err(Failure {
            reports,
            exit: Exit::Usage,
        });
    }
    let all = values.iter().map(|(path, (value, _))| (path, value));
    build(all).map_err(|error| {
        Report::new(
            "CFG-0005",
            format!("the configuration is not complete: {error}"),
        )
        .help("`aeolus config print` shows what is set and by what")
        .usage()
    })
}

/// Keys that need their sibling to mean anything.
fn partial(path: &str) -> bool {
    path.starts_with("control.firstAdmin.")
}

fn build<'a>(
    leaves: impl Iterator<Item = (&'a String, &'a Value)>,
) -> Result<Config, serde_json::Error> {
    let mut root = Map::new();
    for (path, value) in leaves {
        let steps: Vec<&str> = path.split('.').collect();
        insert(&mut root, &steps, value);
    }
    serde_json::from_value(Value::Object(root))
}

fn insert(map: &mut Map<String, Value>, steps: &[&str], value: &Value) {
    match steps {
        [] => {}
        [last] => {
            map.insert((*last).to_owned(), value.clone());
        }
        [step, rest @ ..] => {
            let child = map.entry(*step).or_insert(Value::Null);
            if !child.is_object() {
                *child = Value::Object(Map::new());
            }
            if let Value::Object(child) = child {
                insert(child, rest, value);
            }
        }
    }
}

fn internal(error: &dyn std::error::Error) -> Failure {
    Report::new(
        "CLI-0001",
        format!("the defaults can't be written: {error}"),
    )
    .failed()
}

#[cfg(test)]
mod tests;
