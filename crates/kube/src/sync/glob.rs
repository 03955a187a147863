//! Names with `*` (any number of characters) and `?` (one), in a list with commas.

use std::fmt;

/// A list of names or globs; one that fits is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globs(Vec<String>);

/// Text that is no such list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// Nothing between two commas, or at an end.
    #[error("there is nothing between two of its commas")]
    Empty,
    /// A character that no name of a namespace has.
    #[error("{0:?} can't be a namespace's name, nor a glob of such names")]
    Name(String),
}

impl Globs {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        text.split(',')
            .map(|one| glob(one.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|glob| fits(glob.as_bytes(), name.as_bytes()))
    }
}

fn glob(text: &str) -> Result<String, GlobError> {
    let inner =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-*?".contains(&byte);
    if text.is_empty() {
        return Err(GlobError::Empty);
    }
    let whole = text.len() <= 63
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-');
    whole
        .then(|| text.to_owned())
        .ok_or_else(|| GlobError::Name(text.chars().take(80).collect()))
}

/// Goes back to the last star only, so that it takes the product of both lengths at most.
fn fits(glob: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(one) if *one == b'?' || Some(one) == name.get(read) => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    read = taken + 1;
                }
                None => return false,
            },
        }
    }
    glob.iter().skip(at).all(|one| *one == b'*')
}

impl fmt::Display for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits() {
        for (globs, name, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abd", false),
            ("*", "abc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*", "abc", true),
            ("a, b-*", "b-1", true),
            ("ab*ab", "ab", false),
            ("*ab*ab*", "xabyabz", true),
        ] {
            assert_eq!(
                Globs::parse(globs).expect(globs).matches(name),
                fits,
                "{globs} on {name}"
            );
        }
    }

    #[test]
    fn what_is_refused() {
        for text in ["", ",", "a,", "a b", "A", "[a]", "a,,b", "a/b", "-a", "a.b"] {
            assert!(Globs::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_a_panic_and_a_name_fits_itself(text in "\\PC{0,40}", name in "[a-z0-9]{1,20}") {
            let _ = Globs::parse(&text);
            prop_assert!(Globs::parse(&name).expect("a name").matches(&name));
            let glob = Globs::parse(&format!("{name}*")).expect("a glob");
            prop_assert!(glob.matches(&name));
        }
    }
}
