//! What a gate tells control: events, spooled on disk while control is away.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_api::plane::Event;
use aeolus_keys::digest::random_token;
use aeolus_model::{DeploymentId, Rng, SessionId, Time};
use tokio::time::timeout;

use super::control::{Control, ControlError};
use super::fs::{Fs, replace};
use super::state::lock;

/// Denials reported in full per minute; the rest is counted.
const IN_FULL: usize = 100;
/// Different (deployment, source, reason) per minute; the rest is counted as source `other`.
const COUNTERS: usize = 1000;
const BATCHES: usize = 256;
const BATCH_BYTES: usize = 256 << 10;
const LIMIT: Duration = Duration::from_secs(10);

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// When.
    pub at: Time,
    /// Where, if the route was known.
    pub deployment: Option<DeploymentId>,
    /// The client's address.
    pub source: String,
    /// The stable reason.
    pub reason: &'static str,
    /// Who asked (an id), if known.
    pub subject: Option<String>,
    /// The request id.
    pub request_id: String,
}

/// Events on their way. Bounded in memory and on disk; the oldest are dropped first, and counted.
pub struct Outbox {
    fs: Arc<dyn Fs>,
    folder: PathBuf,
    rng: Arc<dyn Rng>,
    collected: Mutex<Collected>,
    batches: Mutex<VecDeque<Batch>>,
}

#[derive(Default)]
struct Collected {
    lines: Vec<u8>,
    minute: i64,
    full: usize,
    counts: BTreeMap<(Option<DeploymentId>, String, &'static str), u64>,
    dropped: u64,
}

#[derive(Clone)]
struct Batch {
    name: String,
    /// `None` while it is only on disk.
    lines: Option<Arc<[u8]>>,
    spooled: bool,
}

impl Outbox {
    /// Opens the spool, with what an earlier process left in it.
    pub fn open(data: &std::path::Path, fs: Arc<dyn Fs>, rng: Arc<dyn Rng>) -> Self {
        let folder = data.join("spool");
        let names = fs.list(&folder).unwrap_or_default().into_iter();
        let batches = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.ends_with(".ndjson"))
            .map(|name| Batch {
                name,
                lines: None,
                spooled: true,
            })
            .collect();
        Self {
            fs,
            folder,
            rng,
            collected: Mutex::default(),
            batches: Mutex::new(batches),
        }
    }

    /// Reports a refusal: the first of a minute in full, then counted.
    pub fn denied(&self, denial: Denial) {
        let mut collected = lock(&self.collected);
        let minute = denial.at.secs() - denial.at.secs().rem_euclid(60);
        if minute != collected.minute {
            collected.close_minute();
            collected.minute = minute;
        }
        if collected.full < IN_FULL {
            collected.full += 1;
            collected.push(&Event::Denied {
                at: denial.at.secs(),
                deployment: denial.deployment,
                source: denial.source,
                reason: denial.reason.to_owned(),
                subject: denial.subject,
                request_id: denial.request_id,
            });
            return;
        }
        let mut key = (denial.deployment, denial.source, denial.reason);
        if collected.counts.len() >= COUNTERS && !collected.counts.contains_key(&key) {
            key = (None, "other".to_owned(), denial.reason);
        }
        *collected.counts.entry(key).or_default() += 1;
    }

    /// Reports that a person signed out here.
    pub fn session_ended(&self, session: SessionId, at: Time) {
        self.event(&Event::SessionEnded {
            session,
            at: at.secs(),
        });
    }

    /// Reports anything else.
    pub fn event(&self, event: &Event) {
        lock(&self.collected).push(event);
    }

    /// Closes what was collected into a batch and spools it. `now` closes the counts of past minutes;
    /// a stop (`last`) closes all of them.
    pub fn flush(&self, now: Time, last: bool) -> std::io::Result<()> {
        let lines = {
            let mut collected = lock(&self.collected);
            if last || now.secs() >= collected.minute.saturating_add(60) {
                collected.close_minute();
            }
            std::mem::take(&mut collected.lines)
        };
        if lines.is_empty() {
            return Ok(());
        }
        let key = random_token(&*self.rng, 16);
        let name = format!("{:015}-{}.ndjson", now.millis().max(0), key.expose());
        let batch = Batch {
            name: name.clone(),
            lines: Some(lines.as_slice().into()),
            spooled: false,
        };
        {
            let mut batches = lock(&self.batches);
            batches.push_back(batch);
            while batches.len() > BATCHES {
                if let Some(oldest) = batches.pop_front() {
                    let _ = self.fs.remove(&self.folder.join(oldest.name));
                    lock(&self.collected).dropped += 1;
                }
            }
        }
        self.fs.create_dir(&self.folder)?;
        replace(&*self.fs, &self.folder.join(&name), &lines)?;
        // Safe on disk: memory keeps the newest only, which is usually sent next.
        let mut batches = lock(&self.batches);
        for batch in batches.iter_mut().filter(|batch| batch.name != name) {
            if batch.spooled {
                batch.lines = None;
            }
        }
        for batch in batches.iter_mut().filter(|batch| batch.name == name) {
            batch.spooled = true;
        }
        Ok(())
    }

    /// Sends the oldest batch. Says whether there was one. A batch that control refuses for good is
    /// dropped: it must not block those behind it.
    pub(crate) async fn send<C: Control>(&self, control: &C) -> Result<bool, ControlError> {
        let Some(batch) = lock(&self.batches).front().cloned() else {
            return Ok(false);
        };
        let path = self.folder.join(&batch.name);
        let lines = match &batch.lines {
            Some(lines) => lines.to_vec(),
            None => self.fs.read(&path).unwrap_or_default(),
        };
        if !lines.is_empty() {
            let key = batch.name.trim_end_matches(".ndjson");
            let sent = timeout(LIMIT, control.events(key, lines))
                .await
                .unwrap_or_else(|_| Err(ControlError::Unavailable("no answer in time".into())));
            match sent {
                Ok(_) => {}
                Err(ControlError::Refused { status, text }) if status != 401 && status != 403 => {
                    tracing::error!(status, text, "control refused a batch of events");
                    lock(&self.collected).dropped += 1;
                }
                Err(error) => return Err(error),
            }
        }
        let _ = self.fs.remove(&path);
        lock(&self.batches).retain(|other| other.name != batch.name);
        Ok(true)
    }

    /// Batches that were dropped: the spool was full, or control refused them.
    pub fn dropped(&self) -> u64 {
        lock(&self.collected).dropped
    }

    /// Batches that wait.
    pub fn waiting(&self) -> usize {
        lock(&self.batches).len()
    }
}

impl Collected {
    fn push(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_vec(event)
            && self.lines.len() + line.len() < BATCH_BYTES
        {
            self.lines.extend_from_slice(&line);
            self.lines.push(b'\n');
        } else {
            self.dropped += 1;
        }
    }

    fn close_minute(&mut self) {
        let minute = self.minute;
        self.full = 0;
        for ((deployment, source, reason), count) in std::mem::take(&mut self.counts) {
            self.push(&Event::DeniedCount {
                minute,
                deployment,
                source,
                reason: reason.to_owned(),
                count,
            });
        }
    }
}
