//! The decision log: every refusal, a share of the allowances, one structured line each.
//!
//! A request only puts its entry into a bounded queue; a task writes. When a flood of refusals
//! comes, the first of each minute by deployment, source and reason are written in full, the rest
//! is counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aeolus_decide::{PathClass, Reason, Request};
use aeolus_model::{DeploymentId, Method, Subject, Time};
use aeolus_snapshot::Position;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Outcome, RequestId, Told, Trace, TraceId, Via, shown};
use crate::codec::Dialect;

/// Lines in full per minute, deployment, source and reason.
const IN_FULL: u64 = 10;
/// Different (deployment, source, reason) per minute; the rest is counted without its source.
const SOURCES: usize = 1_000;
/// Entries that wait to be written.
const QUEUE: usize = 4_096;

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When: gate time.
    pub at: Time,
    /// The request's id.
    pub request_id: RequestId,
    /// The trace it belongs to.
    pub trace: Option<TraceId>,
    /// Which deployment, where the route was known.
    pub deployment: Option<DeploymentId>,
    /// Its name.
    pub name: String,
    /// Who asked the gate.
    pub dialect: Dialect,
    /// What the path is.
    pub class: Option<PathClass>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// Who, where that is proven. Never an address or name.
    pub subject: Option<Subject>,
    /// The method; `other` where it is none.
    pub method: &'static str,
    /// The host, where it is one.
    pub host: String,
    /// The path, made safe, without its query.
    pub path: String,
    /// The client's address.
    pub source: Option<IpAddr>,
    /// The snapshot it was judged by.
    pub position: Option<Position>,
    /// How old the knowledge was.
    pub age: Option<Duration>,
}

impl Entry {
    /// What a request and its decision say; the moment is for the caller to fill in.
    pub(crate) fn of(
        told: &Told<'_>,
        (request, via): (&Request<'_>, Via<'_>),
        request_id: RequestId,
    ) -> Self {
        let (host, path) = shown::place(request);
        Self {
            at: Time::EPOCH,
            request_id,
            trace: Trace::of(via.lines).map(|trace| trace.id),
            deployment: told.deployment.map(|deployment| deployment.id),
            name: told.deployment.map_or_else(String::new, |d| d.name.clone()),
            dialect: via.dialect,
            class: told.class,
            outcome: told.outcome,
            reason: told.reason,
            subject: told.subject,
            method: Method::parse(request.method).map_or("other", Method::name),
            host,
            path,
            source: request.peer,
            position: None,
            age: None,
        }
    }
}

/// Refusals of one minute beyond those that were written in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The minute's first second.
    pub minute: Time,
    /// Which deployment, where the route was known.
    pub deployment: Option<DeploymentId>,
    /// The client's address; none where there were too many different ones.
    pub source: Option<IpAddr>,
    /// Why.
    pub reason: Reason,
    /// How many.
    pub count: u64,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// One decision.
    One(Box<Entry>),
    /// Several refusals.
    Counted(Counted),
}

/// Where decisions go to be written.
pub struct DecisionLog {
    sender: mpsc::Sender<Box<Entry>>,
    receiver: Mutex<mpsc::Receiver<Box<Entry>>>,
    minute: Mutex<Minute>,
    dropped: AtomicU64,
}

type Key = (Option<DeploymentId>, Option<IpAddr>, Reason);

#[derive(Default)]
struct Minute {
    number: i64,
    seen: HashMap<Key, u64>,
    /// Counts of earlier minutes.
    closed: Vec<Counted>,
}

impl Default for DecisionLog {
    /// An empty one. Nothing is written before [`Self::run`].
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self {
            sender,
            receiver: Mutex::new(receiver),
            minute: Mutex::default(),
            dropped: AtomicU64::new(0),
        }
    }
}

impl DecisionLog {
    /// Whether a refusal is written in full; else it has been counted.
    pub(crate) fn picks_refusal(
        &self,
        deployment: Option<DeploymentId>,
        source: Option<IpAddr>,
        reason: Reason,
        now: Time,
    ) -> bool {
        lock(&self.minute).take((deployment, source, reason), now)
    }

    /// Queues an entry. If the writer can't keep up it is dropped, and that is counted.
    pub(crate) fn push(&self, entry: Entry) {
        if self.sender.try_send(Box::new(entry)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Entries that were not written.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Takes what waits to be written, counts of past minutes with it.
    pub fn drain(&self, now: Time) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut receiver = lock(&self.receiver);
        while let Ok(entry) = receiver.try_recv() {
            lines.push(Line::One(entry));
        }
        drop(receiver);
        let counted = lock(&self.minute).close(now);
        lines.extend(counted.into_iter().map(Line::Counted));
        lines
    }

    /// Writes until told to stop, then what is left. The writing itself may block on a slow sink, so
    /// it is done where only it waits.
    pub async fn run(
        self: std::sync::Arc<Self>,
        now: impl Fn() -> Time,
        shutdown: CancellationToken,
    ) {
        let mut ticks = interval(Duration::from_millis(200));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = false;
        while !stopping {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.cancelled() => stopping = true,
            }
            // The minute that runs is closed as well at the end.
            let until = if stopping {
                now().plus(Duration::from_secs(60))
            } else {
                now()
            };
            let lines = self.drain(until);
            if lines.is_empty() {
                continue;
            }
            let written = tokio::task::spawn_blocking(move || lines.iter().for_each(write));
            if written.await.is_err() {
                tracing::error!("writing decisions panicked; some are lost");
            }
        }
    }
}

