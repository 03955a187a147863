//! `POST /v1/rollouts/{name}/promote?wait=planes` and `…/abort?wait=planes`.

use aeolus_api::rollout::Changed;
use aeolus_model::{Action, Permission};
use aeolus_store::{Rollout, RolloutStage, Unit as _};
use axum::extract::Path;
use http::StatusCode;

use super::get::find;
use super::view;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::once::Reply;
use crate::planes::Wait;
use crate::tokens::wants_planes;

/// Gives the path to everything that the rollout is about.
pub(crate) async fn promote(
    ctx: Ctx,
    Path(name): Path<String>,
    query: Query,
) -> Result<Reply<Changed>, ApiError> {
    let to = (RolloutStage::Promoted, Action::RolloutPromote);
    moved(&ctx, &name, wants_planes(&query)?, to).await
}

/// Takes the path from everything, at once: connected gates obey within two seconds.
pub(crate) async fn abort(
    ctx: Ctx,
    Path(name): Path<String>,
    query: Query,
) -> Result<Reply<Changed>, ApiError> {
    let to = (RolloutStage::Aborted, Action::RolloutAbort);
    moved(&ctx, &name, wants_planes(&query)?, to).await
}

/// To the stage it has already it goes as well: whoever aborts wants to hear that it is aborted.
async fn moved(
    ctx: &Ctx,
    name: &str,
    wait: bool,
    (stage, action): (RolloutStage, Action),
) -> Result<Reply<Changed>, ApiError> {
    let mut write = ctx.write_for(Permission::SystemPlanesUpdate).await?;
    let found = find(&mut write, name).await?;
    ctx.if_match.require(Some(&view::tag(&found)?))?;
    let record = Rollout { stage, ..found };
    write.rollouts().update(&record).await?;
    write.audit(ctx.event(action, None, &record.name));
    let mut sums = view::figures(&ctx.app, &mut write).await?;
    let rollout = view::view(&record, &mut sums)?;
    let wait = wait.then_some(Wait::any(None));
    let changed = |seq| Changed {
        rollout,
        seq,
        planes: None,
    };
    ctx.awaited(write, (StatusCode::OK, wait), changed).await
}
