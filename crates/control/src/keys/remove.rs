//! `DELETE /v1/keys/{kid}?compromised=&dry_run=&wait=planes`.

use aeolus_api::key::{Key, KeyRemoved};
use aeolus_model::{Action, Change as Changed, Permission, Time};
use aeolus_store::{KeyStage, SigningKey, StoreError, Unit as _};
use axum::extract::Path;

use super::replace::counted;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::planes::{Wait, heard};
use crate::tokens::wants_planes;

/// Removes a key that doesn't sign: what it has signed is refused from then on. Refuses where something
/// it signed is still good, unless somebody else has the key (F29). An announced key has signed
/// nothing: removing it takes the rotation back.
pub(crate) async fn remove(
    ctx: Ctx,
    Path(kid): Path<String>,
    query: Query,
) -> Result<axum::Json<KeyRemoved>, ApiError> {
    let app = &ctx.app;
    let wait = wants_planes(&query)?;
    let (compromised, dry_run) = (query.flag("compromised")?, query.flag("dry_run")?);
    let mut view = app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemKeysUpdate, &[])?;
    let all = view.keys().list().await?;
    drop(view);
    let key = all.iter().find(|key| key.kid == kid);
    let key = key.ok_or(ApiError::NotFound("key"))?;
    let is_it = |other: &SigningKey| other.id == key.id;
    // Before the transaction: a key that signs no more is needed by ever fewer.
    let shown = counted(app, &all, (is_it, compromised && !dry_run)).await?;
    let removed = shown.into_iter().next().ok_or(ApiError::NotFound("key"))?;
    if dry_run {
        return Ok(axum::Json(KeyRemoved {
            removed,
            seq: None,
            planes: None,
        }));
    }
    if matches!(key.stage, KeyStage::Active { .. }) {
        let what = "The key signs. Rotate its purpose; if somebody else has it, rotate with \
                    `compromised`, which removes it.";
        return Err(ApiError::Conflict(what.to_owned()));
    }
    if removed.needed.until.is_some() && !compromised {
        return Err(needed(&removed, app.clock.now()));
    }
    let mut write = app.store.write().await?;
    let authority = ctx.authority(&mut write).await?;
    authority.require(Permission::SystemKeysUpdate, &[])?;
    let same = write.keys().get(key.id).await?.as_ref() == Some(key);
    if !same || !write.keys().delete(key.id).await? {
        return Err(StoreError::Conflict.into());
    }
    let mut event = ctx.event(Action::KeyRemove, None, &key.kid);
    event.changes = vec![Changed::from("kind", key.kind.as_str())];
    if let Some(ended) = removed.needed.tokens.filter(|ended| *ended > 0) {
        event
            .changes
            .push(Changed::from("tokens", ended.to_string()));
    }
    write.audit(event);
    let seq = app.commit(write).await?;
    app.keys
        .refresh(&app.store, &app.master)
        .await
        .map_err(ApiError::internal)?;
    let planes = heard(app, wait.then_some(Wait::any(None)), seq).await?;
    Ok(axum::Json(KeyRemoved {
        removed,
        seq: Some(seq),
        planes,
    }))
}

fn needed(key: &Key, now: Time) -> ApiError {
    let until = key.needed.until.unwrap_or_default();
    let hours = until.saturating_sub(now.secs()).max(0) / 3600;
    let what = match key.needed.tokens {
        Some(count) => format!("{count} live tokens"),
        None => "what it signed last".to_owned(),
    };
    ApiError::Conflict(format!(
        "The key is needed by {what} of purpose {}, the last of them for {} days and {} hours. It is \
         removed by itself after that, or when they have been rotated or deleted; `dry_run` says whose \
         they are. `compromised` removes it now and ends them.",
        key.purpose,
        hours / 24,
        hours % 24
    ))
}
