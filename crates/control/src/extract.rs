//! Reading bodies and queries, strictly.

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::ApiError;
use crate::once::Body;
use crate::provider::params::Params;

/// A JSON body. Other media types are refused (A23): a cross-site form can't send this one.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body that may be left out: then everything is as it is by default.
pub(crate) struct JsonOrNothing<T>(pub(crate) T);

/// The largest JSON body.
const MAX_JSON: usize = 8 * 1024 * 1024;

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        if !has_type(&request, "application/json") {
            return Err(ApiError::MediaType);
        }
        let body = Body::of(&request);
        let bytes = read(request, MAX_JSON).await?;
        if let Some(body) = body {
            body.note(app, &bytes);
        }
        let value = serde_json::from_slice(&bytes).map_err(|e| ApiError::Body(e.to_string()))?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned + Default> FromRequest<App> for JsonOrNothing<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        if request.headers().contains_key(CONTENT_TYPE) {
            return Json::from_request(request, app)
                .await
                .map(|body| Self(body.0));
        }
        let bytes = read(request, MAX_JSON).await?;
        let nothing = bytes.is_empty().then(T::default);
        nothing.map(Self).ok_or(ApiError::MediaType)
    }
}

/// Whether a body says it is of a media type, parameters aside.
pub(crate) fn has_type(request: &Request, wanted: &str) -> bool {
    let value = request.headers().get(CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case(wanted)
}

/// Reads a body up to a limit.
pub(crate) async fn read(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let body = Limited::new(request.into_body(), limit);
    let collected = body.collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            ApiError::TooLarge
        } else {
            ApiError::Body("it ended early".into())
        }
    })?;
    Ok(collected.to_bytes())
}

/// Reads a form up to a limit, each of its parameters at most once.
pub(crate) async fn form(request: Request, limit: usize) -> Result<Params, ApiError> {
    if !has_type(&request, "application/x-www-form-urlencoded") {
        return Err(ApiError::MediaType);
    }
    let body = read(request, limit).await?;
    Params::parse(&body).map_err(|error| ApiError::Body(error.to_string()))
}

/// The query's parameters, each at most once; in the API with a value: `?dry_run=` would otherwise be the
/// deed.
pub(crate) struct Query(pub(crate) Params);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let text = parts.uri.query().unwrap_or("");
        let params = Params::parse(text.as_bytes());
        let params = params.map_err(|error| ApiError::field("query", error.to_string()))?;
        let api = parts.uri.path().starts_with("/v1/");
        match params.empty().filter(|_| api) {
            Some(name) => Err(ApiError::field(name, "give it a value, or leave it out")),
            None => Ok(Self(params)),
        }
    }
}

impl Query {
    /// `?name=true`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::field(name, "use true or false")),
        }
    }

    /// `?limit=&cursor=`: at most 200 items, 50 unless said.
    pub(crate) fn page<C: std::str::FromStr>(&self) -> Result<aeolus_store::Page<C>, ApiError> {
        let limit = match self.0.get("limit") {
            None => 50,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=200).contains(limit));
                limit.ok_or_else(|| ApiError::field("limit", "use a number from 1 to 200"))?
            }
        };
        let after = match self.0.get("cursor") {
            None => None,
            Some(text) => {
                let cursor = text.parse().ok();
                let none = || ApiError::field("cursor", "use the next_cursor of the page before");
                Some(cursor.ok_or_else(none)?)
            }
        };
        Ok(aeolus_store::Page { after, limit })
    }
}

/// A part of a list as it travels.
pub(crate) fn page_of<T, C: ToString, A>(
    listing: aeolus_store::Listing<T, C>,
    each: impl FnMut(T) -> A,
) -> aeolus_api::Page<A> {
    aeolus_api::Page {
        items: listing.items.into_iter().map(each).collect(),
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }
}
