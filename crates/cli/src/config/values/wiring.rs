//! `houston.secret[]` and `houston.env[]`: what Kubernetes puts into the original's environment
//! (rows B3, B4, A21).

use super::{NoteKind, Original, entry};
use crate::config::{Config, Environment, is_renamed, leaves};
use crate::yaml::{Node, Shape, Value};

/// Names by which an HTTPS proxy is configured.
const PROXY: [&str; 5] = [
    "GLOBAL_AGENT_HTTPS_PROXY",
    "GLOBAL_AGENT_HTTP_PROXY",
    "GLOBAL_AGENT_NO_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

impl Original {
    /// Each named variable has to be there: outside Kubernetes nobody else fills it in.
    pub(super) fn secrets(&mut self, list: &Node, path: &str, environment: &Environment) {
        let Value::List(items) = &list.value else {
            return self.note(
                NoteKind::Error,
                list.at,
                path,
                "must be a list of {envName, secretName, secretKey}",
            );
        };
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let text = |key: &str| entry(item, key).and_then(|found| text(&found.value));
            for found in item.entries() {
                if !matches!(found.key.as_str(), "envName" | "secretName" | "secretKey") {
                    let what = format!(
                        "unknown key `{}`: use envName, secretName and secretKey",
                        found.key
                    );
                    self.note(NoteKind::Error, found.at, &path, what);
                }
            }
            let Some(name) = text("envName") else {
                self.note(NoteKind::Error, item.at, &path, "needs envName");
                continue;
            };
            let secret = text("secretName").unwrap_or_default();
            // The chart's default (row B4).
            let key = text("secretKey").unwrap_or_else(|| "value".to_owned());
            if environment.get(&name).is_none() {
                let what = format!(
                    "the environment has no variable {name}, which Kubernetes fills from the secret {secret}, key {key}: set it, or take this entry out"
                );
                self.note(NoteKind::Error, item.at, &path, what);
            } else if is_ours(&name) || PROXY.contains(&name.as_str()) {
                let what = format!("{name} is in the environment and counts");
                self.note(NoteKind::Understood, item.at, &path, what);
            } else {
                let what = format!("{name} is in the environment, and nothing reads it here");
                self.note(NoteKind::Ignored, item.at, &path, what);
            }
        }
    }

    /// Plain variables count like the process's own, below them.
    pub(super) fn env(&mut self, list: &Node, path: &str) {
        let Value::List(items) = &list.value else {
            return self.note(
                NoteKind::Error,
                list.at,
                path,
                "must be a list of {name, value}",
            );
        };
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let text = |key: &str| entry(item, key).and_then(|found| text(&found.value));
            let Some(name) = text("name") else {
                self.note(NoteKind::Error, item.at, &path, "needs name");
                continue;
            };
            let Some(value) = text("value") else {
                let what = format!(
                    "{name} has no value here: set it in the environment, or take this entry out"
                );
                self.note(NoteKind::Error, item.at, &path, what);
                continue;
            };
            if is_ours(&name) || PROXY.contains(&name.as_str()) {
                self.note(
                    NoteKind::Understood,
                    item.at,
                    &path,
                    format!("{name} counts, unless the environment has another"),
                );
                self.variables.insert(name, value);
            } else {
                self.note(
                    NoteKind::Ignored,
                    item.at,
                    &path,
                    format!("nothing reads {name} here"),
                );
            }
        }
    }
}

/// A text, or what YAML made of one.
fn text(node: &Node) -> Option<String> {
    let text = match &node.value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Whether it sets something of how people sign in.
fn is_ours(name: &str) -> bool {
    let below = |known: &str| {
        name.strip_prefix(known)
            .is_some_and(|rest| rest.starts_with("__"))
    };
    let all = leaves(&Shape::of::<Config>());
    let auth = all.iter().filter(|leaf| leaf.path.starts_with("auth."));
    is_renamed(name)
        || auth.clone().any(|leaf| leaf.variable == name)
        || auth
            .filter(|leaf| leaf.field.shape == Shape::Texts)
            .any(|leaf| below(&leaf.variable))
}
