//! What is due: each replica of control looks, and the database lets one of them do it.

use std::collections::BTreeSet;

use aeolus_keys::Kind;
use aeolus_model::{Action, AuditEvent, Change as Changed, KeyId, Time};
use aeolus_store::{KeyStage, SigningKey, StoreError, Unit as _, Write};

use super::life::{announced_next, kept_until, notice};
use super::needs::needs;
use super::opened::require_usable;
use super::view::{may_sign, not_known_by};
use super::{KINDS, make};
use crate::app::App;
use crate::error::ApiError;

/// Lets announced keys sign whose time has come: early only where every plane knows them, which is asked
/// if `ask`. One that can't is said once, and is in `refused` from then on. Says whether any does.
pub(super) async fn activate(
    app: &App,
    (now, ask): (Time, bool),
    refused: &mut BTreeSet<KeyId>,
) -> Result<bool, ApiError> {
    let held = app.keys.now.load_full();
    let mut moved = false;
    for key in &held.records {
        let KeyStage::Announced { from, certain } = key.stage else {
            continue;
        };
        if now < from || (now < certain && !(ask && not_known_by(app, key).await?.is_empty())) {
            continue;
        }
        if let Err(error) = require_usable(key, &app.master, now) {
            if refused.insert(key.id) {
                tracing::error!(%error, "a signing key does not take over");
            }
            continue;
        }
        let mut write = app.store.write().await?;
        // It may have got another date since it was read.
        let same = write.keys().get(key.id).await? == Some(key.clone());
        if !same || !may_sign(&mut write, key).await? {
            continue;
        }
        let before = write.keys().active(&key.kind).await?;
        let done = write.keys().activate(key, now).await;
        if !first(done)? {
            continue;
        }
        let retired = before.map(|before| Changed::from("retired", before.kid));
        let retired = retired.into_iter().collect();
        moved |= noted(app, write, (Action::KeyActivate, key, retired)).await?;
    }
    Ok(moved)
}

/// Announces the next keys where keys are replaced on schedule. Snapshot keys are not: root documents
/// name them, which nobody here can sign.
pub(super) async fn announce(app: &App, now: Time) -> Result<bool, ApiError> {
    let Some(every) = app.rotate_keys else {
        return Ok(false);
    };
    let mut view = app.store.read().await?;
    let keys = view.keys().list().await?;
    let notice = notice(&mut view).await?;
    drop(view);
    let mut moved = false;
    for kind in KINDS.into_iter().chain([Kind::Legacy, Kind::SecurityEvent]) {
        let of_kind = |key: &&SigningKey| key.kind == kind.name();
        let announced = |key: &SigningKey| matches!(key.stage, KeyStage::Announced { .. });
        let due = keys
            .iter()
            .filter(of_kind)
            .find_map(|key| announced_next(key, (every, notice)));
        if kind == Kind::Manifest
            || !app.keys.uses(kind)
            || keys.iter().filter(of_kind).any(announced)
            || due.is_none_or(|due| now < due)
        {
            continue;
        }
        let mut key = make::new(app, kind).await.map_err(ApiError::internal)?;
        let from = now.plus(notice);
        key.stage = KeyStage::Announced {
            from,
            certain: from,
        };
        let mut write = app.store.write().await?;
        if first(write.keys().insert(&key).await)? {
            let at = vec![Changed::to("activateAt", from.secs().to_string())];
            moved |= noted(app, write, (Action::KeyAnnounce, &key, at)).await?;
        }
    }
    Ok(moved)
}

/// Removes retired keys that nothing needs any more, and didn't at the look before. Public keys can't be
/// made again, and clocks are corrected within minutes.
pub(super) async fn remove(
    app: &App,
    now: Time,
    over: &mut BTreeSet<KeyId>,
) -> Result<bool, ApiError> {
    let held = app.keys.now.load_full();
    let before = std::mem::take(over);
    let mut moved = false;
    for key in &held.records {
        if kept_until(key.stage).is_none_or(|kept| now < kept) {
            continue;
        }
        let mut view = app.store.read().await?;
        let needed = needs(app, &mut view, key).await?.until.is_some();
        drop(view);
        if needed {
            continue;
        }
        if !before.contains(&key.id) {
            over.insert(key.id);
            continue;
        }
        let mut write = app.store.write().await?;
        if write.keys().delete(key.id).await? {
            moved |= noted(app, write, (Action::KeyRemove, key, Vec::new())).await?;
        }
    }
    Ok(moved)
}

/// Whether this replica was the first: another that did the same meanwhile is no error.
fn first(done: Result<(), StoreError>) -> Result<bool, ApiError> {
    match done {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict | StoreError::Taken(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn noted(
    app: &App,
    mut write: Write,
    (action, key, mut changes): (Action, &SigningKey, Vec<Changed>),
) -> Result<bool, ApiError> {
    changes.insert(0, Changed::to("kind", key.kind.as_str()));
    write.audit(AuditEvent {
        target: key.kid.clone(),
        changes,
        ..AuditEvent::of_system(app.clock.now(), action)
    });
    tracing::info!(
        kind = key.kind,
        kid = key.kid,
        action = action.name(),
        "a signing key moved on"
    );
    app.commit(write).await?;
    Ok(true)
}
