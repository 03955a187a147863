//! `POST /account/ways/remove`, and what the account page says of the ways in that somebody has.

use aeolus_model::{ConnectionId, UserId};
use aeolus_store::Unit;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;

use super::join::refused;
use super::link::unlink;
use crate::app::App;
use crate::connections::{self, Offered};
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::extract;
use crate::signin::{same_origin, session};

const MAX_FORM: usize = 4 * 1024;

/// The providers through which somebody comes, and those they can add.
pub(crate) struct OwnWays {
    pub(crate) held: Vec<Held>,
    pub(crate) more: Vec<Offered>,
}

/// One through which they come.
pub(crate) struct Held {
    pub(crate) connection: ConnectionId,
    pub(crate) name: String,
}

/// Those of a person.
pub(crate) async fn own_ways(
    app: &App,
    unit: &mut impl Unit,
    user: UserId,
) -> Result<OwnWays, ApiError> {
    let mut more = connections::offered(app, unit).await?;
    let mut held: Vec<Held> = Vec::new();
    for link in unit.identities().of_user(user).await? {
        if held.iter().any(|way| way.connection == link.connection) {
            continue;
        }
        let Some(row) = unit.connections().get(link.connection).await? else {
            continue;
        };
        let offered = more.iter().position(|offered| offered.name == row.name);
        let name = offered.map(|at| more.remove(at).display_name);
        held.push(Held {
            connection: row.id,
            name: name.unwrap_or_else(|| row.name.to_string()),
        });
    }
    Ok(OwnWays { held, more })
}

/// Removes one of one's own.
pub(crate) async fn remove_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    remove(&app, &info, &headers, request)
        .await
        .map_err(ApiError::into_page)?
}

async fn remove(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Result<Response, Failure>, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let form = extract::form(request, MAX_FORM).await?;
    let Some(session) = session::current(app, headers).await? else {
        return Ok(Ok(Redirect::to("/login?rd=%2F").into_response()));
    };
    let id = form.get("connection").unwrap_or("").parse();
    let id = id.map_err(|_| ApiError::NotFound("connection"))?;
    let mut write = app.store.write().await?;
    if let Err(why) = unlink(app, info, &mut write, (&session, id)).await? {
        write.rollback().await?;
        return Ok(Err(refused(why)));
    }
    app.commit(write).await?;
    Ok(Ok(Redirect::to("/").into_response()))
}
