//! Following the sign-in page without a browser, for accounts that control itself keeps.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::egress::{Bounds, Egress, Reach, Way};
use aeolus_api::trust::Trust;
use aeolus_model::{Secret, is_loopback};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use url::Url;

use super::{Attempt, Callback};
use crate::report::{Failure, Report};
use crate::ui;

/// How large a page may be, and how long it may take.
const PAGE: Bounds = Bounds {
    bytes: 1 << 20,
    time: Duration::from_secs(20),
};

/// Where the page for a second factor is.
const STEP: &str = "/login/code";

/// Asks for the code of a second factor.
pub(crate) type AskCode = fn() -> Result<Secret<String>, Failure>;

/// Signs in by address and password, as the form of the sign-in page would, and returns what the
/// redirect brought. Only on this machine.
pub(crate) async fn with_password(
    attempt: &Attempt,
    email: &str,
    password: &Secret<String>,
    (ask, trust): (AskCode, &Arc<Trust>),
) -> Result<Callback, Failure> {
    let link = attempt.link()?;
    if !link.host_str().is_some_and(is_loopback) {
        return Err(Report::new(
            "CLI-0010",
            "passwords are only taken on the control plane's own machine",
        )
        .help("sign in with a browser: `aeolus login --url URL`")
        .usage());
    }
    let pages = Egress::by(&Way::default().trusting(Arc::clone(trust)), PAGE);
    let pages = pages.map_err(|error| failed(&error.to_string()))?;
    let query = link.query().unwrap_or_default();
    let continuation = format!("{}?{query}", link.path());
    let form = [
        ("rd", continuation.as_str()),
        ("email", email),
        ("password", password.expose()),
    ];
    let (status, headers) = post(&pages, &link, ("/login", ""), &form).await?;
    let wrong = "the address or the password is wrong";
    let mut cookie = accepted((status, &headers), wrong)?;
    if leads_to_code(&link, &headers) {
        let code = ask()?;
        let form = [("rd", continuation.as_str()), ("code", code.expose())];
        let (status, headers) = post(&pages, &link, (STEP, &cookie), &form).await?;
        cookie = accepted((status, &headers), "the code is wrong or was used before")?;
    }
    let request = Request::builder()
        .uri(link.as_str())
        .header(COOKIE, cookie)
        .body(Bytes::new());
    let (_, headers) = send(&pages, request).await?;
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let url = location.and_then(|location| Url::parse(location).ok());
    let url = url.ok_or_else(|| failed("control did not go on"))?;
    Ok(Callback::of(&url))
}

/// Sends a form of a page of ours.
async fn post(
    pages: &Egress,
    link: &Url,
    (path, cookie): (&str, &str),
    fields: &[(&str, &str)],
) -> Result<(StatusCode, HeaderMap), Failure> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let to = link
        .join(path)
        .map_err(|error| failed(&error.to_string()))?;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(to.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ORIGIN, link.origin().ascii_serialization());
    if !cookie.is_empty() {
        request = request.header(COOKIE, cookie);
    }
    send(pages, request.body(Bytes::from(form))).await
}

/// The cookies of an answer that goes on.
fn accepted((status, headers): (StatusCode, &HeaderMap), wrong: &str) -> Result<String, Failure> {
    match status {
        StatusCode::FOUND | StatusCode::SEE_OTHER => {}
        StatusCode::TOO_MANY_REQUESTS => {
            return Err(failed("there were too many attempts; wait a few minutes"));
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::OK => {
            return Err(failed(wrong));
        }
        status => return Err(failed(&format!("control answered {status}"))),
    }
    let cookies = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next());
    Ok(cookies.collect::<Vec<_>>().join("; "))
}

/// Whether the account has a second factor, which is asked for next.
fn leads_to_code(link: &Url, headers: &HeaderMap) -> bool {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let to = location.and_then(|location| link.join(location).ok());
    to.is_some_and(|to| to.path() == STEP)
}

/// Asks at the terminal, if there is one.
pub(crate) fn ask_at_terminal() -> Result<Secret<String>, Failure> {
    if !ui::is_at_terminal() {
        return Err(Report::new(
            "CLI-0034",
            "the account has a second factor, and there is no terminal to ask for its code",
        )
        .help("run it at a terminal, or give scripts an API token: `aeolus token create`")
        .usage());
    }
    ui::ask("Code of your authenticator app, or a recovery code: ");
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| failed(&format!("the code can't be read: {error}")))?;
    Ok(Secret::new(line.trim().to_owned()))
}

async fn send(
    pages: &Egress,
    request: Result<Request<Bytes>, http::Error>,
) -> Result<(StatusCode, HeaderMap), Failure> {
    let request = request.map_err(|error| failed(&error.to_string()))?;
    let answer = pages.exchange(request, Reach::Configured).await;
    let answer = answer.map_err(|error| failed(&format!("control: {error}")))?;
    let (parts, _) = answer.into_parts();
    Ok((parts.status, parts.headers))
}

fn failed(what: &str) -> Failure {
    Report::new("CLI-0009", format!("signing in failed: {what}")).failed()
}
