//! `GET /v1/organizations/{o}/audit`.

use aeolus_api::Page;
use aeolus_model::{AuditEvent, Permission};
use aeolus_store::{AuditCursor, Unit as _};
use axum::Json;
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists what happened in an organization, oldest first. Cursors are `POSITION.ORDINAL`.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<AuditEvent>>, ApiError> {
    let page = query.page::<Cursor>()?;
    let page = aeolus_store::Page {
        after: page.after.map(|cursor| cursor.0),
        limit: page.limit,
    };
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationAuditGet, &path)?;
    let listing = view.audit_log().list(Some(organization.id), page).await?;
    Ok(Json(Page {
        items: listing
            .items
            .into_iter()
            .map(|record| record.event)
            .collect(),
        next_cursor: listing
            .next
            .map(|c| format!("{}.{}", c.position, c.ordinal)),
    }))
}

struct Cursor(AuditCursor);

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (position, ordinal) = text.split_once('.').ok_or(())?;
        Ok(Self(AuditCursor {
            position: position.parse().map_err(|_| ())?,
            ordinal: ordinal.parse().map_err(|_| ())?,
        }))
    }
}
