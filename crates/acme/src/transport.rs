//! Requests to an authority, by our way out: https alone, bounded in time and size, no redirects.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aeolus_api::egress::{Bounds, Egress, EgressError, Way, reach_of};
use aeolus_model::{Clock, Time};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

use crate::error::AcmeError;
use crate::problem::{Kind, Told, plain};

/// Chains have some KiB.
const MAX_ANSWER: usize = 1024 * 1024;
/// RFC 8555 §6.1 wants the program's name.
const AGENT: &str = concat!("aeolus/", env!("CARGO_PKG_VERSION"), " instant-acme");

/// Why there was no answer of ACME.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("{0} is no URL of https")]
    Plain(String),
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error("status {0}")]
    Status(StatusCode),
}

/// The client's connection to one authority.
#[derive(Clone)]
pub(crate) struct Transport {
    egress: Arc<Egress>,
    /// The URL that the operator wrote.
    directory: Arc<str>,
    clock: Arc<dyn Clock>,
    again: Arc<Mutex<Option<Time>>>,
}

impl Transport {
    /// By a way out; each request takes at most `patience`.
    pub(crate) fn new(
        way: &Way,
        directory: &str,
        patience: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AcmeError> {
        let bounds = Bounds {
            bytes: MAX_ANSWER,
            time: patience,
        };
        let egress = Egress::by(way, bounds);
        let egress = egress.map_err(|error| AcmeError::Unreachable(error.to_string()))?;
        Ok(Self {
            egress: Arc::new(egress),
            directory: directory.into(),
            clock,
            again: Arc::default(),
        })
    }

    /// What the library's error means.
    pub(crate) fn error(&self, error: Error) -> AcmeError {
        match error {
            Error::Api(problem) => AcmeError::Refused(self.told(&problem)),
            Error::Other(other) => match other.downcast::<Unanswered>() {
                Ok(unanswered) => match *unanswered {
                    Unanswered::Status(status) => AcmeError::Status(status),
                    Unanswered::Plain(_) => AcmeError::Senseless(unanswered.to_string()),
                    Unanswered::Egress(error) => AcmeError::Unreachable(plain(&error.to_string())),
                },
                Err(other) => AcmeError::Senseless(plain(&other.to_string())),
            },
            Error::Crypto | Error::KeyRejected => AcmeError::NotMade(error.to_string()),
            other => AcmeError::Senseless(plain(&other.to_string())),
        }
    }

    /// Whether an order may have failed for the certificate that it names as replaced.
    pub(crate) fn is_of_replacement(error: &Error) -> bool {
        match error {
            Error::Unsupported(_) => true,
            Error::Api(problem) => {
                !Told::is_unknown_account(problem)
                    && Kind::of(problem.r#type.as_deref()).may_be_of_replacement()
            }
            // The library's own: the authority took the order and left out what it replaces.
            Error::Other(other) => !other.is::<Unanswered>(),
            _ => false,
        }
    }

    /// What a problem document means, with the time of a `Retry-After` beside it.
    pub(crate) fn told(&self, problem: &instant_acme::Problem) -> Told {
        let again = self
            .again
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Told::of(problem, again)
    }

    async fn ask(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Result<Response<Bytes>, Unanswered> {
        let (mut head, body) = request.into_parts();
        if head.uri.scheme_str() != Some("https") {
            return Err(Unanswered::Plain(plain(&head.uri.to_string())));
        }
        head.headers
            .insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let is_post = head.method == Method::POST;
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(never) => match never {},
        };
        // Where the operator pointed, and else to what everybody can reach: an authority sends nobody into this network.
        let reach = reach_of(&head.uri.to_string(), &self.directory);
        let request = Request::from_parts(head, body);
        let answer = self.egress.exchange(request, reach).await?;
        let again = retry_after(answer.headers(), self.clock.now());
        let refused = !answer.status().is_success();
        *self.again.lock().unwrap_or_else(PoisonError::into_inner) = again.filter(|_| refused);
        if refused && !(is_post && is_problem(answer.headers())) {
            return Err(Unanswered::Status(answer.status()));
        }
        Ok(answer)
    }
}

impl HttpClient for Transport {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let this = self.clone();
        Box::pin(async move {
            let answer = this.ask(request).await;
            let answer = answer.map_err(|error| Error::Other(Box::new(error)))?;
            Ok(BytesResponse::from(answer.map(Full::new)))
        })
    }
}

fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/problem+json"))
}

/// When it may be asked again (RFC 9110 §10.2.3): a number of seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Time) -> Option<Time> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse::<u32>() {
        return Some(now.plus(Duration::from_secs(secs.into())));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = at.duration_since(UNIX_EPOCH).ok()?;
    Some(Time::EPOCH.plus(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Time> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).ok()?);
        retry_after(&headers, Time::from_secs(1_800_000_000))
    }

    #[test]
    fn both_forms_of_retry_after_are_understood() {
        for (text, secs) in [
            ("120", Some(1_800_000_120)),
            (" 0 ", Some(1_800_000_000)),
            ("Fri, 15 Jan 2027 08:01:00 GMT", Some(1_800_000_060)),
            ("", None),
            ("-1", None),
            ("soon", None),
            ("99999999999", None),
        ] {
            assert_eq!(read(text).map(Time::secs), secs, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_retry_after_is_too_odd(text in "[ -~]{0,40}") {
            let _ = read(&text);
        }
    }
}
