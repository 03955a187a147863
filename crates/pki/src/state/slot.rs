//! Where pairs lie in an authority's folder.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place for one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The root.
    Root,
    /// The intermediate that issues; nothing lies there where the root issues itself.
    Issuing,
    /// The root that comes, while the root changes.
    NextRoot,
    /// The intermediate below it.
    NextIssuing,
    /// An intermediate that issues no more.
    Former(Number),
}

impl Slot {
    /// What its files are called, without `.crt` and `.key`.
    pub fn file_name(self) -> String {
        match self {
            Self::Root => "ca".to_owned(),
            Self::Issuing => ISSUING.to_owned(),
            Self::NextRoot => "next".to_owned(),
            Self::NextIssuing => "next-intermediate".to_owned(),
            Self::Former(number) => number.to_string(),
        }
    }

    /// The root that it is below, or is.
    #[must_use]
    pub const fn root(self) -> Self {
        match self {
            Self::Root | Self::Issuing | Self::Former(_) => Self::Root,
            Self::NextRoot | Self::NextIssuing => Self::NextRoot,
        }
    }
}

const ISSUING: &str = "intermediate";

/// Which of the intermediates it was that issue no more: 1 and up, written as its files are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number(u32);

/// A name that no such intermediate has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a former intermediate, such as {ISSUING}-1")]
pub struct NumberError(String);

impl Number {
    /// The lowest that is not taken.
    pub(super) fn free(taken: &[Self]) -> Self {
        let mut all = (1..).map(Self);
        all.find(|number| !taken.contains(number))
            .unwrap_or(Self(u32::MAX))
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let number = || {
            let digits = text.strip_prefix(ISSUING)?.strip_prefix('-')?;
            let number = Self(digits.parse().ok()?);
            // No other spelling: it is the name of files.
            (number.0 > 0 && number.to_string() == text).then_some(number)
        };
        number().ok_or_else(|| NumberError(text.to_owned()))
    }
}

impl TryFrom<String> for Number {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.to_string()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ISSUING}-{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_names_that_folders_have_today() {
        let former: Number = "intermediate-2".parse().unwrap();
        for (slot, name, root) in [
            (Slot::Root, "ca", Slot::Root),
            (Slot::Issuing, "intermediate", Slot::Root),
            (Slot::NextRoot, "next", Slot::NextRoot),
            (Slot::NextIssuing, "next-intermediate", Slot::NextRoot),
            (Slot::Former(former), "intermediate-2", Slot::Root),
        ] {
            assert_eq!((&*slot.file_name(), slot.root()), (name, root));
        }
        for none in [
            "",
            "intermediate",
            "intermediate-0",
            "intermediate-01",
            "../ca-1",
        ] {
            assert!(none.parse::<Number>().is_err(), "{none}");
        }
        assert_eq!(Number::free(&[Number(1), Number(3)]), former);
    }
}
