//! The configuration while control runs (design note 027): how people sign in, and from where and how often is provisioned,
//! follow its files within seconds, as a whole or not at all. Everything else waits for a start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aeolus_control::{Reload, ScimConfig, SignInConfig};
use aeolus_keys::digest;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::config::{Effective, Environment, Flag, Sources};
use crate::report::{Failure, Report};

/// How often the files are read. Reading finds what a file system wouldn't tell of: Kubernetes swaps a
/// link above the file, and a secret's file may lie anywhere.
const EVERY: Duration = Duration::from_secs(2);
/// For so long nothing may change before it counts: somebody may be in the middle of writing it.
const SETTLE: Duration = Duration::from_millis(500);

/// What else takes effect without a start.
const LIVE: [&str; 3] = [
    "control.scim.allowedNetworks",
    "control.scim.only",
    "control.scim.requestsPerMinute",
];

/// What takes effect without a start.
struct Live {
    sign_in: SignInConfig,
    scim: ScimConfig,
}

/// Looks at the configuration until shutdown.
pub(super) struct Watch {
    places: Arc<Places>,
    reloads: mpsc::Sender<Reload>,
    /// What control was started with.
    started: BTreeMap<String, Value>,
    /// How people sign in now.
    in_force: [u8; 32],
    /// From where and how often is provisioned now.
    scim: ScimConfig,
    /// What was found last.
    seen: Looked,
}

/// Where the configuration is read from.
struct Places {
    file: Option<PathBuf>,
    environment: Environment,
    flags: Vec<Flag>,
}

impl Places {
    fn look(&self) -> (Looked, Option<Live>) {
        match self.read() {
            Ok((effective, live)) => {
                let sound = Looked::Sound(told_apart(&live.sign_in), others(&effective));
                (sound, Some(live))
            }
            Err(failure) => {
                let each = failure.reports.iter();
                let each = each.map(|report| (report.code().to_owned(), report.what().to_owned()));
                (Looked::Broken(each.collect()), None)
            }
        }
    }

    fn read(&self) -> Result<(Effective, Live), Failure> {
        if let Some(file) = &self.file {
            is_written(file)?;
        }
        let sources = Sources {
            file: self.file.as_deref(),
            environment: &self.environment,
            flags: self.flags.clone(),
        };
        let effective = sources.load()?;
        let sign_in = super::sign_in(&effective, &self.environment)?;
        let scim = effective.config.control.scim.read()?;
        Ok((effective, Live { sign_in, scim }))
    }
}

/// Refuses an empty file: it is one that is being written. At a start it would be a configuration without a word.
fn is_written(file: &Path) -> Result<(), Failure> {
    let empty = std::fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() == 0);
    if !empty {
        return Ok(());
    }
    let what = format!("{} is empty", file.display());
    let report = Report::new("CFG-0016", what)
        .why("A file that is being written is empty for a moment.")
        .help("write what is to hold, also if it is only `{}`");
    Err(report.usage())
}

/// What the files say.
#[derive(Clone, PartialEq, Eq)]
enum Looked {
    /// It can be used: how people sign in, told apart by a digest, and every other value.
    Sound([u8; 32], BTreeMap<String, Value>),
    /// It can't, and why: code and text.
    Broken(Vec<(String, String)>),
}

impl Watch {
    /// Of what control is started with.
    pub(super) fn new(
        sources: &Sources<'_>,
        (effective, sign_in, scim): (&Effective, &SignInConfig, ScimConfig),
        reloads: mpsc::Sender<Reload>,
    ) -> Self {
        let (in_force, started) = (told_apart(sign_in), others(effective));
        Self {
            places: Arc::new(Places {
                file: sources.file.map(Path::to_owned),
                environment: sources.environment.clone(),
                flags: sources.flags.clone(),
            }),
            reloads,
            seen: Looked::Sound(in_force, started.clone()),
            started,
            in_force,
            scim,
        }
    }

