//! Why a request was refused or failed. Each cause is one variant; the text is chosen here once
//! and rendered at the edge in the form the caller reads: a problem document, an OAuth error or a
//! page.

use aeolus_api::FieldError;
use aeolus_model::Slug;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

mod parts;

use parts::parts;
pub(crate) use parts::{NO_CERTIFICATE, OTHER_CERTIFICATE};

/// A refusal, ready to be rendered. It travels to the edge in the response's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    /// Seconds for `Retry-After`.
    pub(crate) retry_after: Option<u64>,
    /// For the log only.
    pub(crate) private: String,
    pub(crate) form: Form,
}

/// How a failure is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `application/problem+json`.
    Problem,
    /// RFC 6749 §5.2.
    OAuth,
    /// RFC 7644 §3.12, with its `scimType` if it has one.
    Scim(Option<&'static str>),
    /// A page for a person.
    Page,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Why an API request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// No credential was sent.
    #[error("no credential")]
    NoCredential,
    /// The browser has no session.
    #[error("no session")]
    NoSession,
    /// The credential is not good (the reason is for the log).
    #[error("bad credential: {0}")]
    BadCredential(&'static str),
    /// A gate has shown no certificate, or none that is good.
    #[error("no certificate of control.tls.clients that is good now")]
    NoCertificate,
    /// A gate has shown the certificate of another plane.
    #[error("the certificate names another plane")]
    OtherCertificate,
    /// The actor may know of the thing, but not do this to it.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// There is no such thing, or the actor may not know of it.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// There is no such endpoint.
    #[error("no such endpoint")]
    NoEndpoint,
    /// The endpoint has other methods.
    #[error("method not allowed")]
    Method,
    /// The path isn't text.
    #[error("path")]
    Path,
    /// The operation has no such parameter.
    #[error("no such parameter")]
    Parameter(FieldError),
    /// The input is wrong.
    #[error("invalid input")]
    Invalid(Vec<FieldError>),
    /// The body is not JSON of the expected form.
    #[error("body: {0}")]
    Body(String),
    /// The body has another media type.
    #[error("media type")]
    MediaType,
    /// The body is too large.
    #[error("body too large")]
    TooLarge,
    /// The work was done when the request came before: this is the answer it got.
    #[error("answered before")]
    Again(crate::once::Again),
    /// The Idempotency-Key stands for another request.
    #[error("the Idempotency-Key stands for another request")]
    KeyReused,
    /// The request came before, and has no answer yet.
    #[error("the Idempotency-Key's request was begun")]
    KeyBegun,
    /// It is no more what `If-Match` names.
    #[error("changed since it was read")]
    ChangedSinceRead,
    /// The request contradicts the state of things.
    #[error("conflict: {0}")]
    Conflict(String),
    /// A fleet document counts on it as it is.
    #[error("managed by a fleet document: {0}")]
    Managed(String),
    /// A provisioning client says so, and nobody else.
    #[error("managed by SCIM: {0}")]
    Provisioned(String),
    /// In the organization, people get roles by teams alone.
    #[error("roles by teams alone: {0}")]
    TeamsOnly(Slug),
    /// A deployment can't answer where control or a plane itself does.
    #[error("reserved host: {0}")]
    ReservedHost(String),
    /// It was here and is over.
    #[error("gone: {0}")]
    Gone(&'static str),
    /// A session is over in one organization, and may go on in others.
    #[error("over in the organization")]
    OverInOrganization,
    /// The person has been signed in for longer than the organization's policy wants.
    #[error("signed in for too long")]
    SignInAgain,
    /// It comes from a network that the organization's policy doesn't allow.
    #[error("network")]
    Network,
    /// The organization wants a second factor, and the session has none.
    #[error("second factor")]
    SecondFactor,
    /// The person has a second factor, and the session began without it.
    #[error("second factor, which the person has")]
    OwnSecondFactor,
    /// It takes a person who has signed in just now.
    #[error("no recent sign-in")]
    RecentSignIn,
    /// The organization has used up its quota: seconds to wait.
    #[error("quota")]
    Quota(u64),
    /// The caller has used up their share of the organization's quota: seconds to wait.
    #[error("quota, the caller's share")]
    QuotaShare(u64),
    /// A cookie came with a request from another site.
    #[error("cross-site request")]
    CrossSite,
    /// Two session cookies came at once.
    #[error("ambiguous cookie")]
    AmbiguousCookie,
    /// Something this needs isn't set up yet.
    #[error("not ready: {0}")]
    NotReady(&'static str),
    /// A server did not take an e-mail.
    #[error("e-mail: {0}")]
    Email(String),
    /// The database refused or broke.
    #[error(transparent)]
    Store(#[from] aeolus_store::StoreError),
    /// Something broke that should not.
    #[error("internal: {0}")]
    Internal(String),
}

impl ApiError {
    /// One wrong field.
    pub(crate) fn field(at: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError {
            at: at.to_owned(),
            message: message.into(),
        }])
    }

    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }

    /// As a refusal for people: the same cause as a page.
    pub(crate) fn into_page(self) -> Failure {
        Failure {
            form: Form::Page,
            ..Failure::from(self)
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let (status, code, title, detail) = parts(&error);
        let private = error.to_string();
        let retry_after = match error {
            ApiError::Quota(seconds) | ApiError::QuotaShare(seconds) => Some(seconds),
            _ => (status == 503).then_some(2),
        };
        let errors = match error {
            ApiError::Invalid(errors) => errors,
            ApiError::Parameter(error) => vec![error],
            _ => Vec::new(),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            code,
            title,
            detail,
            errors,
            retry_after,
            private,
            form: Form::Problem,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Again(answer) => answer.into_response(),
            refused => Failure::from(refused).into_response(),
        }
    }
}
