//! A run: looks at a pair, and orders a new one if that is due.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aeolus_pki::{Certificate, certificates_pem};
use instant_acme::CertificateIdentifier;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Found, Outcome, Place, Run, When};
use crate::error::AcmeError;
use crate::folder::Locked;
use crate::hook::HookError;
use crate::order::{Ordered, Ordering};
use crate::schedule::{Lying, Need, Why, again, need, renewal};
use crate::solver::Solver;
use crate::state::{Kept, State};
use crate::suggestion::{identifier, is_suggested};
use crate::transport::Transport;

/// A run that has the folder.
pub(crate) struct Running<'a> {
    pub(crate) client: &'a Client,
    place: &'a dyn Place,
    pub(crate) name: String,
    pub(crate) locked: Locked,
    pub(crate) state: State,
    pub(crate) transport: Transport,
    stop: &'a CancellationToken,
    notes: Vec<String>,
}

/// Runs in a row that may be killed while they order, before the next one waits: a service manager would go on.
const KILLED: u32 = 3;

/// How long taking answers back may hold up whoever stops this process.
const HURRY: Duration = Duration::from_secs(5);

impl<'a> Running<'a> {
    pub(crate) fn begin(
        (client, place): (&'a Client, &'a dyn Place),
        locked: Locked,
        stop: &'a CancellationToken,
    ) -> Result<Self, AcmeError> {
        let state = locked.state()?;
        let clock = Arc::clone(&client.clock);
        let (directory, patience) = (client.asked.directory(), client.limits.request);
        let transport = Transport::new(&client.way, directory, patience, clock)?;
        Ok(Self {
            client,
            name: place.name(),
            place,
            locked,
            state,
            transport,
            stop,
            notes: Vec::new(),
        })
    }

    pub(crate) async fn run(mut self, when: When) -> Run {
        let outcome = self.outcome(when).await;
        Run {
            outcome,
            notes: self.notes,
        }
    }

    async fn outcome(&mut self, when: When) -> Result<Outcome, AcmeError> {
        // Of a run that was killed.
        self.take_back().await?;
        let found = self.place.found();
        if let Found::Pair(certificate) = &found {
            let stop = self.stop;
            tokio::select! {
                suggested = self.ask_for_suggestion(certificate) => suggested?,
                () = stop.cancelled() => return Err(AcmeError::Stopped),
            }
        }
        let lying = match &found {
            Found::Nothing => Lying::Nothing,
            Found::Unusable => Lying::Unusable,
            Found::Pair(certificate) => Lying::Pair(certificate),
        };
        match self.need(&lying, when) {
            Need::Nothing { at, certificate } => Ok(Outcome::NotDue {
                certificate: Box::new(certificate.clone()),
                renew_at: at,
            }),
            Need::Wait(failed) => Err(AcmeError::Waiting {
                failures: failed.times,
                until: failed.until,
                last: failed.last.clone(),
            }),
            Need::Order(why) => self.replace(why, &found).await,
        }
    }

    fn need<'b>(&'b self, lying: &Lying<'b>, when: When) -> Need<'b> {
        let now = self.client.clock.now();
        let asked = self.client.asked.recorded();
        let what = (&asked, self.client.asked.names());
        let kept = self.state.pairs.get(&self.name);
        need(what, kept, lying, (now, when == When::Now))
    }

