//! Configurations that are YAML, or JSON, which YAML contains.

use serde_json::Value;

use crate::tree::Malformed;

static NOTHING: Value = Value::Null;

/// Reads one document.
pub(crate) fn yaml(text: &str) -> Result<Value, Malformed> {
    // YAML 1.2: `no` and `on` are names like others.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |at| at.line());
        let message = error.without_snippet().to_string();
        let what = message.lines().next().unwrap_or_default().to_owned();
        Malformed::new(usize::try_from(line).unwrap_or(usize::MAX), what)
    })
}

/// What is at a path of keys, in any case; null where nothing is.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, key| {
        let mut entries = value.as_object().into_iter().flatten();
        let found = entries.find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map_or(&NOTHING, |(_, value)| value)
    })
}

/// The text at a path; empty where none is.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// Whether a path says exactly this about yes or no.
pub(crate) fn says(value: &Value, path: &str, wanted: bool) -> bool {
    at(value, path).as_bool() == Some(wanted)
}

/// The items of the list at a path.
pub(crate) fn items<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).as_array().map_or(&[], Vec::as_slice)
}

/// The texts of the list at a path.
pub(crate) fn texts<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a str> {
    items(value, path).iter().filter_map(Value::as_str)
}

/// The entries of the mapping at a path.
pub(crate) fn entries<'a>(
    value: &'a Value,
    path: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let map = at(value, path).as_object().into_iter().flatten();
    map.map(|(name, value)| (name.as_str(), value))
}
