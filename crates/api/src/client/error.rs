//! Why a call failed.

use std::time::Duration;

use http::StatusCode;

use crate::Problem;
use crate::oauth::OAuthError;

/// Why a call failed. `Unreachable` and `Timeout` are the network's; all else is an answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The configured URL can't be one of control.
    #[error("{0:?} is not control's URL: use one such as https://aeolus.example.com")]
    BaseUrl(String),
    /// No TLS settings could be built.
    #[error("no TLS trust anchors: {0}")]
    Tls(String),
    /// No connection.
    #[error("control can't be reached: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("control did not answer in time")]
    Timeout,
    /// The answer passed the size limit.
    #[error("control's answer is larger than allowed")]
    TooLarge,
    /// The answer is not what the API says.
    #[error("control's answer makes no sense; is this URL an Aeolus control plane?")]
    Malformed,
    /// Control said no.
    #[error("{}", describe(.0))]
    Refused(Box<Problem>),
    /// Control asks to be left alone for a while (429 or 503).
    #[error("{}", describe(.problem))]
    Busy {
        /// What it said.
        problem: Box<Problem>,
        /// `Retry-After`, where it is given in seconds (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
    },
}

fn describe(problem: &Problem) -> String {
    let mut text = problem.title.clone();
    if !problem.detail.is_empty() {
        text = format!("{text}: {}", problem.detail);
    }
    for error in &problem.errors {
        text = format!("{text}\n  {}: {}", error.at, error.message);
    }
    format!("{text} ({})", problem.code)
}

impl ClientError {
    /// Control's HTTP status, if it answered with a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(problem) | Self::Busy { problem, .. } => Some(problem.status),
            _ => None,
        }
    }

    /// Whether control was not reached, so that going on with what is known is right.
    pub const fn is_network(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Timeout)
    }

    pub(super) fn refused(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let problem = serde_json::from_slice::<Problem>(body).unwrap_or_else(|_| {
            let oauth = serde_json::from_slice::<OAuthError>(body).ok();
            let title = status.canonical_reason().unwrap_or("refused");
            match oauth {
                Some(oauth) => Problem::new(status.as_u16(), &oauth.error, title)
                    .with_detail(oauth.error_description),
                None => Problem::new(status.as_u16(), "http", title),
            }
        });
        let problem = Box::new(problem);
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Self::Busy {
                problem,
                retry_after,
            },
            _ => Self::Refused(problem),
        }
    }

    pub(super) fn unreachable(error: &hyper_util::client::legacy::Error) -> Self {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self::Unreachable(text)
    }

    pub(super) fn body(error: &(dyn std::error::Error + 'static)) -> Self {
        if error.is::<http_body_util::LengthLimitError>() {
            Self::TooLarge
        } else {
            Self::Unreachable(error.to_string())
        }
    }
}
