//! What the API server demands of a Secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Refusal;

/// Bytes of all values together.
const MOST: usize = 1_048_576;

/// Brings a Secret into the form that is stored: what is said as text is data.
pub(super) fn normal(secret: &mut Value) -> Result<(), Refusal> {
    if let Some(text) = secret
        .as_object_mut()
        .and_then(|secret| secret.remove("stringData"))
    {
        for (key, value) in text.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            secret["data"][key] = json!(encoded(value.as_bytes()));
        }
    }
    if secret["type"].as_str().is_none_or(str::is_empty) {
        secret["type"] = json!("Opaque");
    }
    for (key, value) in secret["data"].as_object().into_iter().flatten() {
        if value.as_str().and_then(decoded).is_none() {
            let message = format!("illegal base64 data at data.{key}");
            return Err(Refusal::new(400, "BadRequest", message));
        }
    }
    Ok(())
}

/// Judges a Secret, and what may not change of one.
pub(super) fn judge(secret: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    let mut problems: Vec<(&str, String, String)> = Vec::new();
    if secret["type"] == "kubernetes.io/tls" {
        for key in ["tls.crt", "tls.key"] {
            if secret["data"].get(key).is_none() {
                problems.push((
                    "FieldValueRequired",
                    format!("data[{key}]"),
                    "Required value".to_owned(),
                ));
            }
        }
    }
    let values = secret["data"].as_object().into_iter().flatten();
    let size: usize = values
        .filter_map(|(_, value)| decoded(value.as_str()?).map(|bytes| bytes.len()))
        .sum();
    if size > MOST {
        let message = format!("Too long: may not be more than {MOST} bytes");
        problems.push(("FieldValueTooLong", "data".to_owned(), message));
    }
    if let Some(before) = before {
        let immutable = "field is immutable";
        if before["type"] != secret["type"] {
            problems.push(("FieldValueInvalid", "type".to_owned(), immutable.to_owned()));
        }
        if before["immutable"] == true {
            let frozen = "field is immutable when `immutable` is set";
            if before["data"] != secret["data"] {
                problems.push(("FieldValueForbidden", "data".to_owned(), frozen.to_owned()));
            }
            if secret["immutable"] != true {
                problems.push((
                    "FieldValueForbidden",
                    "immutable".to_owned(),
                    frozen.to_owned(),
                ));
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    let name = secret["metadata"]["name"].as_str().unwrap_or_default();
    let said: Vec<String> = problems
        .iter()
        .map(|(_, field, why)| format!("{field}: {why}"))
        .collect();
    let message = format!("Secret \"{name}\" is invalid: {}", said.join(", "));
    let refusal = Refusal::new(422, "Invalid", message);
    Err(problems
        .iter()
        .fold(refusal, |refusal, (reason, field, why)| {
            refusal.cause(reason, field, why)
        }))
}

/// Whether labels fit a selector, of its equality and set forms.
pub(super) fn fits(labels: &Value, selector: &str) -> bool {
    let empty = serde_json::Map::new();
    let labels = labels.as_object().unwrap_or(&empty);
    let labels: BTreeMap<&str, &str> = labels
        .iter()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    requirements(selector).iter().all(|one| {
        let one = one.trim();
        if let Some((key, value)) = one.split_once("!=") {
            return labels.get(key.trim()) != Some(&value.trim());
        }
        if let Some((key, value)) = one.split_once('=') {
            return labels.get(key.trim()) == Some(&value.trim_start_matches('=').trim());
        }
        if let Some((head, set)) = one.split_once('(') {
            let mut words = head.split_whitespace();
            let (key, operator) = (words.next().unwrap_or_default(), words.next());
            let found = labels.get(key);
            let is_in = found.is_some_and(|found| {
                set.trim_end_matches(')')
                    .split(',')
                    .any(|value| value.trim() == *found)
            });
            return (operator == Some("in")) == is_in;
        }
        match one.strip_prefix('!') {
            Some(key) => !labels.contains_key(key.trim()),
            None => one.is_empty() || labels.contains_key(one),
        }
    })
}

/// Parts between commas that aren't within brackets.
fn requirements(selector: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for char in selector.chars() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(char);
        }
    }
    parts
}

fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
