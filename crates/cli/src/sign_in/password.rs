//! Following the sign-in page without a browser, for accounts that control itself keeps.

use aeolus_model::Secret;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;

use super::{Attempt, Callback};
use crate::report::{Failure, Report};

type Pool = Client<HttpConnector, Full<Bytes>>;

/// Signs in by address and password, as the form of the sign-in page would, and returns what the
/// redirect brought. Only over plain HTTP, that is on this machine.
pub(crate) async fn with_password(
    attempt: &Attempt,
    email: &str,
    password: &Secret<String>,
) -> Result<Callback, Failure> {
    let link = attempt.link()?;
    if link.scheme() != "http" {
        return Err(Report::new(
            "CLI-0010",
            "passwords are only taken on the control plane's own machine",
        )
        .help("sign in with a browser: `aeolus login --url URL`")
        .usage());
    }
    let pool: Pool = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let query = link.query().unwrap_or_default();
    let continuation = format!("{}?{query}", link.path());
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("rd", &continuation)
        .append_pair("email", email)
        .append_pair("password", password.expose())
        .finish();
    let login = link
        .join("/login")
        .map_err(|error| failed(&error.to_string()))?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(login.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ORIGIN, link.origin().ascii_serialization())
        .body(Full::from(form));
    let (status, headers) = send(&pool, request).await?;
    match status {
        StatusCode::FOUND | StatusCode::SEE_OTHER => {}
        StatusCode::TOO_MANY_REQUESTS => {
            return Err(failed("there were too many attempts; wait a few minutes"));
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::OK => {
            return Err(failed("the address or the password is wrong"));
        }
        status => return Err(failed(&format!("control answered {status}"))),
    }
    let cookie = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .collect::<Vec<_>>()
        .join("; ");
    let request = Request::builder()
        .uri(link.as_str())
        .header(COOKIE, cookie)
        .body(Full::default());
    let (_, headers) = send(&pool, request).await?;
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let url = location.and_then(|location| Url::parse(location).ok());
    let url = url.ok_or_else(|| failed("control did not go on"))?;
    Ok(Callback::of(&url))
}

async fn send(
    pool: &Pool,
    request: Result<Request<Full<Bytes>>, http::Error>,
) -> Result<(StatusCode, HeaderMap), Failure> {
    let request = request.map_err(|error| failed(&error.to_string()))?;
    let answer = pool.request(request);
    let answer = tokio::time::timeout(std::time::Duration::from_secs(20), answer).await;
    let answer = answer.map_err(|_| failed("control did not answer in time"))?;
    let answer = answer.map_err(|error| failed(&format!("control can't be reached: {error}")))?;
    let (parts, body) = answer.into_parts();
    // Read to its end, so that the connection can be used again.
    let _ = Limited::new(body, 1 << 20).collect().await;
    Ok((parts.status, parts.headers))
}

fn failed(what: &str) -> Failure {
    Report::new("CLI-0009", format!("signing in failed: {what}")).failed()
}
