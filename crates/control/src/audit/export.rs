//! `GET /v1/organizations/{o}/audit:export` and `GET /v1/audit:export`: the log as a file.

use aeolus_keys::chain::{Footer, Header, Line, Walk};
use aeolus_store::AuditLine;
use axum::extract::Path;
use axum::response::Response;
use serde_json::value::RawValue;

use super::chain::{self, Stretch};
use super::stream::{self, Pages};
use super::{filter, readable};
use crate::app::App;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// An organization's log.
pub(crate) async fn export(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Response, ApiError> {
    file(ctx, Some(&organization), &query).await
}

/// The log of everything.
pub(crate) async fn export_all(ctx: Ctx, query: Query) -> Result<Response, ApiError> {
    file(ctx, None, &query).await
}

async fn file(ctx: Ctx, organization: Option<&str>, query: &Query) -> Result<Response, ApiError> {
    let scope = readable(&ctx, organization).await?;
    let period = filter::period(query)?;
    let mut view = ctx.app.store.read().await?;
    let stretch = Stretch::of(&mut view, scope, period).await?;
    drop(view);
    let (pages, answer) = stream::answer();
    tokio::spawn(async move {
        // Nothing can be said any more: the file ends without its footer.
        if let Err(error) = write(&ctx.app, stretch, &pages).await {
            let request_id = &ctx.request.id;
            tracing::error!(%request_id, %error, "an export of the audit log broke off");
        }
    });
    Ok(answer)
}

async fn write(app: &App, mut stretch: Stretch, pages: &Pages) -> Result<(), ApiError> {
    let mut walk = Walk::new(stretch.scope, stretch.begin);
    let mut good = true;
    let mut page = Vec::new();
    let header = Header::new(app.issuer.clone(), stretch.scope, stretch.begin);
    stream::push(&mut page, &header).map_err(ApiError::Internal)?;
    let mut end = stretch.begin;
    while let Some(lines) = stretch.next(app).await? {
        for line in lines {
            let link = line.link(stretch.scope);
            let step = walk.step(line.cursor.into(), link, line.text.as_bytes());
            good = good && step.is_ok();
            end = link.unwrap_or(end);
            put(&mut page, &line, &stretch)?;
        }
        if !pages.send(std::mem::take(&mut page)).await {
            return Ok(());
        }
    }
    // Where the log is known to go further than what was found, the footer says so: whoever verifies the
    // file finds the end missing. Control signs only what it has followed itself.
    let end = stretch.head.unwrap_or(end);
    good = good && walk.finish(stretch.head).is_ok();
    let checkpoint = if good && end.line > 0 {
        Some(chain::sign(app, stretch.scope, end)?.0)
    } else {
        None
    };
    stream::push(&mut page, &Footer { end, checkpoint }).map_err(ApiError::Internal)?;
    pages.send(page).await;
    Ok(())
}

/// Adds a line as it is stored, whatever was done to it. What is no JSON is shown as a text, which has
/// another hash.
fn put(page: &mut Vec<u8>, line: &AuditLine, stretch: &Stretch) -> Result<(), ApiError> {
    let link = line.link(stretch.scope);
    let one_line = !line.text.contains(['\n', '\r']);
    let event = match RawValue::from_string(line.text.clone()) {
        Ok(event) if one_line => event,
        _ => serde_json::value::to_raw_value(&line.text).map_err(ApiError::internal)?,
    };
    let line = Line {
        line: link.map(|link| link.line),
        position: line.cursor.position,
        ordinal: line.cursor.ordinal,
        hash: link.map(|link| link.hash),
        event: &event,
    };
    stream::push(page, &line).map_err(ApiError::Internal)
}
