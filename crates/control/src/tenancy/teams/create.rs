//! `POST /v1/organizations/{o}/teams`.

use aeolus_api::team::TeamCreate;
use aeolus_api::tenancy::{Created, Team as Shown};
use aeolus_model::{Action, Change, OrganizationId, Slug, TeamId};
use aeolus_store::{ManagedBy, Team, Unit as _, Write};
use axum::extract::Path;

use super::{Group, check_description, check_name, require, view};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;

/// Makes a team with nobody in it and without roles.
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(body): Json<TeamCreate>,
) -> Result<Reply<Created<Shown>>, ApiError> {
    check_name(&body.name)?;
    check_description(&body.description)?;
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    require(&authority, organization.id)?;
    let TeamCreate { name, description } = body;
    let team = make(&ctx, &mut write, organization.id, (name, description)).await?;
    let item = view::team(&mut write, team, &Group::None).await?;
    ctx.created(write, |seq| Created { item, seq }).await
}

/// Makes a team of the organization's own.
pub(super) async fn make(
    ctx: &Ctx,
    write: &mut Write,
    organization: OrganizationId,
    (name, description): (Slug, String),
) -> Result<Team, ApiError> {
    let team = Team {
        id: TeamId::new(&*ctx.app.clock, &*ctx.app.rng),
        organization,
        name,
        description,
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.teams().insert(&team).await?;
    let mut event = ctx.event(Action::TeamCreate, Some(organization), team.id);
    event.changes = vec![Change::to("name", team.name.to_string())];
    event
        .changes
        .extend(Change::of("description", "", &team.description));
    write.audit(event);
    Ok(team)
}
