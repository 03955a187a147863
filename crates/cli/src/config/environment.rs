//! The process's environment, read once.
//!
//! The name of a configuration key is its path in upper case, with `__` between its parts and `_`
//! at each hump: `control.publicUrl` is `CONTROL__PUBLIC_URL`.

use std::collections::BTreeMap;

use aeolus_api::nearest;
use serde_json::Value;

use super::layers::Leaf;
use crate::report::Report;
use crate::yaml::{Field, Shape};

/// Names of the older schema of the field, and those of the newer one (rows B8, C6, C7).
const RENAMED: [(&str, &str); 4] = [
    (
        "SCIM_AUTH_CODE_OKTA",
        "AUTH__OPENID_CONNECT__OKTA__SCIM_AUTH_CODE",
    ),
    (
        "SCIM_AUTH_CODE_MICROSOFT",
        "AUTH__OPENID_CONNECT__MICROSOFT__SCIM_AUTH_CODE",
    ),
    (
        "AUTH__OPENID_CONNECT__IDP_GROUPS_IMPORT_ENABLED",
        "AUTH__OPENID_CONNECT__IDP_GROUPS_IMPORT__ENABLED",
    ),
    (
        "AUTH__OPENID_CONNECT__IDP_GROUPS_REFRESH_ENABLED",
        "AUTH__OPENID_CONNECT__IDP_GROUPS_REFRESH__ENABLED",
    ),
];

/// Whether it is an older name of a key.
pub(crate) fn is_renamed(name: &str) -> bool {
    RENAMED.iter().any(|(old, _)| *old == name)
}

/// The environment's variables.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub(crate) fn of_process() -> Self {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let pairs = names.filter_map(|name| std::env::var(&name).ok().map(|value| (name, value)));
        Self(pairs.collect())
    }

    /// One of these variables.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(pairs.iter().map(owned).collect())
    }

    /// The same with more variables below: those that are there win.
    pub(crate) fn over(&self, below: &BTreeMap<String, String>) -> Self {
        let mut all = below.clone();
        all.extend(self.0.clone());
        Self(all)
    }

    /// A variable that isn't empty.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The configuration that the environment holds: leaves with the names they came from, or
    /// everything that is wrong.
    pub(super) fn leaves(&self, shape: &Shape) -> Result<Vec<(Leaf, String)>, Vec<Report>> {
        let known = leaves(shape);
        let tops: Vec<String> = shape.fields().iter().map(|f| variable(&f.name)).collect();
        let mut found = Vec::new();
        let mut reports = Vec::new();
        for (name, value) in &self.0 {
            // The newer of two names wins where both are set (row B8).
            let newer = RENAMED.iter().find(|(old, _)| old == name);
            let top = name.split_once("__").map(|(top, _)| top);
            let section = top.is_some_and(|top| tops.iter().any(|known| known == top));
            if !section && newer.is_none() {
                continue;
            }
            if newer.is_some_and(|(_, new)| self.get(new).is_some()) {
                continue;
            }
            let called = newer.map_or(name.as_str(), |(_, new)| *new);
            match known.iter().find(|leaf| leaf.variable == called) {
                Some(leaf) => match parse(&leaf.field.shape, leaf.field.nullable, value) {
                    Ok(value) => found.push(((leaf.path.clone(), value), name.clone())),
                    Err(message) => reports.push(
                        Report::new(
                            "CFG-0004",
                            format!("environment variable {name}: {message}"),
                        )
                        .why(format!("It sets {}.", leaf.path)),
                    ),
                },
                None => match named_text(name, &known) {
                    Some(path) => found.push(((path, value.as_str().into()), name.clone())),
                    None => reports.push(unknown(name, &known)),
                },
            }
        }
        if reports.is_empty() {
            Ok(found)
        } else {
            Err(reports)
        }
    }
}

