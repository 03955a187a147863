//! A guard, and the want of one.

/// What the want of a guard lets happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A request can get past the decision, or another one than was decided about.
    Error,
    /// It still fails closed, but later, louder or with less left behind it.
    Warning,
}

impl Severity {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something that a proxy in front of a gate has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Its stable name.
    pub code: &'static str,
    /// What its want lets happen.
    pub severity: Severity,
    /// What is wrong without it, in a few words.
    pub lacks: &'static str,
    /// What that means, in one sentence.
    pub means: &'static str,
    /// The line to add.
    pub add: &'static str,
}

impl Guard {
    /// A guard against requests that get past the decision.
    pub(crate) const fn error(
        code: &'static str,
        lacks: &'static str,
        means: &'static str,
        add: &'static str,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            lacks,
            means,
            add,
        }
    }

    /// A guard against weaker failures.
    pub(crate) const fn warning(
        code: &'static str,
        lacks: &'static str,
        means: &'static str,
        add: &'static str,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, lacks, means, add)
        }
    }
}

/// A guard that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The guard.
    pub guard: Guard,
    /// Where it should be.
    pub at: String,
}

/// What came of an examination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// The guards that are not there, worst first.
    pub findings: Vec<Finding>,
    /// What was not looked at.
    pub notes: Vec<String>,
}

impl Examined {
    pub(crate) fn find(&mut self, guard: Guard, at: impl Into<String>) {
        let finding = Finding {
            guard,
            at: at.into(),
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Adds what these rules find at one place.
    pub(crate) fn judge<S>(&mut self, rules: &[Rule<S>], site: &S, at: &str) {
        for rule in rules.iter().filter(|rule| !(rule.holds)(site)) {
            self.find(rule.guard, at);
        }
    }

    /// Worst first, in the order of the guards.
    pub(crate) fn sorted(mut self) -> Self {
        self.findings
            .sort_by_key(|finding| (finding.guard.severity, finding.guard.code));
        self.notes.dedup();
        self
    }
}

/// A guard and how to see that it is there.
pub(crate) struct Rule<S> {
    pub(crate) guard: Guard,
    pub(crate) holds: fn(&S) -> bool,
}

impl<S> Rule<S> {
    pub(crate) const fn new(guard: Guard, holds: fn(&S) -> bool) -> Self {
        Self { guard, holds }
    }
}
