//! What clients are answered: resources, and why not (RFC 7644 §3.12).

use aeolus_scim::schema::uri;
use aeolus_scim::{Error, Version};
use aeolus_store::{StoreError, Taken};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::error::{ApiError, Failure, Form};

/// The media type of all answers (RFC 7644 §8.1).
pub(crate) const SCIM_JSON: &str = "application/scim+json";

/// Seconds after which others are done with what they change.
const RETRY: u64 = 2;
/// Seconds after which a client may ask whether the pause is over.
const PAUSED: u64 = 300;

/// Why a request was refused or failed.
#[derive(Debug)]
pub(crate) enum ScimFailure {
    /// By what SCIM says.
    Scim(Error),
    /// An administrator lets the connection's provisioning pause. Nothing is lost: clients come again.
    Paused,
    /// For what can happen to any request.
    Api(ApiError),
}

impl From<Error> for ScimFailure {
    fn from(error: Error) -> Self {
        Self::Scim(error)
    }
}

impl From<ApiError> for ScimFailure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<StoreError> for ScimFailure {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

impl ScimFailure {
    /// Whether the same may succeed when it is done again: somebody was faster.
    pub(super) fn is_lost_race(&self) -> bool {
        let Self::Api(ApiError::Store(error)) = self else {
            return false;
        };
        matches!(error, StoreError::Conflict | StoreError::Busy)
    }

    /// As a bulk request answers it for one of its operations.
    pub(super) fn into_error(self) -> Error {
        use aeolus_scim::Reason;
        match self {
            Self::Scim(error) => error,
            other @ (Self::Paused | Self::Api(_)) => {
                let failure = other.into_failure();
                let reason = match failure.status.as_u16() {
                    400 | 422 => Reason::InvalidValue,
                    404 => Reason::NotFound,
                    409 => Reason::Uniqueness,
                    _ => Reason::Unavailable,
                };
                tracing::warn!(cause = %failure.private, "an operation of a bulk request failed");
                Error::new(reason, failure.detail)
            }
        }
    }

    pub(super) fn into_failure(self) -> Failure {
        let mut again = RETRY;
        let error = match self {
            Self::Scim(error) => error,
            Self::Paused => {
                again = PAUSED;
                Error::new(
                    aeolus_scim::Reason::Unavailable,
                    "Provisioning of this connection pauses: send it again later.",
                )
            }
            Self::Api(ApiError::Store(StoreError::Taken(Taken::ScimName | Taken::User))) => {
                taken("Somebody here has this userName or e-mail address already.")
            }
            Self::Api(ApiError::Store(StoreError::Taken(Taken::ScimGroup))) => {
                taken("A group of this displayName is here already; case doesn't count.")
            }
            Self::Api(ApiError::Store(StoreError::Conflict | StoreError::Busy)) => Error::new(
                aeolus_scim::Reason::Unavailable,
                "Others change the same at this moment: send it again.",
            ),
            Self::Api(error) => {
                let mut failure = Failure::from(error);
                in_form(&mut failure);
                return failure;
            }
        };
        let (status, kind) = error.reason.status();
        Failure {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: kind.unwrap_or("scim"),
            title: "The request is refused",
            private: error.detail.clone(),
            detail: error.detail,
            errors: Vec::new(),
            retry_after: (status == 503).then_some(again),
            form: Form::Scim(kind),
        }
    }
}

impl IntoResponse for ScimFailure {
    fn into_response(self) -> Response {
        self.into_failure().into_response()
    }
}

/// Lets a refusal of what is below the protocol be read as one of its own.
pub(super) fn in_form(failure: &mut Failure) {
    if matches!(failure.form, Form::Scim(_)) {
        return;
    }
    failure.form = Form::Scim(None);
    if failure.detail.is_empty() {
        failure.detail = format!("{}.", failure.title);
    }
}

/// What belongs to somebody else.
pub(super) fn taken(detail: impl Into<String>) -> Error {
    Error::new(aeolus_scim::Reason::Uniqueness, detail)
}

/// An answer to a request for resources.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Option<Value>,
    /// The resource's URL: said where it was made.
    pub(super) location: Option<String>,
    /// The version that the resource is in.
    pub(super) version: Option<Version>,
}

impl Answer {
    /// A document that is no resource with versions.
    pub(super) fn of(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body),
            location: None,
            version: None,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => {
                let text = body.to_string();
                (self.status, [(CONTENT_TYPE, SCIM_JSON)], text).into_response()
            }
            None => self.status.into_response(),
        };
        let version = self.version.map(|version| version.to_string());
        for (name, value) in [(ETAG, version), (LOCATION, self.location)] {
            let value = value.and_then(|value| HeaderValue::from_str(&value).ok());
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A refusal as clients read it (RFC 7644 §3.12). The status is a text there.
pub(crate) fn render(failure: &Failure, kind: Option<&str>) -> Response {
    let mut body = json!({
        "schemas": [uri::ERROR],
        "status": failure.status.as_u16().to_string(),
        "detail": failure.detail,
    });
    if let (Some(kind), Some(body)) = (kind, body.as_object_mut()) {
        body.insert("scimType".to_owned(), kind.into());
    }
    (
        failure.status,
        [(CONTENT_TYPE, SCIM_JSON)],
        body.to_string(),
    )
        .into_response()
}