/// The path of one text in a mapping of any names: what follows the mapping's own variable, in lower
/// case (`…__AUTH_URL_PARAMS__RESPONSE_TYPE` is `response_type`; row B2).
fn named_text(name: &str, known: &[KnownLeaf]) -> Option<String> {
    known.iter().find_map(|leaf| {
        let rest = name.strip_prefix(&leaf.variable)?.strip_prefix("__")?;
        let fits = leaf.field.shape == Shape::Texts && !rest.is_empty() && !rest.contains("__");
        fits.then(|| format!("{}.{}", leaf.path, rest.to_ascii_lowercase()))
    })
}

/// A key that holds a value.
#[derive(Clone, Debug)]
pub(crate) struct KnownLeaf {
    /// Its path: `control.publicUrl`.
    pub(crate) path: String,
    /// Its variable: `CONTROL__PUBLIC_URL`.
    pub(crate) variable: String,
    /// What it is.
    pub(crate) field: Field,
}

/// Every key that holds a value, in the order of the schema.
pub(crate) fn leaves(shape: &Shape) -> Vec<KnownLeaf> {
    let mut all = Vec::new();
    collect(shape, "", "", &mut all);
    all
}

fn collect(shape: &Shape, path: &str, name: &str, all: &mut Vec<KnownLeaf>) {
    for field in shape.fields() {
        let (path, name) = if path.is_empty() {
            (field.name.clone(), variable(&field.name))
        } else {
            (
                format!("{path}.{}", field.name),
                format!("{name}__{}", variable(&field.name)),
            )
        };
        match &field.shape {
            Shape::Object(_) => collect(&field.shape, &path, &name, all),
            shape => {
                let leaf = KnownLeaf {
                    path: path.clone(),
                    variable: name.clone(),
                    field: field.clone(),
                };
                all.push(leaf);
                if *shape == Shape::Secret {
                    all.extend(["file", "env"].map(|place| secret_place(&path, &name, place)));
                }
            }
        }
    }
}

/// The leaf that says where a secret is: `KEYS__MASTER_KEY__FILE`.
fn secret_place(path: &str, name: &str, place: &str) -> KnownLeaf {
    KnownLeaf {
        path: format!("{path}.{place}"),
        variable: format!("{name}__{}", variable(place)),
        field: Field {
            name: place.to_owned(),
            description: String::new(),
            shape: Shape::Text {
                format: None,
                means: None,
            },
            required: false,
            nullable: false,
        },
    }
}

/// `publicUrl` as `PUBLIC_URL`.
fn variable(key: &str) -> String {
    let mut name = String::new();
    for c in key.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

fn unknown(name: &str, known: &[KnownLeaf]) -> Report {
    let help = match nearest(name, known.iter().map(|leaf| leaf.variable.as_str())) {
        Some(near) => format!("did you mean {near}?"),
        None => "unset it; `aeolus config schema` lists the keys".to_owned(),
    };
    Report::new(
        "CFG-0006",
        format!("environment variable {name} sets nothing"),
    )
    .why("Variables that begin with a section's name and `__` are read as configuration.")
    .help(help)
}

/// A variable's text as the value of a key. Lists are separated by commas; `null` and nothing are
/// no value where there may be none.
pub(super) fn parse(shape: &Shape, nullable: bool, text: &str) -> Result<Value, String> {
    if nullable && matches!(text, "" | "null" | "off") {
        return Ok(Value::Null);
    }
    match shape {
        Shape::Integer => text
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| format!("{text:?} is not a whole number")),
        Shape::Share => text
            .parse::<f64>()
            .ok()
            .filter(|share| (0.0..=1.0).contains(share))
            .map(Value::from)
            .ok_or_else(|| format!("{text:?} is not a number from 0 to 1")),
        Shape::Bool => match text {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err(format!("{text:?} is neither true nor false")),
        },
        Shape::Map(..) | Shape::Texts => serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| format!("{text:?} is not a JSON object")),
        Shape::List(item) => text
            .split(',')
            .map(|part| parse(item, false, part.trim()))
            .collect(),
        _ => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b1_humps_become_underscores_and_nesting_two() {
        let path = ["auth", "openidConnect", "okta", "clientSecret"];
        let name = path.map(variable).join("__");
        assert_eq!(name, "AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET");
        assert_eq!(variable("publicUrl"), "PUBLIC_URL");
    }
}
