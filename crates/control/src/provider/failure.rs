//! OAuth2 errors (RFC 6749 §5.2).

use aeolus_model::DeviceError;
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
    /// The token to be exchanged is not good, or not one that is exchanged here.
    Subject,
    /// The target is none that the token to be exchanged leads to.
    Target,
    /// More is asked for than was granted.
    Scope,
    /// Too often: seconds to wait.
    Pace(u64),
    /// A device code leads to nothing, or not yet.
    Device(DeviceError),
    /// Machines can't ask here to be signed in, or not for this client.
    DeviceOff,
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

/// RFC 8628 §3.5.
const fn device(error: DeviceError) -> (&'static str, &'static str) {
    match error {
        DeviceError::Pending => ("authorization_pending", "nobody has decided yet; ask again"),
        DeviceError::TooFast(_) => (
            "slow_down",
            "wait five seconds longer between two questions",
        ),
        DeviceError::Denied => ("access_denied", "somebody refused it"),
        DeviceError::Expired => ("expired_token", "nobody decided in time; begin anew"),
        DeviceError::Client | DeviceError::Used => (
            "invalid_grant",
            "the device_code is not good for this client, or was used before",
        ),
    }
}

impl IntoResponse for OAuthFailure {
    fn into_response(self) -> Response {
        let retry_after = match self {
            Self::Pace(seconds) => Some(seconds),
            _ => None,
        };
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
            Self::Subject => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "the subject_token is not good, or not one for control that this client was given",
            ),
            Self::Target => (
                StatusCode::BAD_REQUEST,
                "invalid_target",
                "name one deployment that the subject_token's owner may use, as \
                 urn:aeolus:deployment:ID",
            ),
            Self::Scope => (
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                "the scope is wider than what was granted",
            ),
            Self::Pace(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "slow_down",
                "this sign-in has asked too often; wait as Retry-After says",
            ),
            Self::Device(error) => {
                let (code, detail) = device(error);
                (StatusCode::BAD_REQUEST, code, detail)
            }
            Self::DeviceOff => (
                StatusCode::BAD_REQUEST,
                "unauthorized_client",
                "this client can't ask for a device to be signed in, or nobody can here",
            ),
            Self::GrantType => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "the metadata lists the grant types there are",
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
            retry_after,
            private: String::new(),
            form: Form::OAuth,
        }
        .into_response()
    }
}
