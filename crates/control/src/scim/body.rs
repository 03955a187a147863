//! Bodies as provisioning clients send them.

use aeolus_scim::{Error, Reason};
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_ENCODING;
use serde_json::Value;

use super::LIMITS;
use super::answer::{SCIM_JSON, ScimFailure};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{has_type, read};

/// A body, read within limits. Clients send it under either media type.
pub(crate) struct Body(pub(super) Value);

impl FromRequest<App> for Body {
    type Rejection = ScimFailure;

    async fn from_request(request: Request, _: &App) -> Result<Self, ScimFailure> {
        let is_json = has_type(&request, SCIM_JSON) || has_type(&request, "application/json");
        if !is_json || request.headers().contains_key(CONTENT_ENCODING) {
            return Err(ApiError::MediaType.into());
        }
        let bytes = read(request, LIMITS.body)
            .await
            .map_err(|error| match error {
                ApiError::TooLarge => Error::new(
                    Reason::TooLarge,
                    format!("The body may have {} bytes.", LIMITS.body),
                )
                .into(),
                other => ScimFailure::from(other),
            })?;
        Ok(Self(aeolus_scim::json::parse(&bytes, &LIMITS)?))
    }
}
