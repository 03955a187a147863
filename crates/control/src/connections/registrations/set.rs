//! `PUT /v1/connections/{connection}/planes/{plane}?wait=planes`: the client that a plane has there.

use aeolus_api::FieldError;
use aeolus_api::connection::{PlaneRegister, PlaneRegistered};
use aeolus_api::fleet::{ConnectionKind, PlaneRegistration};
use aeolus_model::{Action, Change};
use aeolus_store::{Plane, Unit as _};
use axum::extract::Path;

use super::Found;
use super::view::Surroundings;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::planes::{Wait, heard};
use crate::tokens::wants_planes;

/// Registers the plane, or gives it another client. Judged like what a fleet document says.
pub(crate) async fn set(
    ctx: Ctx,
    Path((connection, plane)): Path<(String, String)>,
    query: Query,
    Json(body): Json<PlaneRegister>,
) -> Result<axum::Json<PlaneRegistered>, ApiError> {
    let wait = wants_planes(&query)?;
    let mut write = ctx.app.store.write().await?;
    let names = (connection.as_str(), plane.as_str());
    let (mut found, plane) = Found::to_change(&ctx, &mut write, names).await?;
    let before = found.settings.registration(&plane.name).cloned();
    let tag = before.as_ref().map(super::tag).transpose()?;
    ctx.if_match.require(tag.as_ref())?;
    let after = PlaneRegistration {
        plane: plane.name.clone(),
        client_id: body.client_id,
        token_endpoint_auth_method: body.token_endpoint_auth_method,
    };
    let own = &mut found.settings.registered_planes;
    own.retain(|each| each.plane != plane.name);
    own.push(after.clone());
    refuse_unfit(&found, &plane)?;
    if before.as_ref() != Some(&after) {
        write.connections().update(&found.stored()?).await?;
    }
    let mut event = ctx.event(Action::PlaneRegister, None, &found.row.name);
    event.reason = format!("plane:{}", plane.name);
    event.changes = changes(before.as_ref(), &after);
    write.audit(event);
    let seq = ctx.app.commit(write).await?;
    let planes = heard(&ctx.app, wait.then_some(Wait::any(None)), seq).await?;
    let mut unit = ctx.app.store.read().await?;
    let around = Surroundings::read(&mut unit, ctx.app.clock.now()).await?;
    Ok(axum::Json(PlaneRegistered {
        registered: around.view(&found, &after),
        seq,
        planes,
    }))
}

/// Refuses what a fleet document could not say either.
fn refuse_unfit(found: &Found, plane: &Plane) -> Result<(), ApiError> {
    let kind: ConnectionKind = serde_json::from_value(found.row.kind.as_str().into())
        .map_err(|_| ApiError::Internal(format!("the type of {}", found.row.id)))?;
    let whole = found.settings.as_declared(&found.row.name, kind);
    let last = whole.plane_registrations.len().saturating_sub(1);
    let has_auth_host = |name: &_| Some(*name != plane.name || plane.auth_host.is_some());
    let errors = whole.check_plane_registrations(has_auth_host);
    // What is wrong with others was there before; what a kind of provider has not, none has.
    let own = format!("planeRegistrations[{last}].");
    let errors: Vec<FieldError> = errors
        .into_iter()
        .filter_map(|(member, message)| {
            let at = match member.strip_prefix(&own) {
                Some(at) => at,
                None if member == "planeRegistrations" => "connection",
                None => return None,
            };
            Some(FieldError {
                at: at.to_owned(),
                message,
            })
        })
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ApiError::Invalid(errors))
    }
}

fn changes(before: Option<&PlaneRegistration>, after: &PlaneRegistration) -> Vec<Change> {
    let Some(before) = before else {
        let method = after.token_endpoint_auth_method.name();
        return vec![
            Change::to("clientId", &after.client_id),
            Change::to("tokenEndpointAuthMethod", method),
        ];
    };
    let method = |of: &PlaneRegistration| of.token_endpoint_auth_method.name();
    let all = [
        Change::of("clientId", &before.client_id, &after.client_id),
        Change::of("tokenEndpointAuthMethod", method(before), method(after)),
    ];
    all.into_iter().flatten().collect()
}
