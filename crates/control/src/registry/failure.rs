//! Why there is no token, in the words of OAuth2 (RFC 6749 §5.2), which clients of registries show.

use aeolus_api::registry::ScopeError;
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};

use crate::error::{ApiError, Failure, Form};

/// Why a registry's client gets no token. What is not granted is no reason.
#[derive(Debug)]
pub(crate) enum RegistryFailure {
    /// The request lacks something, repeats something, or has the wrong form.
    Request(&'static str),
    /// It can't be read what is wanted.
    Scope(ScopeError),
    /// More is wanted at once than a token has room for.
    TooMuch,
    /// The credential is not good, whatever is wrong with it.
    Credential,
    /// Another way of asking.
    GrantType,
    /// Too often: seconds to wait.
    Pace(u64),
    /// Not the client's business: the database, a bug.
    Other(ApiError),
}

impl<E: Into<ApiError>> From<E> for RegistryFailure {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl IntoResponse for RegistryFailure {
    fn into_response(self) -> Response {
        let bad = StatusCode::BAD_REQUEST;
        let mut retry_after = None;
        let (status, code, detail) = match self {
            Self::Request(what) => (bad, "invalid_request", what.to_owned()),
            Self::Scope(error) => (bad, "invalid_scope", error.to_string()),
            Self::TooMuch => {
                let what =
                    "too many repositories for one token: ask for each push and pull by itself";
                (bad, "invalid_scope", what.to_owned())
            }
            Self::Credential => {
                let what = "the password must be an access token or an API token that is good: run aeolus login, or give the token a new value";
                (StatusCode::UNAUTHORIZED, "invalid_grant", what.to_owned())
            }
            Self::GrantType => {
                let what = "grant_type is password or refresh_token";
                (bad, "unsupported_grant_type", what.to_owned())
            }
            Self::Pace(seconds) => {
                retry_after = Some(seconds);
                let what = "asked too often; wait as Retry-After says";
                (StatusCode::TOO_MANY_REQUESTS, "slow_down", what.to_owned())
            }
            Self::Other(error) => {
                let mut failure = Failure::from(error);
                if failure.status.is_server_error() {
                    failure.code = "server_error";
                }
                failure.form = Form::OAuth;
                return failure.into_response();
            }
        };
        let failure = Failure {
            status,
            code,
            title: code,
            detail,
            errors: Vec::new(),
            retry_after,
            private: String::new(),
            form: Form::OAuth,
        };
        let mut response = failure.into_response();
        if status == StatusCode::UNAUTHORIZED {
            let basic = HeaderValue::from_static("Basic realm=\"registry\", charset=\"UTF-8\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
        }
        response
    }
}