    /// Never ends.
    pub(super) async fn run(&mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            let (found, _) = self.look().await;
            if found == self.seen {
                continue;
            }
            let (found, live) = self.settled(found).await;
            if found != self.seen && self.take(&found, live).await {
                self.seen = found;
            }
        }
    }

    async fn settled(&self, mut before: Looked) -> (Looked, Option<Live>) {
        loop {
            tokio::time::sleep(SETTLE).await;
            let (found, live) = self.look().await;
            if found == before {
                return (found, live);
            }
            before = found;
        }
    }

    /// Apart from everything that control does: a file may be on a disk that hangs.
    async fn look(&self) -> (Looked, Option<Live>) {
        let places = Arc::clone(&self.places);
        let looked = tokio::task::spawn_blocking(move || places.look()).await;
        // It is cut off at shutdown alone.
        looked.unwrap_or_else(|_| (self.seen.clone(), None))
    }

    /// Whether it is done with. What control can't store is tried again.
    async fn take(&mut self, found: &Looked, live: Option<Live>) -> bool {
        let (digest, values) = match found {
            Looked::Broken(reports) => {
                for (code, error) in reports {
                    tracing::error!(
                        code,
                        error,
                        "the configuration was changed and can't be used: how people sign in stays as it was"
                    );
                }
                let _ = self.reloads.send(Reload::Refused).await;
                return true;
            }
            Looked::Sound(digest, values) => (digest, values),
        };
        let (sign_in, scim) = live.map(|live| (live.sign_in, live.scim)).unzip();
        if let Some(sign_in) = sign_in.filter(|_| *digest != self.in_force) {
            let (taken, answer) = oneshot::channel();
            let sent = self.reloads.send(Reload::SignIn(sign_in, taken)).await;
            match answer.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(
                        %error,
                        "the changed configuration could not be stored: how people sign in stays as it was; trying again"
                    );
                    return false;
                }
                // Control is being shut down.
                Err(_) => return sent.is_err(),
            }
            self.in_force = *digest;
            tracing::info!("how people sign in follows the changed configuration from now on");
        } else {
            let _ = self.reloads.send(Reload::Sound).await;
        }
        if let Some(scim) = scim.filter(|scim| *scim != self.scim) {
            self.scim = scim.clone();
            let _ = self.reloads.send(Reload::Scim(scim)).await;
            tracing::info!(
                "from where and how often is provisioned follows the changed configuration from now on"
            );
        }
        let waits = self.waits(values);
        if !waits.is_empty() {
            tracing::warn!(
                waits = waits.join(", "),
                "the configuration has changed in what takes effect at the next start only"
            );
        }
        true
    }

    fn waits(&self, values: &BTreeMap<String, Value>) -> Vec<String> {
        let keys: std::collections::BTreeSet<_> =
            self.started.keys().chain(values.keys()).collect();
        let changed = keys
            .into_iter()
            .filter(|key| !LIVE.contains(&key.as_str()))
            .filter(|key| self.started.get(*key) != values.get(*key));
        changed.cloned().collect()
    }
}

/// What of a configuration concerns control and isn't how people sign in.
fn others(effective: &Effective) -> BTreeMap<String, Value> {
    let values = effective.values.iter();
    let values = values.filter(|(key, _)| !key.starts_with("auth.") && !key.starts_with("gate."));
    values
        .map(|(key, (value, _))| (key.clone(), value.clone()))
        .collect()
}

/// Two that are the same in everything, their secrets too, have one digest.
fn told_apart(sign_in: &SignInConfig) -> [u8; 32] {
    let each = sign_in.connections.iter().map(|connection| {
        let secret = connection.client_secret();
        let secret = secret.map(|secret| digest::sha256(secret.expose().as_bytes()));
        (
            connection.name().to_string(),
            connection.kind(),
            connection.settings(),
            secret,
        )
    });
    let provisioning = sign_in.provisioning.iter().map(|each| {
        let code = each.code.as_ref();
        let code = code.map(|code| digest::sha256(code.expose().as_bytes()));
        (each.name.to_string(), &each.kind, &each.settings, code)
    });
    let provisioning = provisioning.collect::<Vec<_>>();
    let whole = (sign_in.local, each.collect::<Vec<_>>(), provisioning);
    // Texts, numbers and lists of them are always written.
    digest::sha256(&serde_json::to_vec(&whole).unwrap_or_default())
}

#[cfg(test)]
mod tests;
