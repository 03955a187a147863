//! A body's bytes as JSON, within limits.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

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
    let Strict(value) = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let detail = if error.is_data() {
            format!("A name is there twice in an object of the body: see {place}.")
        } else {
            format!("The body is no JSON: see {place}.")
        };
        Error::new(Reason::InvalidSyntax, detail)
    })?;
    if is_deeper(&value, limits.json_depth) {
        return Err(Error::new(
            Reason::InvalidSyntax,
            format!("The body may be nested {} deep.", limits.json_depth),
        ));
    }
    Ok(value)
}

/// JSON in whose objects no name is twice. A parser that keeps the last of them would read something else than
/// whoever checked the message on its way.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a name twice in an object")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = values.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is there twice"));
            }
        }
        Ok(Value::Object(map))
    }
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
    fn a_name_spelled_alike_twice_is_refused_wherever_it_is() {
        for body in [
            r#"{"active": true, "active": false}"#,
            r#"{"name": {"givenName": "a", "givenName": "b"}}"#,
            r#"{"emails": [{"value": "a", "value": "b"}]}"#,
        ] {
            let error = parse(body.as_bytes(), &Limits::DEFAULT).unwrap_err();
            assert_eq!(error.reason, Reason::InvalidSyntax);
            assert!(error.detail.contains("twice"), "{}", error.detail);
        }
    }

    #[test]
    fn what_is_read_is_what_was_sent() {
        let text = r#"{"a": [1, -2, 3.5, 1e3, true, null, "\u0041é"], "b": {}, "A": 18446744073709551615}"#;
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text.as_bytes(), &Limits::DEFAULT).unwrap(), plain);
    }

    #[test]
    fn a_field_in_two_spellings_is_refused() {
        let value = parse(br#"{"filter": "a", "Filter": "b"}"#, &Limits::DEFAULT).unwrap();
        let error = Fields::of(value, "A search").map(|_| ()).unwrap_err();
        assert_eq!(error.reason, Reason::InvalidSyntax);
    }
}