    /// Orders and writes. What fails is remembered, so that it isn't tried again at once.
    async fn replace(&mut self, why: Why, found: &Found) -> Result<Outcome, AcmeError> {
        self.place.check().map_err(AcmeError::NotWritten)?;
        let killed = self.kept().begun;
        if killed >= KILLED && why != Why::Told {
            self.kept().begun = 0;
            let last = AcmeError::Killed(killed);
            self.failed(&last)?;
            return Err(last);
        }
        self.kept().begun = killed + 1;
        self.locked.remember(&self.state)?;
        let replaces = match found {
            Found::Pair(certificate) if is_suggested(self.kept()) => identifier(certificate),
            _ => None,
        };
        let ordered = self.order(replaces).await;
        self.take_back().await?;
        let written = ordered.and_then(|ordered| self.write(&ordered));
        self.kept().begun = 0;
        match written {
            Ok((certificate, before)) => {
                let (from, until) = (certificate.not_before, certificate.not_after);
                let renew_at = renewal(from, until, &*self.client.rng);
                let kept = self.kept();
                kept.failed = None;
                kept.renew_at = Some(renew_at);
                self.locked.remember(&self.state)?;
                Ok(Outcome::Written {
                    why,
                    certificate,
                    renew_at,
                    before,
                })
            }
            // Neither says anything about the next time.
            Err(error @ (AcmeError::Stopped | AcmeError::NotAgreed)) => {
                self.locked.remember(&self.state)?;
                Err(error)
            }
            Err(error) => {
                self.failed(&error)?;
                Err(error)
            }
        }
    }

    async fn order(
        &mut self,
        replaces: Option<CertificateIdentifier<'static>>,
    ) -> Result<Ordered, AcmeError> {
        let client = self.client;
        let ordering = Ordering {
            client,
            transport: &self.transport,
        };
        let ordered = ordering.run(&self.locked, &mut self.state, replaces);
        let whole = client.limits.order;
        tokio::select! {
            ordered = tokio::time::timeout(whole, ordered) => {
                ordered.unwrap_or_else(|_| Err(AcmeError::NotInTime(whole.as_secs())))
            }
            () = self.stop.cancelled() => Err(AcmeError::Stopped),
        }
    }

    fn write(
        &mut self,
        ordered: &Ordered,
    ) -> Result<(Box<Certificate>, Option<PathBuf>), AcmeError> {
        let leaf = ordered.chain.first().cloned();
        let leaf = leaf.ok_or(AcmeError::NotIt("it has no certificate"))?;
        // Remembered first: what a killed run leaves is known to be this client's.
        let asked = self.client.asked.recorded();
        let kept = self.kept();
        kept.will_write(&leaf.fingerprint(), asked);
        kept.renew_at = None;
        self.locked.remember(&self.state)?;
        let pem = certificates_pem(&ordered.chain);
        let before = self.place.write(&pem, &ordered.key.pem());
        let before = before.map_err(AcmeError::NotWritten)?;
        Ok((Box::new(leaf), before))
    }

    fn failed(&mut self, error: &AcmeError) -> Result<(), AcmeError> {
        let asked = self.client.asked.recorded();
        let (client, now) = (self.client, self.client.clock.now());
        let failed = self
            .kept()
            .fail(asked, format!("{}: {error}", error.code()));
        let times = failed.times;
        failed.until = again(times, now, error.again(), &*client.rng);
        self.locked.remember(&self.state)
    }

    /// Takes back every answer. One that can't be is tried again at the next run.
    async fn take_back(&mut self) -> Result<(), AcmeError> {
        let answers = std::mem::take(&mut self.state.answers);
        if answers.is_empty() {
            return Ok(());
        }
        let solver = &self.client.solver;
        for answer in answers {
            let shown = self.client.folder.answer(&answer.token);
            let cleaned = tokio::select! {
                cleaned = solver.clean(&answer, shown) => cleaned,
                () = self.hurried() => Err(HookError::Left(answer.name.clone().into())),
            };
            if let Err(error) = cleaned {
                self.notes.push(error.to_string());
                let again = matches!(solver, Solver::Dns(_));
                self.state.answers.extend(again.then_some(answer));
            }
        }
        self.locked.remember(&self.state)
    }

    /// Ends a little after this process was told to stop: a hook that is quick still takes its record back.
    async fn hurried(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(HURRY).await;
    }

    pub(crate) fn kept(&mut self) -> &mut Kept {
        self.state.pairs.entry(self.name.clone()).or_default()
    }
}