impl Minute {
    fn take(&mut self, key: Key, now: Time) -> bool {
        self.turn(now);
        let (deployment, _, reason) = key;
        let key = if self.seen.len() < SOURCES || self.seen.contains_key(&key) {
            key
        } else {
            (deployment, None, reason)
        };
        let count = self.seen.entry(key).or_default();
        *count += 1;
        *count <= IN_FULL
    }

    /// Begins another minute if it is time.
    fn turn(&mut self, now: Time) {
        let number = now.secs().div_euclid(60);
        if number == self.number {
            return;
        }
        let minute = Time::from_secs(self.number * 60);
        let more = |((deployment, source, reason), count): (Key, u64)| {
            let count = count.saturating_sub(IN_FULL);
            (count > 0).then_some(Counted {
                minute,
                deployment,
                source,
                reason,
                count,
            })
        };
        // Nobody who writes them down: what is kept stays bounded.
        self.closed.truncate(SOURCES);
        self.closed.extend(self.seen.drain().filter_map(more));
        self.number = number;
    }

    fn close(&mut self, now: Time) -> Vec<Counted> {
        self.turn(now);
        std::mem::take(&mut self.closed)
    }
}

/// The names of the fields are a contract: `aeolus explain` and people's tools read them.
fn write(line: &Line) {
    match line {
        Line::One(entry) => write_one(entry),
        Line::Counted(counted) => tracing::info!(
            target: "aeolus_gate::decision",
            at = counted.minute.secs(),
            deployment_id = counted.deployment.map(tracing::field::display),
            source = counted.source.map(tracing::field::display),
            reason = counted.reason.code(),
            count = counted.count,
            "decisions counted"
        ),
    }
}

fn write_one(entry: &Entry) {
    let reason = entry.reason.map(Reason::code);
    tracing::info!(
        target: "aeolus_gate::decision",
        at = entry.at.secs(),
        request_id = entry.request_id.as_str(),
        trace_id = entry.trace.map(tracing::field::display),
        deployment = entry.name,
        deployment_id = entry.deployment.map(tracing::field::display),
        dialect = entry.dialect.name(),
        class = entry.class.map(PathClass::name),
        outcome = entry.outcome.name(),
        reason,
        subject_type = entry.subject.map(subject_type),
        subject = entry.subject.map(Subject::id_text),
        method = entry.method,
        host = entry.host,
        path = entry.path,
        source = entry.source.map(tracing::field::display),
        epoch = entry.position.map(|position| position.epoch),
        seq = entry.position.map(|position| position.seq),
        age = entry.age.map(|age| age.as_secs()),
        "decision"
    );
}

fn subject_type(subject: Subject) -> &'static str {
    match subject {
        Subject::User(_) => "user",
        Subject::Token(_) => "token",
        Subject::Team(_) => "team",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is whole: counts and queues.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[Line]) -> Counted {
        match lines {
            [Line::Counted(counted)] => *counted,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flood_is_written_in_full_at_first_and_then_counted() {
        let log = DecisionLog::default();
        let now = Time::from_secs(600);
        let later = now.plus(Duration::from_secs(60));
        let source = Some("192.0.2.1".parse().unwrap());
        let forged = |now| log.picks_refusal(None, source, Reason::TokenSignature, now);
        assert_eq!((0..100).filter(|_| forged(now)).count(), 10);
        assert!(log.picks_refusal(None, source, Reason::Forbidden, now));
        assert!(log.drain(now).is_empty());
        let counted = counted(&log.drain(later));
        assert_eq!((counted.count, counted.source), (90, source));
        assert_eq!(counted.minute, now);
        assert!(forged(later));
    }

    #[test]
    fn many_sources_are_counted_together() {
        let log = DecisionLog::default();
        let now = Time::from_secs(600);
        for number in 0..2_000_u32 {
            let source = Some(std::net::Ipv4Addr::from(number).into());
            log.picks_refusal(None, source, Reason::HostUnknown, now);
        }
        let counted = counted(&log.drain(now.plus(Duration::from_secs(60))));
        assert_eq!((counted.count, counted.source), (990, None));
    }

    #[test]
    fn f61_a_queue_that_is_full_drops_and_says_so() {
        let log = DecisionLog::default();
        let entry = Entry {
            at: Time::EPOCH,
            request_id: RequestId::parse(b"a").unwrap(),
            trace: None,
            deployment: None,
            name: String::new(),
            dialect: Dialect::Proxy,
            class: None,
            outcome: Outcome::Allow,
            reason: None,
            subject: None,
            method: "GET",
            host: String::new(),
            path: String::new(),
            source: None,
            position: None,
            age: None,
        };
        for _ in 0..QUEUE + 3 {
            log.push(entry.clone());
        }
        assert_eq!(log.dropped(), 3);
        assert_eq!(log.drain(Time::EPOCH).len(), QUEUE);
    }
}
