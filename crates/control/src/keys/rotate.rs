//! `POST /v1/keys/{purpose}/rotate`: the next key of a purpose.

use std::time::Duration;

use aeolus_api::Period;
use aeolus_api::key::{Key, KeyPurpose, KeyRotate, KeyRotated};
use aeolus_keys::Kind;
use aeolus_model::{Action, Change as Changed, Permission, Time};
use aeolus_store::{KeyStage, SigningKey, Unit as _, Write};
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::life::{CACHED, notice};
use super::opened::require_usable;
use super::view::{kind, not_known_by, require_named, views};
use super::{make, replace};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{JsonOrNothing, Query};
use crate::once::Reply;
use crate::planes::Wait;
use crate::tokens::wants_planes;

/// Nobody means a later date.
const MAX_NOTICE: Duration = Duration::from_secs(366 * 86_400);

/// What a rotation did.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Turned {
    removed: Vec<Key>,
    seq: Option<u64>,
}

impl Turned {
    /// What it does at a position of the feed.
    pub(super) const fn at(seq: u64, removed: Vec<Key>) -> Self {
        let seq = Some(seq);
        Self { removed, seq }
    }

    /// What it would do.
    pub(super) const fn not_yet(removed: Vec<Key>) -> Self {
        let seq = None;
        Self { removed, seq }
    }
}

/// Announces the next key of a purpose, or gives the announced one another date; replaces a compromised
/// one at once.
pub(crate) async fn rotate(
    ctx: Ctx,
    Path(purpose): Path<String>,
    query: Query,
    JsonOrNothing(body): JsonOrNothing<KeyRotate>,
) -> Result<Response, ApiError> {
    let wait = wants_planes(&query)?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemKeysUpdate, &[])?;
    let purpose: KeyPurpose = purpose.parse().map_err(|_| ApiError::NotFound("purpose"))?;
    let kind = kind(purpose);
    if !ctx.app.keys.uses(kind) {
        return Err(ApiError::NotFound("purpose"));
    }
    check(&body)?;
    let mut keys = view.keys().list().await?;
    keys.retain(|key| key.kind == kind.name());
    let notice = notice(&mut view).await?;
    drop(view);
    let turned = match ctx.recall().await {
        Err(again) => Err(again),
        Ok(()) if body.compromised => replace::replace(&ctx, kind, &keys, body.dry_run).await,
        Ok(()) => {
            let announced = keys.into_iter().find(is_announced);
            announce(&ctx, kind, announced, (body, notice)).await
        }
    };
    let app = &ctx.app;
    // How the keys stand is not kept: it says what comes next as of now.
    let (Turned { removed, seq }, again) = match turned {
        Ok(turned) => (turned.body, None),
        Err(ApiError::Again(again)) => (again.kept()?, Some(again)),
        Err(error) => return Err(error),
    };
    app.keys
        .refresh(&app.store, &app.master)
        .await
        .map_err(ApiError::internal)?;
    let planes = match seq {
        Some(seq) if wait => Some(Wait::any(None).heard(app, seq).await?),
        _ => None,
    };
    let mut view = app.store.read().await?;
    let all = view.keys().list().await?;
    let keys = views(app, &mut view, &all, |key| key.kind == kind.name()).await?;
    let rotated = KeyRotated {
        keys,
        removed,
        seq,
        planes,
    };
    Ok(match again {
        None => axum::Json(rotated).into_response(),
        Some(again) => again.with(&rotated)?.into_response(),
    })
}

fn check(body: &KeyRotate) -> Result<(), ApiError> {
    if body.compromised && (body.activate_in.is_some() || body.regardless) {
        let what = "a compromised key is replaced at once: leave out activateIn and regardless";
        return Err(ApiError::field("compromised", what));
    }
    if body.dry_run && !body.compromised {
        let what = "only with compromised: any other rotation ends nothing";
        return Err(ApiError::field("dryRun", what));
    }
    if body
        .activate_in
        .is_some_and(|period| period.duration() > MAX_NOTICE)
    {
        return Err(ApiError::field("activateIn", "use at most 366d"));
    }
    Ok(())
}

pub(super) const fn is_announced(key: &SigningKey) -> bool {
    matches!(key.stage, KeyStage::Announced { .. })
}

