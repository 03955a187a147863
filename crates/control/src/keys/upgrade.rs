//! An upgrade of the program, where the operator wants new keys at each: at once (row H2), so that nothing that
//! was issued by the version before is good, or staged, so that nothing ends.

use aeolus_api::key::UpgradeEnds;
use aeolus_keys::Kind;
use aeolus_keys::envelope::MasterKey;
use aeolus_model::{Action, AuditEvent, Change as Changed, Clock, Rng, Time};
use aeolus_store::{KeyStage, SigningKey, Store, Unit as _, Write};
use semver::Version;

use super::life::notice;
use super::rotate::is_announced;
use super::{KeysError, ends, make};
use crate::config::{NewKeys, Upgrades};

/// The setting with the newest version that has run on the database.
const VERSION: &str = "product-version";

/// Notes that this version runs on the database. Where a newer one has run before, as in the middle of a
/// rolling upgrade, nothing happens; where the one before was older and new keys are wanted, they are made, in
/// one transaction: either all keys but the snapshot key are replaced and every session ends, or the next key of
/// each purpose is announced. Of replicas that start at once one does it.
pub(crate) async fn note_version(
    store: &Store,
    master: &MasterKey,
    upgrades: &Upgrades,
    parts: (&dyn Clock, &dyn Rng),
) -> Result<(), KeysError> {
    let mut view = store.read().await?;
    let noted = view.settings().get(VERSION).await?;
    let keys = view.keys().list().await?;
    drop(view);
    let before = noted.as_deref().and_then(|text| Version::parse(text).ok());
    if before.as_ref().is_some_and(|at| *at >= upgrades.version) {
        return say_what_the_next_ends(store, upgrades, parts.0.now()).await;
    }
    let version = upgrades.version.to_string();
    let wanted = match (&before, upgrades.keys) {
        (None, _) | (_, NewKeys::None) => Vec::new(),
        (Some(_), NewKeys::AtOnce) => kinds(&keys),
        (Some(_), NewKeys::Staged) => kinds_without_next(&keys),
    };
    let new = make::records(master, wanted, parts)?;
    let mut write = store.write().await?;
    let mut settings = write.settings();
    if !settings
        .follow(VERSION, (noted.as_deref(), &version))
        .await?
    {
        return Ok(());
    }
    let now = parts.0.now();
    let from = Changed::of("version", noted.as_deref().unwrap_or_default(), &version);
    let from: Vec<Changed> = from.into_iter().collect();
    match upgrades.keys {
        NewKeys::AtOnce if !new.is_empty() => regenerate(&mut write, &new, (now, from)).await?,
        NewKeys::Staged if !new.is_empty() => announce(&mut write, new, (now, &from)).await?,
        _ => {}
    }
    write.commit().await?;
    say_what_the_next_ends(store, upgrades, now).await
}

/// At every start, so that whoever plans an upgrade has read it.
async fn say_what_the_next_ends(
    store: &Store,
    upgrades: &Upgrades,
    now: Time,
) -> Result<(), KeysError> {
    if upgrades.keys == NewKeys::AtOnce {
        let ends = ends::counted(&mut store.read().await?, now).await?;
        tracing::warn!(
            "keys.regenerateEachUpgrade: the next upgrade will end {ends}; keys.rotateEachUpgrade in its place gives new keys and ends nothing"
        );
    }
    Ok(())
}

/// The kinds that there are, but for the one that root documents name.
pub(super) fn kinds(keys: &[SigningKey]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = keys
        .iter()
        .filter_map(|key| Kind::parse(&key.kind))
        .filter(|kind| *kind != Kind::Manifest)
        .collect();
    kinds.dedup();
    kinds
}

/// Those of them whose next key is not announced yet.
fn kinds_without_next(keys: &[SigningKey]) -> Vec<Kind> {
    let mut kinds = kinds(keys);
    kinds.retain(|kind| {
        let of_kind = keys.iter().filter(|key| key.kind == kind.name());
        !of_kind.into_iter().any(is_announced)
    });
    kinds
}

/// Announces the next keys, which take over as in any rotation: after as long as a gate that is cut off may go on,
/// so that it knows them by then or lets nobody in.
async fn announce(
    write: &mut Write,
    new: Vec<SigningKey>,
    (now, version): (Time, &[Changed]),
) -> Result<(), KeysError> {
    let from = now.plus(notice(write).await?);
    for mut key in new {
        key.stage = KeyStage::Announced {
            from,
            certain: from,
        };
        write.keys().insert(&key).await?;
        let mut changes = version.to_vec();
        changes.push(Changed::to("kind", key.kind.as_str()));
        changes.push(Changed::to("activateAt", from.secs().to_string()));
        write.audit(AuditEvent {
            target: key.kid,
            changes,
            ..AuditEvent::of_system(now, Action::KeyAnnounce)
        });
    }
    tracing::info!(
        "keys.rotateEachUpgrade: the next signing keys are announced; they take over by themselves, and nothing ends"
    );
    Ok(())
}

/// Puts the new keys in the place of all there are of their kinds, retired ones too, and refuses whatever
/// no key signed: the cookies of gates, and sessions that control has not heard of yet.
async fn regenerate(
    write: &mut Write,
    new: &[SigningKey],
    (now, mut changes): (Time, Vec<Changed>),
) -> Result<(), KeysError> {
    let ends = ends::counted(write, now).await?;
    for key in write.keys().list().await? {
        if new.iter().any(|new| new.kind == key.kind) {
            changes.push(Changed::from("removed", key.kid));
        }
    }
    for key in new {
        write.keys().regenerate(key).await?;
        changes.push(Changed::to("kid", key.kid.as_str()));
    }
    write.sessions().end_everybody(now).await?;
    changes.extend(counts(&ends));
    // Gates compare whole seconds.
    let not_before = Time::from_secs(now.secs().saturating_add(1));
    write.revocations().mark_everything(not_before).await?;
    write.audit(AuditEvent {
        target: "upgrade".to_owned(),
        changes,
        ..AuditEvent::of_system(now, Action::KeysRegenerate)
    });
    tracing::warn!(
        "keys.regenerateEachUpgrade: all signing keys but the snapshot key were replaced, which ended {ends}: everybody has to sign in again, and every token needs a new value (aeolus token rotate)"
    );
    Ok(())
}

fn counts(ends: &UpgradeEnds) -> [Changed; 4] {
    [
        ("sessions", ends.sessions),
        ("apiTokens", ends.api_tokens),
        ("directTokens", ends.direct_tokens),
        ("organizations", ends.organizations),
    ]
    .map(|(what, count)| Changed::from(what, count.to_string()))
}
