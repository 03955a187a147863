//! `/v1/registry/authorization`: tokens for clients of a container registry (rows J1, J4 and H8), by the token
//! protocol of CNCF Distribution. Design note 040.
//!
//! The registry sends whoever comes without a token here, with what they want; what they get here says what of
//! it they may, and the registry believes it because of the legacy key's certificate. Nothing is ever granted
//! that the caller's roles don't allow at this moment, and what isn't granted is left out.

mod ask;
mod config;
mod decide;
mod failure;
mod grant;
mod login;
mod names;

use aeolus_api::registry::RegistryToken;
use axum::Json;
use axum::extract::{RawQuery, Request, State};
use http::HeaderMap;

use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::extract;

pub(crate) use config::Registry;
pub use config::{RegistryConfig, RegistryConfigError};
pub use names::{Repositories, Template, TemplateError};

use ask::Asked;
use failure::RegistryFailure;
use login::Shown;

/// The longest query that is read: fifty repositories with long names.
const MAX_QUERY: usize = 20 * 1024;
/// The longest form, which has a credential too.
const MAX_FORM: usize = 32 * 1024;

type Answer = Result<Json<RegistryToken>, RegistryFailure>;

/// The first form of the protocol: who asks says so by Basic, and nobody is told less than everybody may know.
pub(crate) async fn authorize(
    State(app): State<App>,
    info: RequestInfo,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let registry = app.registry.as_ref().ok_or(ApiError::NoEndpoint)?;
    let query = query.unwrap_or_default();
    if query.len() > MAX_QUERY {
        return Err(RegistryFailure::TooMuch);
    }
    let asked = Asked::read(query.as_bytes(), &registry.config)?;
    asked.refuse_secrets()?;
    let shown = Shown::in_header(&headers);
    answer(&app, &info, (registry, &asked), shown).await
}

/// The second one: OAuth2's, with the credential in a form.
pub(crate) async fn exchange(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let registry = app.registry.as_ref().ok_or(ApiError::NoEndpoint)?;
    if !extract::has_type(&request, "application/x-www-form-urlencoded") {
        let what = "send application/x-www-form-urlencoded";
        return Err(RegistryFailure::Request(what));
    }
    let body = extract::read(request, MAX_FORM).await?;
    let asked = Asked::read(&body, &registry.config)?;
    let shown = Shown::in_form(&headers, &asked)?;
    answer(&app, &info, (registry, &asked), shown).await
}

async fn answer(
    app: &App,
    info: &RequestInfo,
    (registry, asked): (&Registry, &Asked),
    shown: Shown,
) -> Answer {
    let caller = login::caller(app, info, registry, shown).await?;
    let granted = match &caller {
        Some(caller) => decide::granted(caller, registry, &asked.wanted).await?,
        None => Vec::new(),
    };
    grant::give(app, &registry.config, (caller, granted)).await
}
