//! OAuth2 errors (RFC 6749 §5.2).

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::error::{ApiError, Failure, Form};

/// Why the token, revocation or introspection endpoint refused. The description is for the client's developer and
/// says nothing about people or other clients.
#[derive(Debug)]
pub(crate) enum OAuthFailure {
    /// The request lacks something, repeats something, or has the wrong form.
    Request(&'static str),
    /// The client can't prove who it is.
    Client,
    /// The code is not good, for this client, redirect and verifier, now.
    Grant,
    /// The refresh token is not good, for this client, now.
    Refresh,
    /// More is asked for than was granted.
    Scope,
    /// Another way of asking.
    GrantType,
    /// Not the client's business: the database, a bug.
    Other(ApiError),
}

impl<E: Into<ApiError>> From<E> for OAuthFailure {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl IntoResponse for OAuthFailure {
    fn into_response(self) -> Response {
        let (status, code, detail) = match self {
            Self::Request(what) => (StatusCode::BAD_REQUEST, "invalid_request", what),
            Self::Client => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "the client is not known, or what it proves itself with is not good",
            ),
            Self::Grant => (
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                "the code is not good for this client, redirect_uri and code_verifier",
            ),
            Self::Refresh => (
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                "the refresh token is not good for this client, or its session has ended",
            ),
            Self::Scope => (
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                "the scope is wider than what was granted",
            ),
            Self::GrantType => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "use authorization_code or refresh_token",
            ),
            Self::Other(error) => {
                let mut failure = Failure::from(error);
                if failure.status.is_server_error() {
                    failure.code = "server_error";
                }
                return Failure {
                    form: Form::OAuth,
                    ..failure
                }
                .into_response();
            }
        };
        Failure {
            status,
            code,
            title: code,
            detail: detail.to_owned(),
            errors: Vec::new(),
            retry_after: None,
            private: String::new(),
            form: Form::OAuth,
        }
        .into_response()
    }
}
