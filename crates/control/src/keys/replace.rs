//! The emergency: somebody else has the key.

use aeolus_api::key::Key;
use aeolus_keys::Kind;
use aeolus_model::{Action, Change as Changed, Permission};
use aeolus_store::{KeyStage, SigningKey, Unit as _, Write};

use super::make;
use super::opened::require_usable;
use super::rotate::{Turned, is_announced};
use super::view::{plainly, require_named, views};
use crate::app::App;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::once::Reply;

/// Lets another key sign at once and removes the active one. An announced key of token kinds goes as
/// well: it lay beside the stolen one. Retired ones stay; their private parts were forgotten. Returns
/// what was removed, with what that ends, and the position of the change.
pub(super) async fn replace(
    ctx: &Ctx,
    kind: Kind,
    keys: &[SigningKey],
    dry_run: bool,
) -> Result<Reply<Turned>, ApiError> {
    let app = &ctx.app;
    let active = keys.iter().find(|key| is_active(key));
    let active = active.ok_or_else(|| ApiError::internal("a kind without an active key"))?;
    let announced = keys.iter().find(|key| is_announced(key));
    let goes =
        |key: &SigningKey| key.id == active.id || (kind != Kind::Manifest && is_announced(key));
    let removed = counted(app, keys, (goes, !dry_run)).await?;
    if dry_run {
        return Ok(Reply::unchanged(Turned::not_yet(removed)));
    }
    let new = match kind {
        // Gates believe only what the root document names, which takes longer than an emergency has.
        Kind::Manifest => announced.cloned().ok_or_else(no_other)?,
        _ => make::new(app, kind).await.map_err(ApiError::internal)?,
    };
    let mut write = ctx.write().await?;
    let authority = ctx.authority(&mut write).await?;
    authority.require(Permission::SystemKeysUpdate, &[])?;
    if kind == Kind::Manifest {
        require_named(&mut write, &new).await?;
        require_usable(&new, &app.master, app.clock.now())?;
        write.keys().activate(&new, app.clock.now()).await?;
        write.keys().delete(active.id).await?;
    } else {
        write.keys().replace(active.id, &new).await?;
    }
    note(ctx, &mut write, (&removed, &new));
    ctx.done(write, |seq| Turned::at(seq, removed)).await
}

/// Some of these keys, with what hangs on them. In an emergency it goes on where that can't be counted in
/// time.
pub(super) async fn counted(
    app: &App,
    keys: &[SigningKey],
    (wanted, emergency): (impl Fn(&SigningKey) -> bool, bool),
) -> Result<Vec<Key>, ApiError> {
    let mut view = app.store.read().await?;
    match views(app, &mut view, keys, &wanted).await {
        Err(error) if emergency => {
            tracing::warn!(%error, "what a key's removal ends could not be counted");
            plainly(keys, wanted)
        }
        counted => counted,
    }
}

const fn is_active(key: &SigningKey) -> bool {
    matches!(key.stage, KeyStage::Active { .. })
}

fn note(ctx: &Ctx, write: &mut Write, (removed, new): (&[Key], &SigningKey)) {
    let mut event = ctx.event(Action::KeyReplace, None, &new.kid);
    event.changes = vec![Changed::to("kind", new.kind.as_str())];
    for key in removed {
        event
            .changes
            .push(Changed::from("removed", key.kid.as_str()));
        let ended = key.needed.tokens.unwrap_or(0);
        if ended > 0 {
            event
                .changes
                .push(Changed::from("tokens", ended.to_string()));
        }
    }
    write.audit(event);
}

fn no_other() -> ApiError {
    ApiError::Conflict(
        "No other snapshot key is announced, and gates believe none that the root document does not \
         name. Rotate without `compromised` to announce one, sign a root document that names it and \
         no longer the compromised one, and start a replica of control with it."
            .to_owned(),
    )
}
