//! `aeolus pki check`: what is wrong with certificates, wherever they are.

mod held;
mod lists;
pub(in crate::commands) mod live;
mod manifests;
mod places;
mod shown;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aeolus_model::{Clock as _, Time};
use aeolus_pki::RevocationList;
use aeolus_pki::check::{Role, Subject};

use self::held::Held;
use self::shown::Shown;
use super::{Context, STANDARD_INPUT, STANDARD_OUTPUT};
use crate::args::{PkiAgainst, PkiCheck};
use crate::files::write_public;
use crate::report::{Exit, Failure};
use crate::ui;

/// Checks every place. What can't be read doesn't keep the others from being checked.
pub(super) async fn check(args: &PkiCheck, context: &Context) -> Result<(), Failure> {
    let mut checker = Checker::new(&args.against, args.key.as_deref(), context)?;
    for place in &args.places {
        if let Err(failure) = checker.place(place).await {
            checker.unread.push(failure);
        }
    }
    checker.end(context)
}

/// What goes through the places, one after the other.
pub(in crate::commands) struct Checker<'a> {
    against: &'a PkiAgainst,
    /// What everything is held against.
    held: Held,
    now: Time,
    shown: Shown,
    /// What could not be read.
    unread: Vec<Failure>,
    /// Lists of revoked certificates, by where they came from.
    fetched: BTreeMap<String, Vec<RevocationList>>,
}

impl<'a> Checker<'a> {
    /// One that has seen nothing yet. A `key` has to belong to each certificate.
    pub(in crate::commands) fn new(
        against: &'a PkiAgainst,
        key: Option<&Path>,
        context: &Context,
    ) -> Result<Self, Failure> {
        Ok(Self {
            held: Held::of(against, key, context)?,
            against,
            now: context.clock.now(),
            shown: Shown::default(),
            unread: Vec::new(),
            fetched: BTreeMap::new(),
        })
    }
}

impl Checker<'_> {
    /// A file, a folder, a server or standard input. Fails where nothing of it can be read.
    async fn place(&mut self, place: &str) -> Result<(), Failure> {
        let path = Path::new(place);
        let is_file = place == STANDARD_INPUT || path.exists() || !place.contains(':');
        if path.is_dir() && place != STANDARD_INPUT {
            self.folder(path).await
        } else if is_file {
            self.file(path, false).await
        } else {
            self.server(place).await
        }
    }

    /// What all places are held against; certificates and keys are each one's own.
    fn subject(&self) -> Subject<'_> {
        let days = self.against.warn_days.map(u64::from);
        Subject {
            key: self.held.key.as_ref(),
            role: match self.held.key {
                Some(_) => Role::Own,
                None => Role::Unsaid,
            },
            hosts: &self.held.hosts,
            trusted: &self.held.trusted,
            lists: &self.held.lists,
            warn_before: days.map(|days| Duration::from_secs(days * 86_400)),
            rsa_only: self.against.rsa_only,
            ..Subject::default()
        }
    }

    /// Says what was found.
    pub(in crate::commands) fn end(self, context: &Context) -> Result<(), Failure> {
        let figures = || self.shown.metrics(self.now, self.unread.len());
        match &self.against.metrics {
            Some(path) if path == Path::new(STANDARD_OUTPUT) => ui::print(&figures()),
            Some(path) => {
                write_public(path, figures().as_bytes())?;
                self.shown.print(context.output, self.unread.is_empty())?;
            }
            None => self.shown.print(context.output, self.unread.is_empty())?,
        }
        if self.held.trusted.is_empty() && self.shown.has_unproved() {
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
