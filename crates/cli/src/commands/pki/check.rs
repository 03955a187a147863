//! `aeolus pki check`: what is wrong with certificates, wherever they are.

mod held;
mod live;
mod places;
mod shown;

use std::path::Path;
use std::time::Duration;

use aeolus_model::{Clock as _, Time};
use aeolus_pki::check::Subject;

use self::held::Held;
use self::shown::Shown;
use super::Context;
use crate::args::PkiCheck;
use crate::report::{Exit, Failure};
use crate::ui;

/// Checks every place. What can't be read doesn't keep the others from being checked.
pub(super) async fn check(args: &PkiCheck, context: &Context) -> Result<(), Failure> {
    let mut checker = Checker {
        held: Held::of(args, context)?,
        args,
        now: context.clock.now(),
        shown: Shown::default(),
        unread: Vec::new(),
    };
    for place in &args.places {
        if let Err(failure) = checker.place(place).await {
            checker.unread.push(failure);
        }
    }
    checker.end(context)
}

/// What goes through the places, one after the other.
struct Checker<'a> {
    args: &'a PkiCheck,
    /// What everything is held against.
    held: Held,
    now: Time,
    shown: Shown,
    /// What could not be read.
    unread: Vec<Failure>,
}

impl Checker<'_> {
    /// A file, a folder or a server. Fails where nothing of it can be read.
    async fn place(&mut self, place: &str) -> Result<(), Failure> {
        let path = Path::new(place);
        if path.is_dir() {
            self.folder(path)
        } else if path.exists() || !place.contains(':') {
            self.file(path, false)
        } else {
            self.server(place).await
        }
    }

    /// What all places are held against; certificates and keys are each one's own.
    fn subject(&self) -> Subject<'_> {
        let days = self.args.warn_days.map(u64::from);
        Subject {
            key: self.held.key.as_ref(),
            own: self.held.key.is_some(),
            hosts: &self.held.hosts,
            trusted: &self.held.trusted,
            lists: &self.held.lists,
            warn_before: days.map(|days| Duration::from_secs(days * 86_400)),
            rsa_only: self.args.rsa_only,
            ..Subject::default()
        }
    }

    /// Says what was found.
    fn end(self, context: &Context) -> Result<(), Failure> {
        if self.args.metrics {
            self.shown.print_metrics();
        } else {
            self.shown.print(context.output, self.unread.is_empty())?;
        }
        if self.held.trusted.is_empty() && self.shown.has_files() {
            ui::note("The chains of files weren't proved: say with --ca whom clients trust.");
        }
        if self.unread.is_empty() {
            return self.shown.verdict();
        }
        let reports = self.unread.into_iter().flat_map(|failure| failure.reports);
        Err(Failure {
            reports: reports.collect(),
            exit: Exit::Usage,
        })
    }
}
