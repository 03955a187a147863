//! `POST /v1/organizations/{o}/grants`.

use aeolus_api::tenancy::{Created, Grant as Shown, GrantCreate};
use aeolus_model::{Action, Change, Grant, GrantId, OrganizationId, Subject, TokenKind};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _, Write};
use axum::extract::Path;

use crate::authority::path_within;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;
use crate::people::waiting;
use crate::policy;
use crate::sessions::belongs;
use crate::tenancy::roles;

/// Gives somebody a role. Nobody can give more than they hold.
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(body): Json<GrantCreate>,
) -> Result<Reply<Created<Shown>>, ApiError> {
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let path = path_within(&mut write, organization.id, body.resource).await?;
    let path = path.ok_or(ApiError::NotFound("resource"))?;
    authority.require(roles::iam(body.resource), &path)?;
    let role = roles::resolve(&mut write, organization.id, &body.role, &path).await?;
    authority.require_covers(&role, &path)?;
    check_subject(&mut write, organization.id, &body).await?;
    if matches!(body.subject, Subject::User(_)) {
        policy::refuse_for_people(&organization)?;
    }
    let grant = Grant {
        id: GrantId::new(&*ctx.app.clock, &*ctx.app.rng),
        subject: body.subject,
        role,
        resource: body.resource,
    };
    let item = give(&ctx, &mut write, (organization.id, grant))
        .await?
        .into();
    ctx.created(write, |seq| Created { item, seq }).await
}

/// Gives what was judged already.
pub(crate) async fn give(
    ctx: &Ctx,
    write: &mut Write,
    (organization, grant): (OrganizationId, Grant),
) -> Result<Grant, ApiError> {
    let record = GrantRecord {
        grant,
        organization: Some(organization),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&record).await?;
    let grant = record.grant;
    let mut event = ctx.event(Action::GrantCreate, Some(organization), grant.id);
    event.changes = super::changes(&grant, Change::to);
    write.audit(event);
    Ok(grant)
}

/// The subject has to be in the organization already, and a token's grants have to lie in its
/// scope.
async fn check_subject(
    write: &mut Write,
    organization: OrganizationId,
    body: &GrantCreate,
) -> Result<(), ApiError> {
    let none = ApiError::field("subject", "there is no such subject in the organization");
    match body.subject {
        Subject::User(id) => {
            if !belongs(write, organization, id).await? {
                return Err(none);
            }
            Ok(waiting::keep(write, id).await?)
        }
        Subject::Team(id) => {
            let team = write.teams().get(id).await?;
            let inside = team.is_some_and(|team| team.organization == organization);
            if inside { Ok(()) } else { Err(none) }
        }
        Subject::Token(id) => {
            let token = write.tokens().get(id).await?.map(|record| record.token);
            let active = token.filter(|token| {
                let standard = token.kind == TokenKind::Standard;
                token.organization == organization && token.value().is_some() && standard
            });
            let token = active.ok_or(none)?;
            let path = path_within(write, organization, body.resource).await?;
            if path.unwrap_or_default().contains(&token.scope.resource()) {
                Ok(())
            } else {
                Err(ApiError::field(
                    "resource",
                    "it lies outside the token's scope",
                ))
            }
        }
    }
}
