//! `GET /login?rd=`: the sign-in page. With `choose` it is shown even where there is one way in, with
//! `password` it asks for one whatever the address.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;

use super::ask::{Ask, SignInPage};
use super::continuation::Continuation;
use super::session::Shut;
use super::{Offers, parent, session, step};
use crate::app::App;
use crate::error::{ApiError, Failure};
use crate::extract::Query;

/// Shows the page. Whoever has a session already goes on at once, unless the continuation asks
/// for a new sign-in.
pub(crate) async fn login_get(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query, ApiError>,
) -> Result<Response, Failure> {
    let query = query.map_err(ApiError::into_page)?;
    login(&app, &headers, &query)
        .await
        .map_err(ApiError::into_page)
}

async fn login(app: &App, headers: &HeaderMap, query: &Query) -> Result<Response, ApiError> {
    let to = Continuation::read(app, query.0.get("rd")).await?;
    let again = query.0.get("again").is_some();
    let session = session::current(app, headers).await?;
    let shut = match &to {
        Continuation::There(page) => {
            session::shut_in(app, session.as_ref(), page.organization).await?
        }
        Continuation::Here(_) => None,
    };
    if shut == Some(Shut::SecondFactor) && !again {
        return Ok(Redirect::to(&step::at("/second-factor", &to)).into_response());
    }
    let stays = again || shut.is_some();
    if let Some(session) = session.filter(|_| !stays) {
        return parent::go_on(app, &to, &session).await;
    }
    let offers = Offers::read(app, &to, again).await?;
    if let (Some(only), None) = (offers.only(), query.0.get("choose")) {
        return Ok(Redirect::to(&only.href).into_response());
    }
    let asked = query.0.get("password").is_some() && offers.local;
    let ask = if offers.go_by_address() && !asked {
        Ask::Address
    } else {
        Ask::Both
    };
    let page = SignInPage {
        to: &to,
        offers: &offers,
        again,
        ask,
        email: "",
        message: None,
    };
    Ok(page.answer(200))
}
