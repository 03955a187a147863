//! What is said of one key.

use std::fmt;

use crate::report::Report;
use crate::yaml::Place;

/// Something to know about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// Where it stands, if in a file.
    pub(crate) at: Place,
    /// How much it matters.
    pub(crate) kind: NoteKind,
    /// The key.
    pub(crate) path: String,
    /// What there is to know.
    pub(crate) text: String,
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoteKind {
    /// The key has an effect.
    Understood,
    /// It has none.
    Ignored,
    /// It has one that is better changed.
    Warning,
    /// Nothing is used before it is changed.
    Error,
}

impl NoteKind {
    /// One word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Understood => "understood",
            Self::Ignored => "ignored",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Note {
    /// A note on a key.
    pub(crate) fn new(kind: NoteKind, path: &str, text: impl Into<String>) -> Self {
        Self {
            at: Place::default(),
            kind,
            path: path.to_owned(),
            text: text.into(),
        }
    }

    /// At a place.
    pub(super) const fn at(mut self, at: Place) -> Self {
        self.at = at;
        self
    }

    /// As what stops a file.
    pub(super) fn report(&self, name: &str) -> Report {
        let line = self.at.line;
        Report::new(
            "CFG-0014",
            format!("{name}:{line}: {}: {}", self.path, self.text),
        )
        .why("Nothing of the file was used.")
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.line > 0 {
            write!(f, "line {}: ", self.at.line)?;
        }
        write!(f, "{} {}: {}", self.kind.word(), self.path, self.text)
    }
}
