//! What is said of each thing that was tried.

use serde::Serialize;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Pass,
    /// Providers get along with it.
    Warn,
    Fail,
    /// It could not be tried.
    Skip,
}

impl Outcome {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    /// Stable.
    pub(super) code: &'static str,
    pub(super) result: Outcome,
    /// What was tried.
    pub(super) what: String,
    /// What was found, where that isn't what was wanted.
    pub(super) found: String,
    /// What it means, or what to do.
    pub(super) help: String,
}

impl Line {
    pub(super) fn pass(code: &'static str, what: &str) -> Self {
        Self {
            code,
            result: Outcome::Pass,
            what: what.to_owned(),
            found: String::new(),
            help: String::new(),
        }
    }

    pub(super) fn fail(code: &'static str, what: &str, (found, help): (String, &str)) -> Self {
        Self {
            result: Outcome::Fail,
            found,
            help: help.to_owned(),
            ..Self::pass(code, what)
        }
    }

    pub(super) fn warn(code: &'static str, what: &str, (found, help): (String, &str)) -> Self {
        Self {
            result: Outcome::Warn,
            ..Self::fail(code, what, (found, help))
        }
    }

    pub(super) fn skip(code: &'static str, what: &str, found: String) -> Self {
        Self {
            result: Outcome::Skip,
            found,
            ..Self::pass(code, what)
        }
    }
}
