//! `POST /v1/planes/{plane}/quarantine` and `…/release`: a plane whose identity somebody else may have is
//! told nothing more, and believed nothing, until it is enrolled again or released.

use aeolus_api::plane::PlaneChanged;
use aeolus_model::{Action, Permission};
use aeolus_store::{Plane, PlaneStage, Unit as _, Write};
use axum::extract::Path;

use super::get::find;
use super::view;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::once::Reply;

/// Believes a plane's identity no more. Its gates go on with what they have, within the bounds of their
/// deployments' staleness; new sign-ins, renewals and news they get none.
pub(crate) async fn quarantine(
    ctx: Ctx,
    Path(plane): Path<String>,
) -> Result<Reply<PlaneChanged>, ApiError> {
    let at = ctx.app.clock.now();
    let (write, plane) = asked(&ctx, &plane).await?;
    let PlaneStage::Enrolled { identity, .. } = &plane.stage else {
        let text = "Only an enrolled plane has an identity that can be doubted.";
        return Err(ApiError::Conflict(text.to_owned()));
    };
    let stage = PlaneStage::Quarantined {
        identity: Some(identity.clone()),
        at,
    };
    store(
        &ctx,
        write,
        Plane { stage, ..plane },
        Action::PlaneQuarantine,
    )
    .await
}

/// Believes the same identity again: it was in nobody else's hands. Otherwise add the plane again, which
/// gives out a join token for another identity.
pub(crate) async fn release(
    ctx: Ctx,
    Path(plane): Path<String>,
) -> Result<Reply<PlaneChanged>, ApiError> {
    let at = ctx.app.clock.now();
    let (write, plane) = asked(&ctx, &plane).await?;
    let PlaneStage::Quarantined {
        identity: Some(identity),
        ..
    } = &plane.stage
    else {
        let text = "The plane is not in quarantine.";
        return Err(ApiError::Conflict(text.to_owned()));
    };
    let identity = identity.clone();
    let stage = PlaneStage::Enrolled { identity, at };
    store(&ctx, write, Plane { stage, ..plane }, Action::PlaneRelease).await
}

async fn asked(ctx: &Ctx, plane: &str) -> Result<(Write, Plane), ApiError> {
    let mut write = ctx.write_for(Permission::SystemPlanesUpdate).await?;
    let plane = find(&mut write, plane).await?;
    Ok((write, plane))
}

async fn store(
    ctx: &Ctx,
    mut write: Write,
    plane: Plane,
    action: Action,
) -> Result<Reply<PlaneChanged>, ApiError> {
    write.planes().update(&plane).await?;
    write.audit(ctx.event(action, None, plane.id));
    let plane = view::view(&ctx.app, &mut write, plane).await?;
    ctx.done(write, |seq| PlaneChanged { plane, seq }).await
}
