//! Pass after pass: when something changes, and now and then.

use std::cell::RefCell;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aeolus_kube::pass::{Lead, Leader};
use aeolus_kube::sync::Owned;
use aeolus_kube::{KubeError, Lease, Scope, Watched};
use aeolus_model::{Clock as _, SystemClock};
use futures::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::figures::Figures;
use super::once::{LAST_FULL, Work, lost_lead, notes};
use super::setup::Setup;
use super::shown::{Shown, reports};
use crate::args::KubeSyncRun;
use crate::commands::Context;
use crate::commands::kube::certificates::{self, Shown as Signed};
use crate::commands::kube::cluster::How;
use crate::commands::kube::signing::Target;
use crate::commands::process::cancel_on_signal;
use crate::report::{Failure, Report};
use crate::ui;

/// Changes that come together are one.
const TOGETHER: Duration = Duration::from_millis(300);
/// At most a third of the time goes into passes, so that a large cluster's API server has rest.
const SHARE: u32 = 2;
/// The longest rest between two passes that something asks for.
const REST: Duration = Duration::from_secs(20);
/// How long after a failure it is tried again, at first and at last.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// How often one that doesn't sync looks whether the one that does still lives.
const LOOK: Duration = Duration::from_secs(5);

/// What brings the certificate of control's signing key into the cluster, where that is asked for.
pub(super) fn signing<'a>(
    args: &'a KubeSyncRun,
    setup: &'a Setup,
) -> Result<Option<certificates::Work<'a, aeolus_kube::Client>>, Failure> {
    let (Some(folder), Some(release)) = (&args.data, &args.scope.release) else {
        return Ok(None);
    };
    Ok(Some(certificates::Work {
        cluster: &setup.client,
        folder,
        max_age: args.max_age.duration(),
        target: Target::new(release, &setup.namespace)?,
        how: How {
            force: false,
            dry: aeolus_kube::Dry::No,
        },
        clock: Arc::new(SystemClock),
        figures: None,
    }))
}

/// Syncs until it is told to end.
pub(super) async fn watch(args: &KubeSyncRun, context: &Context) -> Result<(), Failure> {
    let setup = Setup::of(&args.scope).await?;
    let shutdown = CancellationToken::new();
    cancel_on_signal(shutdown.clone())?;
    let shown = Arc::new(Mutex::new(String::new()));
    let served = super::listen::serve(args.metrics_listen, Arc::clone(&shown)).await?;
    let watcher = Watcher {
        work: Work {
            args,
            setup: &setup,
            context,
        },
        figures: RefCell::new(Figures::default()),
        shown,
        said: RefCell::new(Vec::new()),
    };
    let signing = signing(args, &setup)?;
    let say = |passed: Result<&Signed, &Failure>| match passed {
        Ok(shown) => shown.print(context.output),
        Err(failure) => {
            ui::note(failure.render().trim_end());
            Ok(())
        }
    };
    let signed = async {
        match &signing {
            Some(signing) => signing.follow(&shutdown, &say).await,
            None => pending().await,
        }
    };
    tokio::select! {
        ended = signed => ended,
        ended = watcher.lead_or_wait(&shutdown) => ended,
        () = served => Err(Report::new("RUN-0005", "the figures can't be shown any more").failed()),
    }
}

struct Watcher<'a> {
    work: Work<'a>,
    figures: RefCell<Figures>,
    shown: Arc<Mutex<String>>,
    /// What somebody has to look at, as it was said last.
    said: RefCell<Vec<Report>>,
}

