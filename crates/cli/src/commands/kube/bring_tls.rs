//! Bringing a Secret of the type `kubernetes.io/tls` about, whoever else writes it meanwhile.

use std::time::Duration;

use aeolus_kube::{Client, Dry, KubeError, Meta, Place, SecretObject, Seen};
use aeolus_pki::{Certificate, Fingerprint};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::owner;
use super::tls::{self, Change, MANAGER, Step, Unchangeable, Wanted};
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui::{self, Output, Table};

/// How to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// Over what other managers have written.
    pub(super) force: bool,
    /// Whether it is written at all.
    pub(super) dry: Dry,
    /// Whether one that can't be changed may be deleted and made again.
    pub(super) recreate: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Done {
    /// It was made.
    Created,
    /// It is another one now.
    Changed,
    /// It is as it was.
    Unchanged,
    /// It was deleted and made again.
    Recreated,
}

/// What was done, in a dry run: what would be.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Brought {
    pub(super) secret: String,
    pub(super) done: Done,
    pub(super) dry_run: bool,
    pub(super) changes: Vec<Change>,
    pub(super) names: Vec<String>,
    pub(super) not_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha256_before: Option<Fingerprint>,
    pub(super) sha256: Fingerprint,
}

/// Somebody else may write so often while this tries.
const TRIES: u32 = 3;
/// How long a Secret may take to be gone, and how often that is looked at.
const GONE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_millis(200));

/// Brings it about, if it isn't so.
pub(super) async fn bring(client: &Client, wanted: &Wanted, how: How) -> Result<Brought, Failure> {
    let place = &wanted.place;
    let mut tries = TRIES;
    loop {
        let seen = seen(client, place).await?;
        if let Some(seen) = &seen {
            owner::guard(&seen.secret.meta)?;
        }
        is_expected(wanted, seen.as_ref())?;
        let before = seen.as_ref().map(|seen| &seen.secret);
        let (done, after) = match wanted.step(seen.as_ref()) {
            Step::Keep => (Done::Unchanged, before.cloned().unwrap_or_default()),
            Step::Apply(secret) => {
                let applied = client
                    .apply_seen(&secret, MANAGER, (how.force, how.dry))
                    .await;
                match applied {
                    Ok(after) if before.is_none() => (Done::Created, after),
                    Ok(after) => (Done::Changed, after),
                    Err(KubeError::Conflict(_))
                        if tries > 1 && is_stale(client, before, place).await? =>
                    {
                        tries -= 1;
                        continue;
                    }
                    Err(error) => return Err(refused(place, &error)),
                }
            }
            Step::Recreate(secret, why) => {
                may_recreate(place, &why, how)?;
                let there = before.cloned().unwrap_or_default();
                (
                    Done::Recreated,
                    recreate(client, &secret, &there, how.dry).await?,
                )
            }
        };
        return brought(wanted, (before, &after), (done, how.dry));
    }
}

/// Asks the API server whether it would take other values, before they are made: a conflict or a right that lacks is no
/// reason to issue a certificate that nobody gets.
pub(super) async fn rehearse(client: &Client, seen: &Seen, force: bool) -> Result<(), Failure> {
    let place = &seen.secret.meta.place;
    let rehearsed = tls::rehearsed(seen);
    let answer = client.apply_seen(&rehearsed, MANAGER, (force, Dry::Run));
    match answer.await {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(place, &error)),
    }
}

/// What is there, as these commands see it.
pub(super) async fn seen(client: &Client, place: &Place) -> Result<Option<Seen>, Failure> {
    let seen = client.secret_seen(place, MANAGER).await;
    seen.map_err(|error| refused(place, &error))
}

/// Whether it is another one by now: then it wasn't another manager that was in the way.
async fn is_stale(
    client: &Client,
    before: Option<&SecretObject>,
    place: &Place,
) -> Result<bool, Failure> {
    let now = client.secret(place).await;
    let now = now.map_err(|error| refused(place, &error))?;
    let version = |secret: &SecretObject| (secret.meta.uid.clone(), secret.meta.version.clone());
    Ok(now.as_ref().map(version) != before.map(version))
}

/// Somebody may have put another certificate there since it was looked at.
fn is_expected(wanted: &Wanted, seen: Option<&Seen>) -> Result<(), Failure> {
    let Some(expected) = wanted.replaces else {
        return Ok(());
    };
    let there = seen.and_then(|seen| tls::leaf(&seen.secret));
    let there = there.as_ref().map(Certificate::fingerprint);
    let own = wanted.leaf()?.fingerprint();
    if there == Some(expected) || there == Some(own) {
        return Ok(());
    }
    let now = there.map_or_else(|| "none".to_owned(), |there| there.to_string());
    let what = format!(
        "Secret {} has another certificate than before",
        wanted.place
    );
    Err(Report::new("KUBE-126", what)
        .why(format!("Somebody has changed it meanwhile: it had {expected}, and has {now}. It was left as it is."))
        .help("see who else renews it, and run this again")
        .failed())
}

