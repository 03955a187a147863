//! Claims as others write them: as loose as providers are and no looser.

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// `aud`: a text or a list of texts (RFC 7519 §4.1.3). Nothing in it is nobody.
#[derive(Debug, Default)]
pub struct Aud(Vec<String>);

impl Aud {
    /// Whether somebody is named.
    pub fn has(&self, audience: &str) -> bool {
        self.0.iter().any(|named| named == audience)
    }

    /// Whether one of several is.
    pub fn has_any(&self, of: &[Box<str>]) -> bool {
        of.iter().any(|audience| self.has(audience))
    }

    /// How many are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Aud {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Aud;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, one: &str) -> Result<Aud, E> {
                Ok(Aud(vec![one.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Aud, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Aud(texts))
            }
        }

        reader.deserialize_any(Texts)
    }
}

/// A text, if it is one: claims of one name mean other things at other providers.
pub fn maybe_text<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Any {
        Text(String),
        Other(IgnoredAny),
    }

    Ok(match Any::deserialize(reader)? {
        Any::Text(text) => Some(text),
        Any::Other(_) => None,
    })
}

/// A text or a list of texts, if it is that: said in another form it says nothing.
pub fn maybe_texts<'de, D: Deserializer<'de>>(reader: D) -> Result<Aud, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Any {
        Texts(Aud),
        Other(IgnoredAny),
    }

    Ok(match Any::deserialize(reader)? {
        Any::Texts(texts) => texts,
        Any::Other(_) => Aud::default(),
    })
}

/// A `NumericDate` (RFC 7519 §2): a number, which may have a fraction. Beyond what can be a date it
/// is malformed.
pub fn date<'de, D: Deserializer<'de>>(reader: D) -> Result<i64, D::Error> {
    struct Seconds;

    impl Visitor<'_> for Seconds {
        type Value = i64;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("seconds since the epoch")
        }

        fn visit_i64<E: Error>(self, seconds: i64) -> Result<i64, E> {
            Some(seconds)
                .filter(|seconds| seconds.unsigned_abs() < LAST)
                .ok_or_else(|| E::custom("no date"))
        }

        fn visit_u64<E: Error>(self, seconds: u64) -> Result<i64, E> {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            self.visit_i64(seconds)
        }

        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole, and a double too large for the type becomes its end, which is refused"
        )]
        fn visit_f64<E: Error>(self, seconds: f64) -> Result<i64, E> {
            self.visit_i64(seconds.floor() as i64)
        }
    }

    reader.deserialize_any(Seconds)
}

/// The same where it may be missing (`#[serde(default)]`).
pub fn maybe_date<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<i64>, D::Error> {
    date(reader).map(Some)
}

/// The year 33658.
const LAST: u64 = 1_000_000_000_000;