async fn announce(
    ctx: &Ctx,
    kind: Kind,
    announced: Option<SigningKey>,
    (body, notice): (KeyRotate, Duration),
) -> Result<Reply<Turned>, ApiError> {
    if announced.is_some() && body.activate_in.is_none() {
        let what = "A key is announced already. Say activateIn to give it another date.";
        return Err(ApiError::Conflict(what.to_owned()));
    }
    let is_new = announced.is_none();
    let mut key = match announced {
        Some(key) => key,
        None => make::new(&ctx.app, kind)
            .await
            .map_err(ApiError::internal)?,
    };
    let now = ctx.app.clock.now();
    let (from, certain) = dates(now, key.created_at, (body, notice));
    let at_once = from <= now && (body.regardless || !is_new);
    if at_once && certain > now {
        refuse_unknown(ctx, &key).await?;
    }
    let mut write = ctx.write().await?;
    let authority = ctx.authority(&mut write).await?;
    authority.require(Permission::SystemKeysUpdate, &[])?;
    if is_new {
        key.stage = KeyStage::Announced { from, certain };
        write.keys().insert(&key).await?;
    } else {
        write.keys().reschedule(key.id, (from, certain)).await?;
    }
    let mut event = ctx.event(Action::KeyAnnounce, None, &key.kid);
    event.changes = vec![
        Changed::to("kind", key.kind.as_str()),
        Changed::to("activateAt", from.secs().to_string()),
    ];
    write.audit(event);
    if at_once {
        require_named(&mut write, &key).await?;
        activate(ctx, &mut write, (&key, now)).await?;
    }
    ctx.done(write, |seq| Turned::at(seq, Vec::new())).await
}

/// From when on a key signs if every plane knows it, and from when on whatever planes say. It is not
/// before everybody who caches the key set has asked again, unless that is wanted.
fn dates(now: Time, announced: Time, (body, notice): (KeyRotate, Duration)) -> (Time, Time) {
    let asked = now.plus(body.activate_in.map_or(notice, Period::duration));
    if body.regardless {
        return (asked, asked);
    }
    let from = asked.max(announced.plus(CACHED));
    (from, from.max(announced.plus(notice)))
}

/// Refuses while there are planes that would refuse what the key signs.
async fn refuse_unknown(ctx: &Ctx, key: &SigningKey) -> Result<(), ApiError> {
    let planes = not_known_by(&ctx.app, key).await?;
    if planes.is_empty() {
        return Ok(());
    }
    Err(ApiError::Conflict(format!(
        "These planes have gates that have not said that they know the key, and would refuse what it signs: \
         {}. Wait until all are connected, or for seven days where one is gone for good; `regardless` does \
         it all the same.",
        planes.join(", ")
    )))
}

async fn activate(
    ctx: &Ctx,
    write: &mut Write,
    (key, now): (&SigningKey, Time),
) -> Result<(), ApiError> {
    require_usable(key, &ctx.app.master, now)?;
    let before = write.keys().active(&key.kind).await?;
    write.keys().activate(key, now).await?;
    let mut event = ctx.event(Action::KeyActivate, None, &key.kid);
    event.changes = before
        .map(|before| Changed::from("retired", before.kid))
        .into_iter()
        .collect();
    write.audit(event);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn asked(secs: Option<u64>, regardless: bool) -> (KeyRotate, Duration) {
        let body = KeyRotate {
            activate_in: secs.map(Period::from_secs),
            regardless,
            ..KeyRotate::default()
        };
        (body, DAY)
    }

    #[test]
    fn f31_a_key_waits_for_planes_as_long_as_a_cut_off_one_may_serve() {
        assert_eq!(
            dates(NOW, NOW, asked(None, false)),
            (NOW.plus(DAY), NOW.plus(DAY))
        );
        let hour = Duration::from_secs(3600);
        assert_eq!(
            dates(NOW, NOW, asked(Some(3600), false)),
            (NOW.plus(hour), NOW.plus(DAY))
        );
        // Not before caches of the key set have ended.
        assert_eq!(
            dates(NOW, NOW, asked(Some(0), false)),
            (NOW.plus(CACHED), NOW.plus(DAY))
        );
        let later = NOW.plus(hour);
        assert_eq!(
            dates(later, NOW, asked(Some(0), false)),
            (later, NOW.plus(DAY))
        );
        assert_eq!(dates(NOW, NOW, asked(Some(0), true)), (NOW, NOW));
        let long = (NOW.plus(3 * DAY), NOW.plus(3 * DAY));
        assert_eq!(dates(NOW, NOW, asked(Some(3 * 86_400), false)), long);
    }
}
