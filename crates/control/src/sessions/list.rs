//! `GET /v1/sessions`: who is signed in, since when and where.

use aeolus_api::Page;
use aeolus_api::session::Session;
use aeolus_model::SessionId;
use aeolus_store::Unit as _;
use axum::Json;

use super::view::Viewer;
use super::whose::{Purpose, Whose, asked};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists live sessions, oldest first: one's own; with `organization`, those that its people use in it;
/// with `user`, those of one person.
pub(crate) async fn list(ctx: Ctx, query: Query) -> Result<Json<Page<Session>>, ApiError> {
    let page = query.page::<SessionId>()?;
    let now = ctx.app.clock.now();
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let whose = asked(&ctx, &mut view, &authority, (&query, Purpose::See)).await?;
    let (listing, within) = match whose {
        Whose::Person(user) => (view.sessions().list(user, now, page).await?, None),
        Whose::Within(organization, user) => {
            let of = (organization, user);
            let listing = view.sessions().list_in(of, now, page).await?;
            (listing, Some(organization))
        }
    };
    let mut viewer = Viewer::new(&ctx, within);
    let mut items = Vec::new();
    for record in listing.items {
        items.extend(viewer.view(&mut view, record).await?);
    }
    Ok(Json(Page {
        items,
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}
