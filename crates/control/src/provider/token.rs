//! `POST /oauth2/token` (RFC 6749 §3.2): each grant type is a file of its own.

use aeolus_api::oauth::{
    ASSERTION_TYPE, GRANT_AUTHORIZATION_CODE, GRANT_CLIENT_CREDENTIALS, GRANT_DEVICE_CODE,
    GRANT_REFRESH_TOKEN, GRANT_TOKEN_EXCHANGE, TokenAnswer,
};
use axum::Json;
use axum::extract::{Request, State};

use super::client::Client;
use super::failure::OAuthFailure;
use super::params::Params;
use super::{code, device, exchange, refresh};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::extract;
use crate::scim::{self, NoScope, OwnListener};

const MAX_FORM: usize = 32 * 1024;

/// The token endpoint.
pub(crate) async fn token(
    State(app): State<App>,
    info: RequestInfo,
    request: Request,
) -> Result<Json<TokenAnswer>, OAuthFailure> {
    if request.extensions().get::<OwnListener>().is_some() {
        return scim::token::token(State(app), info, request).await;
    }
    let provisions = request.extensions().get::<NoScope>().is_none();
    let headers = request.headers().clone();
    let form = read_form(request).await?;
    let grant = form.get("grant_type");
    match grant.ok_or(OAuthFailure::Request("there is no grant_type"))? {
        GRANT_AUTHORIZATION_CODE => {
            let client = authenticate(&app, &info, &form).await?;
            code::exchange(&app, &info, client, &form).await.map(Json)
        }
        GRANT_REFRESH_TOKEN => {
            let client = authenticate(&app, &info, &form).await?;
            refresh::refresh(&app, &info, client, &form).await.map(Json)
        }
        GRANT_DEVICE_CODE => {
            let client = authenticate(&app, &info, &form).await?;
            device::redeem(&app, &info, client, &form).await.map(Json)
        }
        GRANT_CLIENT_CREDENTIALS if !provisions => Err(OAuthFailure::Request(
            "nobody provisions from that address or at this listener (control.scim)",
        )),
        GRANT_CLIENT_CREDENTIALS => {
            let shown = (&headers, &form);
            scim::token::grant(&app, &info, shown).await.map(Json)
        }
        GRANT_TOKEN_EXCHANGE => exchange::exchange(&app, &info, &form).await.map(Json),
        _ => Err(OAuthFailure::GrantType),
    }
}

/// Reads a form body, each parameter at most once.
pub(crate) async fn read_form(request: Request) -> Result<Params, OAuthFailure> {
    if !extract::has_type(&request, "application/x-www-form-urlencoded") {
        return Err(OAuthFailure::Request(
            "send application/x-www-form-urlencoded",
        ));
    }
    let body = extract::read(request, MAX_FORM).await?;
    let duplicate = OAuthFailure::Request("a parameter was sent more than once");
    Params::parse(&body).map_err(|_| duplicate)
}

/// Which client asks. A plane proves it by an assertion of its identity key (RFC 7523 §2.2), each
/// good for one request; the command line is public and can prove nothing.
pub(super) async fn authenticate(
    app: &App,
    info: &RequestInfo,
    form: &Params,
) -> Result<Client, OAuthFailure> {
    let client = form.get("client_id").and_then(Client::parse);
    let client = client.ok_or(OAuthFailure::Client)?;
    let assertion = form.get("client_assertion");
    match (client, assertion) {
        (Client::Cli, None) => Ok(client),
        (Client::Plane(plane), Some(assertion))
            if form.get("client_assertion_type") == Some(ASSERTION_TYPE) =>
        {
            let proven = crate::planes::prove_once(app, info, assertion).await;
            match proven {
                Ok(proven) if proven.id == plane => Ok(client),
                Ok(_) | Err(ApiError::BadCredential(_) | ApiError::Forbidden(_)) => {
                    Err(OAuthFailure::Client)
                }
                Err(error) => Err(error.into()),
            }
        }
        _ => Err(OAuthFailure::Client),
    }
}
