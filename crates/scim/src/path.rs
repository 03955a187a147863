//! Paths of PATCH operations (RFC 7644 §3.5.2): an attribute, a part, what a filter selects of a list, or all of an extension.

use std::fmt;

use crate::error::{Error, Reason, shown};
use crate::filter::{Filter, Lexer, Parser};
use crate::limits::Limits;
use crate::schema::{Attribute, NameError, ResourceType, Schema, Target};

/// Where an operation applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// All attributes of an extension, by its URN alone.
    Extension(&'static Schema),
    /// An attribute or a part of one.
    Attribute(Target),
    /// What a filter selects of a list, or a part of that: `emails[type eq "work"].value`.
    Selected {
        /// The list.
        list: Target,
        /// Which of its values.
        filter: Filter,
        /// The part of them.
        sub: Option<&'static Attribute>,
    },
}

/// Why a path can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathError {
    /// There is no such attribute: in a value without path, it is left out.
    Unknown(Error),
    /// It is no path.
    Malformed(Error),
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Unknown(error) | PathError::Malformed(error) => error,
        }
    }
}

impl Path {
    /// Reads a path.
    pub fn parse(kind: &'static ResourceType, text: &str, limits: &Limits) -> Result<Self, Error> {
        Self::read(kind, text, limits).map_err(Error::from)
    }

    pub(crate) fn read(
        kind: &'static ResourceType,
        text: &str,
        limits: &Limits,
    ) -> Result<Self, PathError> {
        if text.len() > limits.filter_bytes {
            return Err(PathError::Malformed(invalid(format!(
                "A path may have {} bytes.",
                limits.filter_bytes
            ))));
        }
        let text = text.trim();
        if let Some(schema) = kind.extension(text) {
            return Ok(Self::Extension(schema));
        }
        let Some((name, selection)) = text.split_once('[') else {
            return Ok(Self::Attribute(resolve(kind, text)?));
        };
        let list = resolve(kind, name)?;
        if list.attribute.sub_attributes.is_empty()
            || !list.attribute.multi_valued
            || list.sub.is_some()
        {
            return Err(PathError::Malformed(invalid(format!(
                "\"{list}\" is no list of values with parts: nothing can be selected in it by brackets."
            ))));
        }
        let (filter, rest) = Parser::new(kind, Lexer::new(selection), limits)
            .within(list)
            .map_err(PathError::Malformed)?;
        let sub = match rest.strip_prefix('.') {
            Some(name) => match list.attribute.sub(name) {
                Some(sub) => Some(sub),
                None => return Err(unknown(text, NameError::Unknown)),
            },
            None if rest.is_empty() => None,
            None => return Err(unknown(text, NameError::Malformed)),
        };
        Ok(Self::Selected { list, filter, sub })
    }
}

fn resolve(kind: &'static ResourceType, text: &str) -> Result<Target, PathError> {
    kind.resolve(text).map_err(|error| unknown(text, error))
}

fn unknown(text: &str, why: NameError) -> PathError {
    let error = invalid(format!("\"{}\": {why}.", shown(text)));
    // A URN that isn't known here may end in anything.
    let is_urn = text
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    match why {
        NameError::Malformed if !is_urn => PathError::Malformed(error),
        _ => PathError::Unknown(error),
    }
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(Reason::InvalidPath, detail)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension(schema) => f.write_str(schema.id),
            Self::Attribute(target) => write!(f, "{target}"),
            Self::Selected { list, filter, sub } => {
                write!(f, "{list}[{}]", filter.parts())?;
                sub.map_or(Ok(()), |sub| write!(f, ".{}", sub.name))
            }
        }
    }
}
