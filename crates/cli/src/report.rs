//! What the program says when something is wrong: one form, one renderer.
//!
//! Every report has a stable code and says what happened, what that means, and what to do.

use std::fmt::Write as _;

use crate::ui::plain;

/// How the program ends. 0 is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It could not be done.
    Failed,
    /// It was asked in a way that makes no sense: arguments or files have to change first.
    Usage,
    /// It was asked what would change, and something would.
    Drift,
    /// It was done, and found something that will go wrong.
    Warned,
    /// It was done, and a program that was to be run afterwards failed.
    Hook,
}

impl Exit {
    /// The process's exit status.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage | Self::Drift => 2,
            Self::Warned => 3,
            Self::Hook => 4,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    code: String,
    what: String,
    why: String,
    help: String,
}

impl Report {
    /// A report that says only what happened.
    pub(crate) fn new(code: &str, what: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            what: what.into(),
            why: String::new(),
            help: String::new(),
        }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// What happened, without advice.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Adds what that means.
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Adds what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// A failure with this one report.
    pub(crate) fn failed(self) -> Failure {
        self.exits(Exit::Failed)
    }

    /// The same, as the fault of what was asked.
    pub(crate) fn usage(self) -> Failure {
        self.exits(Exit::Usage)
    }

    /// The same, with which the program ends in this way.
    pub(crate) fn exits(self, exit: Exit) -> Failure {
        Failure {
            reports: vec![self],
            exit,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Everything that is wrong, as far as it could be found at once. Without any, the output has
    /// said it already.
    pub(crate) reports: Vec<Report>,
    /// How the program ends.
    pub(crate) exit: Exit,
}

impl Failure {
    /// A failure that the command's own output explains.
    pub(crate) const fn silent() -> Self {
        Self {
            reports: Vec::new(),
            exit: Exit::Failed,
        }
    }

    /// The text for standard error.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for report in &self.reports {
            let mut what = report.what.lines().map(plain);
            let first = what.next().unwrap_or_default();
            let _ = writeln!(text, "error[{}]: {first}", report.code);
            for line in what.chain(report.why.lines().map(plain)) {
                let _ = writeln!(text, "  {line}");
            }
            for (index, line) in report.help.lines().map(plain).enumerate() {
                let label = if index == 0 { "help: " } else { "      " };
                let _ = writeln!(text, "  {label}{line}");
            }
        }
        text
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        report.failed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_three_parts() {
        let report = Report::new("CFG-0001", "what")
            .why("why")
            .help("do\nthis")
            .usage();
        assert_eq!(
            report.render(),
            "error[CFG-0001]: what\n  why\n  help: do\n        this\n"
        );
        assert_eq!(report.exit.code(), 2);
    }
}