impl Watcher<'_> {
    /// Syncs while it has the Lease, and waits while another has.
    async fn lead_or_wait(&self, shutdown: &CancellationToken) -> Result<(), Failure> {
        let leader = self.work.leader();
        let mut wait = AGAIN.0;
        loop {
            let led = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                led = leader.take() => led,
            };
            let rest = match led {
                Ok(Lead::Mine(lease)) => {
                    wait = AGAIN.0;
                    self.lead(&leader, lease, shutdown).await?;
                    Duration::ZERO
                }
                Ok(Lead::Theirs(theirs)) => {
                    wait = AGAIN.0;
                    let holder = theirs.holder.unwrap_or_default();
                    let what = format!("{holder} syncs: waiting");
                    self.say(vec![Report::new("KUBE-214", what)]);
                    LOOK
                }
                Err(KubeError::Forbidden(_)) => {
                    let what = "no Lease can be had: two syncers may do the same twice";
                    let help = "grant get, create and update on leases in the source namespace";
                    self.say(vec![Report::new("KUBE-004", what).help(help)]);
                    return self.work_on(None, shutdown).await;
                }
                Err(error) => {
                    self.figures(None)?;
                    self.say(self.work.setup.unread(&error).reports);
                    wait = (wait * 2).min(AGAIN.1);
                    wait
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = sleep(rest) => {}
            }
        }
    }

    /// Syncs until the Lease is another's, or it is told to end: then the next one need not wait.
    async fn lead(
        &self,
        leader: &Leader<'_>,
        mut lease: Lease,
        shutdown: &CancellationToken,
    ) -> Result<(), Failure> {
        let full = lease.annotations.get(LAST_FULL).cloned();
        tokio::select! {
            ended = self.work_on(Some((leader, full)), shutdown) => {
                if let Err(error) = leader.release([].into()).await {
                    ui::note(&format!("warning: the Lease {} couldn't be released: {error}", leader.place));
                }
                ended
            }
            lost = leader.keep(&mut lease) => {
                self.say(lost_lead(leader, lost).reports);
                self.forget();
                Ok(())
            }
        }
    }

    async fn work_on(
        &self,
        led: Option<(&Leader<'_>, Option<String>)>,
        shutdown: &CancellationToken,
    ) -> Result<(), Failure> {
        let changed = Notify::new();
        let watched = self.watched();
        let watches = watched.iter().map(|one| self.follow(one, &changed));
        tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            ended = self.passes(&changed, led) => ended,
            _ = join_all(watches) => Ok(()),
        }
    }

    /// Passes, for good.
    async fn passes(
        &self,
        changed: &Notify,
        led: Option<(&Leader<'_>, Option<String>)>,
    ) -> Result<(), Failure> {
        let (leader, mut full) = led.map_or((None, None), |(leader, full)| (Some(leader), full));
        let mut wait = AGAIN.0;
        loop {
            let is_full = self.work.is_full_due(full.as_deref());
            let started = Instant::now();
            let passed = self.work.pass(is_full).await;
            self.figures(passed.as_ref().ok())?;
            let next = match passed {
                Ok(outcome) => {
                    wait = AGAIN.0;
                    let shown = Shown::of(&outcome, &self.work.setup.namespace, false);
                    let is_new = self.say(reports(&outcome));
                    if !outcome.plan.is_idle() || is_new {
                        shown.print(self.work.context.output)?;
                    }
                    let notes = notes(Some(&outcome), is_full);
                    full = notes.get(LAST_FULL).cloned().or(full);
                    if let Some(leader) = leader
                        && let Err(error) = leader.note(notes).await
                    {
                        ui::note(&format!("warning: the Lease {}: {error}", leader.place));
                    }
                    self.work.args.interval.duration()
                }
                Err(failure) => {
                    self.say(failure.reports);
                    wait = (wait * 2).min(AGAIN.1);
                    wait
                }
            };
            sleep((started.elapsed() * SHARE).clamp(TOGETHER, REST)).await;
            let _ = timeout(next, changed.notified()).await;
        }
    }

    fn watched(&self) -> Vec<Watched> {
        let setup = self.work.setup;
        let copies = Some(Owned::selector(&setup.namespace));
        let home = Scope::Namespace(setup.namespace.clone());
        let mut all = vec![Watched::Secrets(home, None)];
        match setup.targets() {
            None => {
                all.push(Watched::Namespaces);
                all.push(Watched::Secrets(Scope::Cluster, copies));
            }
            // Named namespaces may not be listed, so not watched either: the interval finds new ones.
            Some(targets) => all.extend(
                targets
                    .iter()
                    .map(|name| Watched::Secrets(Scope::Namespace(name.clone()), copies.clone())),
            ),
        }
        all
    }

    /// Tells of every change, and of every gap in which one may have been missed.
    async fn follow(&self, watched: &Watched, changed: &Notify) {
        let client = &self.work.setup.client;
        let mut wait = AGAIN.0;
        loop {
            let Ok(mut from) = client.watch_start(watched).await else {
                sleep(wait).await;
                wait = (wait * 2).min(AGAIN.1);
                continue;
            };
            changed.notify_one();
            loop {
                match client.watch(watched, &from, |_| changed.notify_one()).await {
                    Ok(at) => (from, wait) = (at, AGAIN.0),
                    Err(KubeError::Forbidden(_)) => {
                        ui::note(
                            "warning: watching is not allowed (grant watch): changes are found at each --interval",
                        );
                        return pending().await;
                    }
                    Err(_) => break,
                }
            }
            sleep(wait).await;
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    /// Says what somebody has to look at, unless it was the last thing that was said. Whether it is news.
    fn say(&self, reports: Vec<Report>) -> bool {
        if *self.said.borrow() == reports {
            return false;
        }
        for report in &reports {
            let failure = report.clone().failed();
            ui::note(failure.render().trim_end());
        }
        *self.said.borrow_mut() = reports;
        true
    }

    /// Whoever doesn't sync shows no figures: old ones would alarm beside those of the one that does.
    fn forget(&self) {
        *self.figures.borrow_mut() = Figures::default();
        self.shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn figures(&self, outcome: Option<&aeolus_kube::pass::Outcome>) -> Result<(), Failure> {
        let mut figures = self.figures.borrow_mut();
        figures.heard(outcome, self.work.context.clock.now());
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = figures.render();
        figures.write(self.work.args.metrics.as_deref())
    }
}
