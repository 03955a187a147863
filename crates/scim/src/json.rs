//! A body's bytes as JSON, within limits.

use serde_json::{Map, Value};

use crate::error::{Error, Reason, shown};
use crate::limits::Limits;

/// Reads a body.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    if bytes.len() > limits.body {
        return Err(Error::new(
            Reason::TooLarge,
            format!("The body may have {} bytes.", limits.body),
        ));
    }
    let value = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::new(
            Reason::InvalidSyntax,
            format!("The body is no JSON: see {place}."),
        )
    })?;
    if is_deeper(&value, limits.json_depth) {
        return Err(Error::new(
            Reason::InvalidSyntax,
            format!("The body may be nested {} deep.", limits.json_depth),
        ));
    }
    Ok(value)
}

fn is_deeper(value: &Value, limit: usize) -> bool {
    let mut open = vec![(value, 1)];
    while let Some((value, depth)) = open.pop() {
        let parts: &mut dyn Iterator<Item = &Value> = match value {
            Value::Array(values) => &mut values.iter(),
            Value::Object(map) => &mut map.values(),
            _ => continue,
        };
        if depth > limit {
            return true;
        }
        open.extend(parts.map(|part| (part, depth + 1)));
    }
    false
}

/// The fields of a message. Their names count in any case; the same twice is refused, because whoever checked
/// the message on its way may have read the other.
pub(crate) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub(crate) fn of(value: Value, what: &str) -> Result<Self, Error> {
        let Value::Object(map) = value else {
            return Err(Error::new(
                Reason::InvalidSyntax,
                format!("{what} is an object."),
            ));
        };
        distinct(&map)?;
        Ok(Self(map.into_iter().collect()))
    }

    /// The field's value; none where it is absent or null.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.take_even_null(name).filter(|value| !value.is_null())
    }

    /// The field's value; none where it is absent.
    pub(crate) fn take_even_null(&mut self, name: &str) -> Option<Value> {
        let at = self
            .0
            .iter()
            .position(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(self.0.swap_remove(at).1)
    }

    /// A field that is a text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::new(
                Reason::InvalidSyntax,
                format!("\"{name}\" is a text."),
            )),
        }
    }

    /// Refuses a message that says it is another one.
    pub(crate) fn message(&mut self, urn: &str) -> Result<(), Error> {
        let named = match self.take("schemas") {
            None => return Ok(()),
            Some(Value::Array(named)) => named,
            Some(other) => vec![other],
        };
        let is_it = |name: &Value| {
            name.as_str()
                .is_some_and(|name| name.eq_ignore_ascii_case(urn))
        };
        if named.iter().any(is_it) {
            return Ok(());
        }
        Err(Error::new(
            Reason::InvalidSyntax,
            format!("\"schemas\" has to name {urn} here."),
        ))
    }
}

/// Refuses two spellings of one name.
pub(crate) fn distinct(map: &Map<String, Value>) -> Result<(), Error> {
    let mut names: Vec<String> = map.keys().map(|name| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        if let [name, next] = pair
            && name == next
        {
            return Err(Error::new(
                Reason::InvalidSyntax,
                format!("\"{}\" is there twice.", shown(name)),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_size_are_limited() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        let limits = Limits::DEFAULT;
        assert!(parse(nested(32).as_bytes(), &limits).is_ok());
        for depth in [33, 100_000] {
            let error = parse(nested(depth).as_bytes(), &limits).unwrap_err();
            assert_eq!(error.reason, Reason::InvalidSyntax);
        }
        let error = parse(&vec![b' '; limits.body + 1], &limits).unwrap_err();
        assert_eq!((error.reason, error.status()), (Reason::TooLarge, 413));
    }

    #[test]
    fn a_field_in_two_spellings_is_refused() {
        let value = parse(br#"{"filter": "a", "Filter": "b"}"#, &Limits::DEFAULT).unwrap();
        let error = Fields::of(value, "A search").map(|_| ()).unwrap_err();
        assert_eq!(error.reason, Reason::InvalidSyntax);
    }
}
