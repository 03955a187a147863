//! Label selectors, as Kubernetes writes them: `a=b, c in (d, e), !f, g`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::names::Name;

/// What a set of labels has to be like. An empty one takes any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(BTreeSet<String>),
    /// Absent ones are in no set.
    NotIn(BTreeSet<String>),
    Greater(i64),
    Less(i64),
}

/// Text that is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Something is missing.
    #[error("it ends where {0} has to follow")]
    Ends(&'static str),
    /// Something else is there.
    #[error("{found:?} stands where {wanted} has to")]
    Unexpected {
        /// What.
        found: String,
        /// Instead of what.
        wanted: &'static str,
    },
    /// A key that no label can have.
    #[error("{0:?} can't be a label's key")]
    Key(String),
    /// A value that no label can have.
    #[error("{0:?} can't be a label's value")]
    Value(String),
    /// `<` and `>` compare whole numbers.
    #[error("{0:?} is no whole number")]
    Number(String),
}

impl Selector {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut tokens = Tokens(text);
        let mut all = Vec::new();
        if tokens.peek().is_none() {
            return Ok(Self(all));
        }
        loop {
            all.push(requirement(&mut tokens)?);
            match tokens.next() {
                None => return Ok(Self(all)),
                Some(",") => {}
                Some(found) => return Err(unexpected(found, "a comma")),
            }
        }
    }

    /// The one that asks for one label's one value.
    pub fn label(key: &str, value: &str) -> Result<Self, SelectorError> {
        let test = Test::In(BTreeSet::from([self::value(value)?]));
        let key = self::key(key)?;
        Ok(Self(vec![Requirement { key, test }]))
    }

    /// Whether labels are like that.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|one| one.holds(labels))
    }

    /// Key and value, where it asks for nothing but one label's one value.
    pub(super) fn single(&self) -> Option<(&str, &str)> {
        match self.0.as_slice() {
            [
                Requirement {
                    key,
                    test: Test::In(values),
                },
            ] if values.len() == 1 => Some((key, values.first()?)),
            _ => None,
        }
    }
}

impl Requirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let found = labels.get(&self.key);
        let number = || found.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::Exists => found.is_some(),
            Test::Absent => found.is_none(),
            Test::In(values) => found.is_some_and(|value| values.contains(value)),
            Test::NotIn(values) => found.is_none_or(|value| !values.contains(value)),
            Test::Greater(than) => number().is_some_and(|value| value > *than),
            Test::Less(than) => number().is_some_and(|value| value < *than),
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, SelectorError> {
    let first = tokens.next().ok_or(SelectorError::Ends("a label's key"))?;
    if first == "!" {
        let key = key(tokens.next().ok_or(SelectorError::Ends("a label's key"))?)?;
        return Ok(Requirement {
            key,
            test: Test::Absent,
        });
    }
    let key = key(first)?;
    let test = match tokens.peek() {
        None | Some(",") => {
            return Ok(Requirement {
                key,
                test: Test::Exists,
            });
        }
        Some("=" | "==") => Test::In(BTreeSet::from([single(tokens)?])),
        Some("!=") => Test::NotIn(BTreeSet::from([single(tokens)?])),
        Some(">") => Test::Greater(number(tokens)?),
        Some("<") => Test::Less(number(tokens)?),
        Some("in") => Test::In(set(tokens)?),
        Some("notin") => Test::NotIn(set(tokens)?),
        Some(found) => return Err(unexpected(found, "an operator")),
    };
    Ok(Requirement { key, test })
}

/// What follows an operator that is read already; nothing is the empty value.
fn single(tokens: &mut Tokens<'_>) -> Result<String, SelectorError> {
    tokens.next();
    match tokens.peek() {
        None | Some(",") => Ok(String::new()),
        Some(text) => {
            tokens.next();
            value(text)
        }
    }
}

fn number(tokens: &mut Tokens<'_>) -> Result<i64, SelectorError> {
    let text = single(tokens)?;
    text.parse().map_err(|_| SelectorError::Number(text))
}

/// `(a, b)`. As in Kubernetes, nothing between two commas is the empty value.
fn set(tokens: &mut Tokens<'_>) -> Result<BTreeSet<String>, SelectorError> {
    tokens.next();
    match tokens.next() {
        Some("(") => {}
        Some(found) => return Err(unexpected(found, "an opening bracket")),
        None => return Err(SelectorError::Ends("an opening bracket")),
    }
    let mut values = BTreeSet::new();
    let mut last = None;
    loop {
        match tokens
            .next()
            .ok_or(SelectorError::Ends("a closing bracket"))?
        {
            token @ ("," | ")") => {
                values.insert(last.take().unwrap_or_default());
                if token == ")" {
                    return Ok(values);
                }
            }
            text if last.is_none() => last = Some(value(text)?),
            found => return Err(unexpected(found, "a comma")),
        }
    }
}

fn key(text: &str) -> Result<String, SelectorError> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let fits = prefix.is_none_or(|prefix| Name::parse(prefix).is_ok())
        && !name.is_empty()
        && is_value(name);
    fits.then(|| text.to_owned())
        .ok_or_else(|| SelectorError::Key(shown(text)))
}

fn value(text: &str) -> Result<String, SelectorError> {
    is_value(text)
        .then(|| text.to_owned())
        .ok_or_else(|| SelectorError::Value(shown(text)))
}

/// Up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; or nothing.
pub(super) fn is_value(text: &str) -> bool {
    let end = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    bytes.len() <= 63 && bytes.iter().all(inner) && end(bytes.first()) && end(bytes.last())
}

fn unexpected(found: &str, wanted: &'static str) -> SelectorError {
    let found = shown(found);
    SelectorError::Unexpected { found, wanted }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Words and signs.
struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    fn peek(&self) -> Option<&'a str> {
        Self(self.0).next()
    }

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let first = text.chars().next()?;
        let length = match first {
            '(' | ')' | ',' => 1,
            '=' | '!' | '>' | '<' => {
                let is_pair = text.starts_with("==") || text.starts_with("!=");
                if is_pair { 2 } else { 1 }
            }
            _ => {
                let ends = |char: char| char.is_whitespace() || "(),=!><".contains(char);
                text.find(ends).unwrap_or(text.len())
            }
        };
        let (token, rest) = text.split_at(length);
        self.0 = rest;
        Some(token)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, test }) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let set = |values: &BTreeSet<String>| {
                values
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(",")
            };
            match test {
                Test::Exists => write!(f, "{comma}{key}")?,
                Test::Absent => write!(f, "{comma}!{key}")?,
                Test::In(values) if values.len() == 1 => write!(f, "{comma}{key}={}", set(values))?,
                Test::In(values) => write!(f, "{comma}{key} in ({})", set(values))?,
                Test::NotIn(values) => write!(f, "{comma}{key} notin ({})", set(values))?,
                Test::Greater(than) => write!(f, "{comma}{key}>{than}")?,
                Test::Less(than) => write!(f, "{comma}{key}<{than}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
