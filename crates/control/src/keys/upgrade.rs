//! An upgrade of the program, where the operator wants new keys at each (row H2): nothing that was issued
//! by the version before is good.

use aeolus_keys::Kind;
use aeolus_keys::envelope::MasterKey;
use aeolus_model::{Action, AuditEvent, Change as Changed, Clock, Rng, Time};
use aeolus_store::{SigningKey, Store, Unit as _, Write};
use semver::Version;

use super::{KeysError, make};
use crate::config::Upgrades;

/// The setting with the newest version that has run on the database.
const VERSION: &str = "product-version";

/// Notes that this version runs on the database. Where a newer one has run before, as in the middle of a
/// rolling upgrade, nothing happens; where the one before was older and new keys are wanted, all keys but
/// the snapshot key are replaced at once, and every session ends, in one transaction. Of replicas that
/// start at once one does it.
pub(crate) async fn note_version(
    store: &Store,
    master: &MasterKey,
    upgrades: &Upgrades,
    parts: (&dyn Clock, &dyn Rng),
) -> Result<(), KeysError> {
    let mut view = store.read().await?;
    let noted = view.settings().get(VERSION).await?;
    let kinds = kinds(&view.keys().list().await?);
    drop(view);
    let before = noted.as_deref().and_then(|text| Version::parse(text).ok());
    if before.as_ref().is_some_and(|at| *at >= upgrades.version) {
        return Ok(());
    }
    let version = upgrades.version.to_string();
    let replaced = match before {
        Some(_) if upgrades.regenerate_keys => make::records(master, kinds, parts)?,
        _ => Vec::new(),
    };
    let mut write = store.write().await?;
    let mut settings = write.settings();
    if !settings
        .follow(VERSION, (noted.as_deref(), &version))
        .await?
    {
        return Ok(());
    }
    if !replaced.is_empty() {
        let now = parts.0.now();
        let changes = regenerate(&mut write, &replaced, now).await?;
        let from = Changed::of("version", noted.as_deref().unwrap_or_default(), &version);
        write.audit(event(now, from.into_iter().chain(changes).collect()));
        tracing::warn!(
            version,
            "keys.regenerateEachUpgrade: all signing keys but the snapshot key were replaced; everybody has to sign in again, and every API token needs a new value"
        );
    }
    write.commit().await?;
    Ok(())
}

/// The kinds that there are, but for the one that root documents name.
fn kinds(keys: &[SigningKey]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = keys
        .iter()
        .filter_map(|key| Kind::parse(&key.kind))
        .filter(|kind| *kind != Kind::Manifest)
        .collect();
    kinds.dedup();
    kinds
}

/// Puts the new keys in the place of all there are of their kinds, retired ones too, and refuses whatever
/// no key signed: the cookies of gates, and sessions that control has not heard of yet.
async fn regenerate(
    write: &mut Write,
    new: &[SigningKey],
    now: Time,
) -> Result<Vec<Changed>, KeysError> {
    let mut changes = Vec::new();
    for key in write.keys().list().await? {
        if new.iter().any(|new| new.kind == key.kind) {
            changes.push(Changed::from("removed", key.kid));
        }
    }
    for key in new {
        write.keys().regenerate(key).await?;
        changes.push(Changed::to("kid", key.kid.as_str()));
    }
    let ended = write.sessions().end_everybody(now).await?;
    changes.push(Changed::from("sessions", ended.to_string()));
    // Gates compare whole seconds.
    let not_before = Time::from_secs(now.secs().saturating_add(1));
    write.revocations().mark_everything(not_before).await?;
    Ok(changes)
}

fn event(now: Time, changes: Vec<Changed>) -> AuditEvent {
    AuditEvent {
        target: "upgrade".to_owned(),
        changes,
        ..AuditEvent::of_system(now, Action::KeysRegenerate)
    }
}
