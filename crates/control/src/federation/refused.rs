//! Why a sign-in at a provider comes to nothing, and the page that says so.

use aeolus_model::{Action, Actor, AuditEvent, Outcome, Slug};
use aeolus_oidc::{AnswerError, ProviderError, SignInError, TokensError};
use askama::Template;
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::trouble::Trouble;
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::pages;
use crate::people;
use crate::signin::continuation::Continuation;
use crate::signin::step;

/// Why.
#[derive(Clone, Debug)]
pub(super) enum Refused {
    /// There is no such connection, or none by now.
    Connection,
    /// Too many from there: seconds to wait.
    Pace(u64),
    /// This browser began nothing that this is the answer to, or too long ago.
    Attempt,
    /// The same answer came before.
    Again,
    /// Somebody else is signed in than who wanted to be linked.
    Linking,
    /// The provider can't be heard.
    Provider(Trouble),
    /// The answer is none, or not to this attempt.
    Answer(AnswerError),
    /// The provider says no; a number of its own may say more.
    Said(ProviderError, Option<String>),
    /// It gives no tokens for the code.
    Tokens(TokensError),
    /// Its tokens prove nothing.
    SignIn(SignInError),
    /// Nobody here is meant; and what the audit log says of who came.
    People(people::Refused, Option<Box<AuditEvent>>),
}

/// How a sign-in may end without anybody signed in.
#[derive(Debug)]
pub(super) enum Stop {
    /// A page says why.
    Refused(Refused),
    /// Something here broke.
    Broken(ApiError),
}

impl<E: Into<ApiError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// Errors of others that say why nobody is signed in.
pub(super) trait OrRefused<T> {
    /// As a reason to stop.
    fn or_refused(self) -> Result<T, Stop>;
}

macro_rules! refusals {
    ($($cause:ty => $variant:ident),*) => {
        $(impl<T> OrRefused<T> for Result<T, $cause> {
            fn or_refused(self) -> Result<T, Stop> {
                self.map_err(|cause| Stop::Refused(Refused::$variant(cause)))
            }
        })*
    };
}

refusals! {
    Trouble => Provider, AnswerError => Answer, TokensError => Tokens, SignInError => SignIn
}

impl Refused {
    /// The stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Connection => "no_connection",
            Self::Pace(_) => "sign_in_pace",
            Self::Attempt => "answer_attempt",
            Self::Again => "answer_again",
            Self::Linking => "answer_linking",
            Self::Provider(trouble) => trouble.code(),
            Self::Answer(error) => error.code(),
            Self::Said(error, _) => error.code(),
            Self::Tokens(error) => error.code(),
            Self::SignIn(error) => error.code(),
            Self::People(refused, _) => refused.code(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Connection => StatusCode::NOT_FOUND,
            Self::Pace(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Attempt | Self::Again | Self::Linking | Self::Answer(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::Provider(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Tokens(TokensError::Malformed) => StatusCode::BAD_GATEWAY,
            Self::Said(..) => StatusCode::FORBIDDEN,
            Self::People(refused, _) => {
                StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::FORBIDDEN)
            }
            Self::Tokens(_) | Self::SignIn(_) => StatusCode::UNAUTHORIZED,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Connection => "There is no such way to sign in",
            Self::Pace(_) => "Too many sign-ins at once",
            Self::Provider(_) | Self::Tokens(TokensError::Malformed) => {
                "Your identity provider can't be reached"
            }
            Self::People(refused, _) => refused.title(),
            _ => "You are not signed in",
        }
    }

    const fn text(&self) -> &'static str {
        match self {
            Self::Connection => {
                "This link names an identity provider that is not set up here, or no longer. Choose one on \
                 the sign-in page."
            }
            Self::Pace(_) => {
                "Very many people sign in from your network at this moment. Wait a minute, then try again."
            }
            Self::Attempt | Self::Answer(_) => {
                "What your identity provider sent belongs to no sign-in of this browser: it was finished \
                 before, took longer than ten minutes, began in another browser, or cookies are blocked. \
                 Nothing was done with it. Start once more from the sign-in page."
            }
            Self::Again => {
                "This sign-in was finished before. If you see this although you signed in once, go back to \
                 where you wanted to go."
            }
            Self::Linking => {
                "You wanted to add this way of signing in to your account, and are not signed in with that \
                 account any more. Sign in as you usually do, then add it again."
            }
            Self::Provider(_) => {
                "It does not answer, or not in a way that can be understood. Nothing is wrong with your \
                 account. Try again in a minute; if it stays so, tell an administrator the reference below."
            }
            Self::Said(error, _) => error.text(),
            Self::Tokens(TokensError::Grant) => {
                "This sign-in took too long, or was finished before. Start it once more."
            }
            Self::Tokens(_) => {
                "Your identity provider does not accept how this application asks. An administrator finds \
                 the reason in the log under the reference below."
            }
            Self::SignIn(error) => error.text(),
            Self::People(refused, _) => refused.text(),
        }
    }

