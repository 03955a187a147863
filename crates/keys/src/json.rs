//! One strict pass over JSON from outside, before any of it is given a meaning.
//!
//! RFC 8259 leaves open what a repeated member means, and parsers differ; an attacker who finds two
//! readers that differ has found a hole. So: no member twice at any depth, bounded nesting, bounded
//! number of values.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Deepest nesting, the outermost object included.
const MAX_DEPTH: u8 = 16;

/// Most values in a token.
pub(crate) const TOKEN_VALUES: u32 = 512;

/// Most values in a document that is not a token.
pub(crate) const DOCUMENT_VALUES: u32 = 16_384;

/// The text is JSON that could be misread, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotStrict;

/// Checks that the bytes are one UTF-8 JSON object within the caps, and gives them back as text.
pub(crate) fn strict_object(bytes: &[u8], max_values: u32) -> Result<&str, NotStrict> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotStrict)?;
    let left = Cell::new(max_values);
    let mut reader = serde_json::Deserializer::from_str(text);
    let outermost = Strict {
        depth: MAX_DEPTH,
        left: &left,
    };
    reader.deserialize_map(outermost).map_err(|_| NotStrict)?;
    reader.end().map_err(|_| NotStrict)?;
    Ok(text)
}

#[derive(Clone, Copy)]
struct Strict<'c> {
    depth: u8,
    left: &'c Cell<u32>,
}

impl<'c> Strict<'c> {
    fn inside<E: serde::de::Error>(self) -> Result<Strict<'c>, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Strict { depth, ..self })
    }

    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        self.left
            .set(left.ok_or_else(|| E::custom("too many values"))?);
        Ok(())
    }
}

/// A member's name, borrowed unless it is escaped.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strict JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<Name<'de>>()? {
            self.count()?;
            if !seen.insert(name) {
                return Err(A::Error::custom("a member occurs twice"));
            }
            map.next_value_seed(inside)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while seq.next_element_seed(inside)?.is_some() {
            self.count()?;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_strict(text: &str) -> bool {
        strict_object(text.as_bytes(), 10).is_ok()
    }

    #[test]
    fn plain_objects_pass() {
        assert!(is_strict("{}"));
        assert!(is_strict(
            r#"{"a":1,"b":[null,true,"x",-1.5],"c":{"a":{}}}"#
        ));
    }

    #[test]
    fn a_member_twice_is_refused_at_any_depth_and_however_it_is_spelled() {
        assert!(!is_strict(r#"{"a":1,"a":1}"#));
        assert!(!is_strict(r#"{"x":{"a":1,"a":2}}"#));
        assert!(!is_strict(r#"{"x":[{"a":1,"a":2}]}"#));
        assert!(!is_strict(r#"{"a":1,"\u0061":2}"#));
    }

    #[test]
    fn other_than_one_object_is_refused() {
        for text in [
            "",
            "[]",
            "1",
            "null",
            "\"{}\"",
            "{}{}",
            "{} x",
            "\u{feff}{}",
        ] {
            assert!(!is_strict(text), "{text}");
        }
        assert!(strict_object(b"{\"a\":\"\xff\"}", 10).is_err());
        assert!(!is_strict(r#"{"a":"\ud800"}"#));
    }

    #[test]
    fn nesting_and_number_of_values_are_capped() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        let passes = |n| strict_object(nested(n).as_bytes(), 100).is_ok();
        assert!(passes(15));
        assert!(!passes(16));
        assert!(strict_object(nested(100_000).as_bytes(), u32::MAX).is_err());
        assert!(is_strict(r#"{"a":[1,2,3,4,5,6,7,8,9]}"#));
        assert!(!is_strict(r#"{"a":[1,2,3,4,5,6,7,8,9,10]}"#));
    }
}
