//! What the sign-in page asks for. Where a provider owns mail domains it is the address first: the domain says
//! where its owner goes on, and nobody looks whether there is such an account (A1).

use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::Offers;
use super::continuation::Continuation;
use super::login_post::Attempt;
use super::step::at;
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::federation::{Start, lead_on};
use crate::pages::{self, Login};

const NO_ADDRESS: &str = "That is no e-mail address. Use one of the form name@example.com.";
const NO_PROVIDER: &str = "Nobody signs in here by an address of that domain. Use another address, or one of the buttons.";

/// What the form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The address; what follows depends on its domain.
    Address,
    /// Address and password at once.
    Both,
    /// The password of an address that was typed.
    Password,
    /// Which of an address's providers.
    Provider,
}

/// The page.
pub(super) struct SignInPage<'a> {
    pub(super) to: &'a Continuation,
    pub(super) offers: &'a Offers,
    pub(super) again: bool,
    pub(super) ask: Ask,
    pub(super) email: &'a str,
    pub(super) message: Option<&'a str>,
}

impl SignInPage<'_> {
    /// As an answer.
    pub(super) fn answer(&self, status: u16) -> Response {
        let again = if self.again { "&again=1" } else { "" };
        let start = format!("{}{again}&choose=1", at("/login", self.to));
        let page = Login {
            rd: &self.to.text(),
            email: self.email,
            message: self.message,
            offers: self.offers,
            ask: self.ask,
            again: self.again,
            forgot: self.offers.forgot,
            with_password: &format!("{start}&password=1"),
            start: &start,
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        pages::login(status, &page, self.to)
    }
}

/// Goes on from an address alone: to the provider that its domain belongs to, else to the password. The same
/// for every address of a domain, whoever has it.
pub(super) async fn by_address(
    app: &App,
    parts: (&RequestInfo, &HeaderMap),
    attempt: &Attempt,
    offers: &Offers,
) -> Response {
    let (to, again) = (&attempt.to, attempt.again);
    let page = SignInPage {
        to,
        offers,
        again,
        ask: Ask::Address,
        email: &attempt.typed,
        message: None,
    };
    let Some(email) = &attempt.email else {
        let message = Some(NO_ADDRESS);
        return SignInPage { message, ..page }.answer(422);
    };
    let theirs = offers.for_address(email);
    match theirs.buttons.as_slice() {
        [one] => {
            let start = Start {
                provider: one.provider.as_str(),
                rd: Some(&to.text()),
                login_hint: Some(email.as_str()),
                again,
                ..Start::default()
            };
            lead_on(app, parts, &start).await
        }
        [] if offers.local => {
            let ask = Ask::Password;
            SignInPage { ask, ..page }.answer(200)
        }
        [] => {
            let message = Some(NO_PROVIDER);
            SignInPage { message, ..page }.answer(422)
        }
        _ => {
            let (offers, ask) = (&theirs, Ask::Provider);
            SignInPage {
                offers,
                ask,
                ..page
            }
            .answer(200)
        }
    }
}