fn may_recreate(place: &Place, why: &Unchangeable, how: How) -> Result<(), Failure> {
    if how.recreate {
        return Ok(());
    }
    let what = match why {
        Unchangeable::Type(kind) => {
            format!(
                "Secret {place} has the type {kind}, which can't be changed to {}",
                aeolus_kube::TLS
            )
        }
        Unchangeable::Immutable => format!("Secret {place} is immutable"),
    };
    Err(Report::new("KUBE-123", what)
        .why("Kubernetes changes no type, and no data of an immutable one. Nothing was changed.")
        .help("--recreate deletes it and makes it again; for a moment there is none, and who mounts it keeps what it has read")
        .failed())
}

/// Deletes one and makes another in its place. If that fails, the one before is made again.
async fn recreate(
    client: &Client,
    secret: &SecretObject,
    there: &SecretObject,
    dry: Dry,
) -> Result<SecretObject, Failure> {
    if dry == Dry::Run {
        return Ok(secret.clone());
    }
    let place = &secret.meta.place;
    let fails = |error: KubeError| refused(place, &error);
    client.delete_secret(&there.meta).await.map_err(fails)?;
    is_gone(client, &there.meta).await?;
    match client.apply_seen(secret, MANAGER, (false, Dry::No)).await {
        Ok(made) => Ok(made),
        Err(error) => {
            let mut before = there.clone();
            (before.meta.uid, before.meta.version) = (String::new(), String::new());
            let restored = client.create_secret(&before, MANAGER).await;
            let why = match restored {
                Ok(_) => "The one before was made again, with its labels and annotations.",
                Err(_) => "It was deleted, and could not be made again: there is none now.",
            };
            Err(Report::new(
                "KUBE-124",
                format!("Secret {place} could not be made again: {error}"),
            )
            .why(why)
            .help(error.help())
            .failed())
        }
    }
}

/// Its finalizers may keep it for a while.
async fn is_gone(client: &Client, deleted: &Meta) -> Result<(), Failure> {
    let place = &deleted.place;
    let deadline = Instant::now() + GONE.0;
    loop {
        let there = client.secret(place).await;
        let there = there.map_err(|error| refused(place, &error))?;
        if there.is_none_or(|there| there.meta.uid != deleted.uid) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let what = format!(
                "Secret {place} is still being deleted after {} s",
                GONE.0.as_secs()
            );
            return Err(Report::new("KUBE-122", what)
                .why("It waits for its finalizers, and can't be made again before.")
                .help("run it again once it is gone: kubectl get secret -o yaml says whose finalizers it has")
                .failed());
        }
        sleep(GONE.1).await;
    }
}

fn brought(
    wanted: &Wanted,
    (before, after): (Option<&SecretObject>, &SecretObject),
    (done, dry): (Done, Dry),
) -> Result<Brought, Failure> {
    let leaf = wanted.leaf()?;
    let there = before.and_then(tls::leaf);
    Ok(Brought {
        secret: wanted.place.to_string(),
        done,
        dry_run: dry == Dry::Run,
        changes: tls::changes(before, after),
        names: leaf.names.iter().map(ToString::to_string).collect(),
        not_after: moments::written(leaf.not_after),
        sha256_before: there.map(|there| there.fingerprint()),
        sha256: leaf.fingerprint(),
    })
}

impl Brought {
    pub(super) fn print(&self, output: Output) -> Result<(), Failure> {
        let mut table = Table::new(&["SECRET", "DONE", "GOOD UNTIL", "CHANGES", "SHA-256"]);
        let done = match self.done {
            Done::Created => "created",
            Done::Changed => "changed",
            Done::Unchanged => "unchanged",
            Done::Recreated => "recreated",
        };
        let changes = self.changes.iter();
        let changes: Vec<String> = changes
            .map(|one| format!("{} {}", one.entry, one.change))
            .collect();
        let own = self.sha256.to_string();
        table.row([
            self.secret.clone(),
            if self.dry_run {
                format!("{done} (dry run)")
            } else {
                done.to_owned()
            },
            self.not_after.clone(),
            if changes.is_empty() {
                "-".to_owned()
            } else {
                changes.join(", ")
            },
            match self.sha256_before.filter(|before| *before != self.sha256) {
                Some(before) => format!("{before} -> {own}"),
                None => own,
            },
        ]);
        ui::answer(output, self, &table)
    }
}

/// Why the cluster did not do it.
pub(super) fn refused(place: &Place, error: &KubeError) -> Failure {
    let help = match error {
        KubeError::Conflict(_) => {
            "another program has written it, and may do so again: have that one write the new certificate, or take it over with --force-conflicts"
        }
        KubeError::Forbidden(_) => {
            "grant get, create and patch on secrets there (delete as well for --recreate) to whoever runs this"
        }
        _ => error.help(),
    };
    let what = match error {
        KubeError::Conflict(told) => format!("Secret {place} is another program's: {told}"),
        _ => format!("Secret {place}: {error}"),
    };
    Report::new(error.code(), what)
        .why("The cluster keeps what it has.")
        .help(help)
        .failed()
}
