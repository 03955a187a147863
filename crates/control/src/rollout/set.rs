//! `PUT /v1/rollouts/{name}?wait=planes`: adds a rollout, or gives one other settings.

use aeolus_api::FieldError;
use aeolus_api::fleet;
use aeolus_api::rollout::Changed;
use aeolus_model::{Action, Permission};
use aeolus_store::{ManagedBy, Rollout, RolloutStage, Unit as _};
use axum::extract::Path;

use super::view;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::tokens::wants_planes;

/// Sets a rollout running with these settings, whatever its stage was.
pub(crate) async fn set(
    ctx: Ctx,
    Path(name): Path<String>,
    query: Query,
    Json(settings): Json<fleet::Rollout>,
) -> Result<axum::Json<Changed>, ApiError> {
    let wait = wants_planes(&query)?;
    let mut write = ctx.app.store.write().await?;
    let authority = ctx.authority(&mut write).await?;
    authority.require(Permission::SystemPlanesUpdate, &[])?;
    if settings.name.as_str() != name {
        return Err(ApiError::field("name", "use the name in the URL"));
    }
    let mut faults: Vec<FieldError> = settings
        .faults()
        .into_iter()
        .map(|(at, why)| FieldError {
            at,
            message: why.to_owned(),
        })
        .collect();
    for (index, plane) in settings.rule.planes.iter().enumerate() {
        if write.planes().by_name(plane).await?.is_none() {
            faults.push(FieldError {
                at: format!("rule.planes[{index}]"),
                message: format!("there is no plane {plane}"),
            });
        }
    }
    if !faults.is_empty() {
        return Err(ApiError::Invalid(faults));
    }
    let found = write.rollouts().get(&settings.name).await?;
    let tag = found.as_ref().map(view::tag).transpose()?;
    ctx.if_match.require(tag.as_ref())?;
    let record = Rollout {
        name: settings.name.clone(),
        stage: RolloutStage::Running,
        settings: super::text(&settings)?,
        managed_by: found.as_ref().map_or(ManagedBy::Api, |r| r.managed_by),
        revision: found.as_ref().map_or(0, |r| r.revision),
    };
    match found {
        None => write.rollouts().insert(&record).await?,
        Some(_) => write.rollouts().update(&record).await?,
    }
    write.audit(ctx.event(Action::RolloutSet, None, &record.name));
    let seq = ctx.app.commit(write).await?;
    view::changed(&ctx.app, &record, (seq, wait)).await
}
