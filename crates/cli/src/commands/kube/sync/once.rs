//! One pass, as a `CronJob` makes it.

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_keys::SystemRng;
use aeolus_kube::pass::{Lead, Leader, Outcome};
use aeolus_kube::sync::Budget;
use aeolus_kube::{KubeError, Lease, Place};
use aeolus_model::{Clock, Rng as _, Time, hex, rfc3339};
use tokio::time::Instant;

use super::figures::Figures;
use super::setup::{Setup, Terms};
use super::shown::{Shown, reports};
use crate::args::KubeSyncRun;
use crate::commands::Context;
use crate::report::{Exit, Failure, Report};
use crate::ui;

/// So long a syncer that says nothing keeps the Lease.
const LEASE: Duration = Duration::from_secs(15);
/// On the Lease: when values were last read.
pub(super) const LAST_FULL: &str = "aeolus/last-full";
/// On the Lease: when the last pass was.
pub(super) const LAST_PASS: &str = "aeolus/last-pass";
/// On the Lease: what came of it.
pub(super) const LAST_OUTCOME: &str = "aeolus/last-outcome";

/// What is the same for every pass of a run.
pub(super) struct Work<'a> {
    pub(super) args: &'a KubeSyncRun,
    pub(super) setup: &'a Setup,
    pub(super) context: &'a Context,
}

/// Makes a pass, unless another syncer lives.
pub(super) async fn once(args: &KubeSyncRun, context: &Context) -> Result<(), Failure> {
    let setup = Setup::of(&args.scope).await?;
    let work = Work {
        args,
        setup: &setup,
        context,
    };
    if let Some(signing) = super::watch::signing(args, &setup)? {
        signing.once().await?;
    }
    let leader = work.leader();
    let mut lease = match leader.take_from_the_dead().await {
        Ok(Lead::Mine(lease)) => lease,
        Ok(Lead::Theirs(theirs)) => {
            let holder = theirs.holder.unwrap_or_default();
            ui::note(&format!(
                "{holder} syncs, and has the Lease {}: nothing was done here",
                leader.place
            ));
            return Ok(());
        }
        Err(KubeError::Forbidden(told)) => {
            ui::note(&format!(
                "warning: no Lease can be had ({told}): two syncers may do the same twice"
            ));
            Lease::default()
        }
        Err(error) => return Err(setup.unread(&error)),
    };
    let is_full = work.is_full_due(lease.annotations.get(LAST_FULL).map(String::as_str));
    let has_lease = !lease.version.is_empty();
    let passed = if has_lease {
        tokio::select! {
            passed = work.pass(is_full) => passed,
            lost = leader.keep(&mut lease) => Err(lost_lead(&leader, lost)),
        }
    } else {
        work.pass(is_full).await
    };
    let notes = notes(passed.as_ref().ok(), is_full);
    if has_lease && let Err(error) = leader.release(notes).await {
        ui::note(&format!(
            "warning: the Lease {} couldn't be released: {error}",
            leader.place
        ));
    }
    let mut figures = Figures::default();
    figures.heard(passed.as_ref().ok(), context.clock.now());
    figures.write(args.metrics.as_deref())?;
    let outcome = passed?;
    Shown::of(&outcome, &setup.namespace, false).print(context.output)?;
    failed(&outcome)
}

/// Everything that somebody has to look at makes the run an error: whoever schedules it sees that.
pub(super) fn failed(outcome: &Outcome) -> Result<(), Failure> {
    let reports = reports(outcome);
    if reports.is_empty() {
        return Ok(());
    }
    Err(Failure {
        reports,
        exit: Exit::Failed,
    })
}

/// What is written on the Lease of a pass.
pub(super) fn notes(outcome: Option<&Outcome>, is_full: bool) -> BTreeMap<String, String> {
    let Some(outcome) = outcome else {
        return BTreeMap::new();
    };
    let began = rfc3339(outcome.began.secs());
    let wrong = reports(outcome).len();
    let said = if wrong == 0 {
        "ok".to_owned()
    } else {
        format!("{wrong} to look at")
    };
    let full =
        (is_full && outcome.unread.is_empty()).then(|| (LAST_FULL.to_owned(), began.clone()));
    let mut notes = BTreeMap::from([
        (LAST_PASS.to_owned(), began),
        (LAST_OUTCOME.to_owned(), said),
    ]);
    notes.extend(full);
    notes
}

/// The Lease is another's by now, or nobody knows.
pub(super) fn lost_lead(leader: &Leader<'_>, lost: Result<Lead, KubeError>) -> Failure {
    let place = &leader.place;
    let (code, what) = match lost {
        Ok(Lead::Theirs(Lease { holder, .. })) => {
            let holder = holder.unwrap_or_default();
            ("KUBE-214", format!("{holder} has taken the Lease {place}"))
        }
        Ok(Lead::Mine(_)) => ("KUBE-214", format!("the Lease {place} was lost")),
        Err(error) => (
            error.code(),
            format!("the Lease {place} can't be kept: {error}"),
        ),
    };
    Report::new(code, what)
        .why("What was written so far is right; the rest is the other's, or the next pass's.")
        .help("nothing, if two syncers are meant; otherwise stop one of them")
        .failed()
}

impl Work<'_> {
    pub(super) fn leader(&self) -> Leader<'_> {
        Leader {
            client: &self.setup.client,
            place: Place::new(&self.setup.namespace, &self.args.lease),
            me: identity(self.context),
            duration: LEASE,
            clock: &self.context.clock,
        }
    }

    /// One pass.
    pub(super) async fn pass(&self, is_full: bool) -> Result<Outcome, Failure> {
        let key = self.setup.key().await?;
        let syncer = self.setup.syncer(Terms {
            key,
            budget: if self.args.force {
                Budget::Force
            } else {
                Budget::Careful
            },
            is_full,
            clock: &self.context.clock,
            deadline: Instant::now() + self.args.timeout.duration(),
        });
        let passed = syncer.run().await;
        passed.map_err(|error| self.setup.unread(&error))
    }

    /// Whether values are to be read again. Times are written so that their text is in their order.
    pub(super) fn is_full_due(&self, last: Option<&str>) -> bool {
        let now: Time = self.context.clock.now();
        let due = rfc3339(now.minus(self.args.full_every.duration()).secs());
        let now = rfc3339(now.secs());
        last.is_none_or(|last| last <= due.as_str() || last > now.as_str())
    }
}

/// In words that no other has, and from which one sees where it runs.
fn identity(context: &Context) -> String {
    let mut random = [0; 5];
    SystemRng.fill(&mut random);
    let host = context.environment.get("HOSTNAME");
    let host = host.unwrap_or_else(|| "aeolus".to_owned());
    format!("{host}_{}", hex(&random))
}
