//! `GET /v1/organizations/{o}/tokens`: the records the actor may see.

use std::time::Duration;

use aeolus_api::Page;
use aeolus_api::token::{Token, TokenScope as Shown};
use aeolus_model::{OrganizationId, Time, TokenId, TokenScope, UserId};
use aeolus_store::{Read, ScopeFilter, TokenFilter, Unit as _};
use axum::Json;
use axum::extract::Path;

use super::permission::may_see;
use super::view;
use crate::authority::path_within;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

const DAY: u64 = 86_400;
const MAX_DAYS: u64 = 36_500;

/// Lists tokens, oldest first: all of the organization for those who may see its service accounts,
/// else those of the workspaces and deployments where the actor may.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Token>>, ApiError> {
    let page = query.page::<TokenId>()?;
    let (filter, place) = (filter(&query, ctx.app.clock.now())?, place(&query)?);
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let Some(scope) = place.within(&mut view, organization.id).await? else {
        return Ok(Json(Page {
            items: Vec::new(),
            next_cursor: None,
        }));
    };
    let filter = TokenFilter { scope, ..filter };
    let listing = view.tokens().list(organization.id, &filter, page).await?;
    let mut items = Vec::new();
    for record in &listing.items {
        let resource = record.token.scope.resource();
        if may_see(&mut view, &authority, (organization.id, resource)).await? {
            items.push(view::with_roles(&mut view, record).await?);
        }
    }
    Ok(Json(Page {
        items,
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}

/// `?expiringWithinDays=30&olderThanDays=180&unusedForDays=90&createdBy=ID&kind=STANDARD`: all that are given hold.
fn filter(query: &Query, now: Time) -> Result<TokenFilter, ApiError> {
    let days = |name: &str| match query.0.get(name) {
        None => Ok::<_, ApiError>(None),
        Some(text) => {
            let days = text.parse::<u64>().ok().filter(|days| *days <= MAX_DAYS);
            let what = format!("use a number from 0 to {MAX_DAYS}");
            let days = days.ok_or_else(|| ApiError::field(name, what))?;
            Ok(Some(Duration::from_secs(days * DAY)))
        }
    };
    let ago = |days: Option<Duration>| days.map_or(Time::MAX, |days| now.minus(days));
    let created_by = match query.0.get("createdBy") {
        None => None,
        Some(text) => {
            let id = text.parse::<UserId>();
            Some(id.map_err(|_| ApiError::field("createdBy", "use a person's id"))?)
        }
    };
    Ok(TokenFilter {
        expires_before: days("expiringWithinDays")?.map_or(Time::MAX, |days| now.plus(days)),
        issued_before: ago(days("olderThanDays")?),
        unused_since: ago(days("unusedForDays")?),
        created_by,
        scope: ScopeFilter::Any,
        direct: match query.0.get("kind") {
            None => None,
            Some("STANDARD") => Some(false),
            Some("DIRECT_ACCESS") => Some(true),
            Some(_) => return Err(ApiError::field("kind", "use STANDARD or DIRECT_ACCESS")),
        },
    })
}

/// How far the tokens reach, as `?scope=WORKSPACE&entityId=ID` says it: either, both or none.
struct Place {
    scope: Option<Shown>,
    entity: Option<String>,
}

fn place(query: &Query) -> Result<Place, ApiError> {
    let scope = match query.0.get("scope") {
        None => None,
        Some("ORGANIZATION") => Some(Shown::Organization),
        Some("WORKSPACE") => Some(Shown::Workspace),
        Some("DEPLOYMENT") => Some(Shown::Deployment),
        Some(_) => {
            let what = "use ORGANIZATION, WORKSPACE or DEPLOYMENT";
            return Err(ApiError::field("scope", what));
        }
    };
    let entity = query.0.get("entityId").map(str::to_owned);
    if let Some(id) = &entity
        && id.parse::<OrganizationId>().is_err()
    {
        let what = "use the id of the organization, of a workspace or of a deployment";
        return Err(ApiError::field("entityId", what));
    }
    Ok(Place { scope, entity })
}

impl Place {
    /// The same in an organization; none if nothing of it has that id.
    async fn within(
        &self,
        view: &mut Read,
        organization: OrganizationId,
    ) -> Result<Option<ScopeFilter>, ApiError> {
        let Some(id) = &self.entity else {
            return Ok(Some(match self.scope {
                None => ScopeFilter::Any,
                Some(Shown::Organization) => {
                    ScopeFilter::At(TokenScope::Organization(organization))
                }
                Some(Shown::Workspace) => ScopeFilter::Workspaces,
                Some(Shown::Deployment) => ScopeFilter::Deployments,
            }));
        };
        let all = [
            (
                Shown::Organization,
                id.parse().ok().map(TokenScope::Organization),
            ),
            (Shown::Workspace, id.parse().ok().map(TokenScope::Workspace)),
            (
                Shown::Deployment,
                id.parse().ok().map(TokenScope::Deployment),
            ),
        ];
        for (shown, scope) in all {
            if let Some(scope) = scope
                && self.scope.is_none_or(|only| only == shown)
                && path_within(view, organization, scope.resource())
                    .await?
                    .is_some()
            {
                return Ok(Some(ScopeFilter::At(scope)));
            }
        }
        Ok(None)
    }
}