    /// What the log says beyond the code. Nothing that came through the browser is repeated.
    fn cause(&self) -> String {
        match self {
            Self::Provider(trouble) => trouble.to_string(),
            Self::Answer(error) => error.to_string(),
            Self::Said(error, number) => {
                format!("{error:?} {}", number.as_deref().unwrap_or_default())
            }
            Self::Tokens(error) => error.to_string(),
            Self::SignIn(error) => error.to_string(),
            Self::People(refused, _) => refused.reason().to_owned(),
            other => other.code().to_owned(),
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in_refused.html")]
struct Page<'a> {
    title: &'a str,
    text: &'a str,
    code: &'a str,
    request_id: &'a str,
    /// The sign-in page, where the person chooses what happens next: nothing goes on by itself.
    again: &'a str,
}

/// What is known where something is refused.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// Through which connection.
    pub(super) connection: Option<&'a Slug>,
    /// Which one was asked for, where nothing was begun: for the log alone.
    pub(super) asked: Option<&'a Slug>,
    /// Where the person wanted to go.
    pub(super) to: Option<&'a Continuation>,
}

/// Notes that nobody is signed in, and says so to the person. A line in the audit log is for sign-ins that
/// were begun here: what else strangers send is in the metrics alone.
pub(super) async fn page(
    app: &App,
    info: &RequestInfo,
    refused: &Refused,
    about: About<'_>,
) -> Response {
    let name = about.connection.map_or("", Slug::as_str);
    let (code, cause) = (refused.code(), refused.cause());
    let named = about.connection.or(about.asked).map_or("", Slug::as_str);
    tracing::warn!(request_id = %info.id, connection = named, code, cause, "nobody is signed in");
    app.metrics.sign_in("denied", name);
    if about.connection.is_some()
        && app
            .federation
            .pace
            .writes(&info.counted_as(), app.clock.now())
        && let Err(error) = audit(app, info, refused, name).await
    {
        tracing::error!(request_id = %info.id, %error, "a refused sign-in is not in the audit log");
    }
    let home = Continuation::home();
    let again = step::at("/login", about.to.unwrap_or(&home));
    let page = Page {
        title: refused.title(),
        text: refused.text(),
        code,
        request_id: &info.id,
        again: &format!("{again}&choose=1"),
    };
    let mut response = pages::page(refused.status(), &page, None);
    let wait = match refused {
        Refused::Pace(seconds) => Some(*seconds),
        Refused::Provider(_) => Some(10),
        _ => None,
    };
    if let Some(seconds) = wait {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

async fn audit(
    app: &App,
    info: &RequestInfo,
    refused: &Refused,
    connection: &str,
) -> Result<(), ApiError> {
    let event = match refused {
        Refused::People(_, Some(event)) => AuditEvent::clone(event),
        other => AuditEvent {
            target: connection.to_owned(),
            outcome: Outcome::Denied,
            reason: other.code().to_owned(),
            ..info.event(app, Actor::Anonymous, Action::SignIn)
        },
    };
    let mut write = app.store.write().await?;
    write.audit(event);
    app.commit(write).await?;
    Ok(())
}
