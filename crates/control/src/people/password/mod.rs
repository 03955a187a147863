//! Another password for who forgot theirs: a link that is good once (rows A1, A7, A8, E6; note 028).
//!
//! Its value is kept nowhere, as that of an invitation. It belongs to the account as it was when the link was made:
//! with another address or another password, and of somebody who was disabled since, it is good for nothing; nor is one
//! whose maker may make it no more.

mod create;
mod forgot;
mod message;
mod set;

use std::time::Duration;

use aeolus_keys::digest;
use aeolus_model::{PasswordResetId, Secret, UserId};
use aeolus_store::{Digest, PasswordReset, Unit, User};
use axum::response::Response;
use http::header::REFERRER_POLICY;
use http::{HeaderValue, StatusCode};

use crate::app::App;
use crate::error::{ApiError, Failure, Form};

pub(crate) use self::create::reset;
pub(crate) use self::forgot::{forgot_get, forgot_post};
pub(crate) use self::message::answer_forgotten;
pub(crate) use self::set::{reset_get, reset_post};

const LABEL: &[u8] = b"password reset";
/// Bytes of a value: 160 bits.
const BYTES: usize = 20;
/// For so long a link is good that an administrator hands on, and one that somebody had sent to themselves.
const HANDED: Duration = Duration::from_secs(86_400);
const SENT: Duration = Duration::from_secs(3_600);

fn value_of(app: &App, id: PasswordResetId) -> Secret<String> {
    let code = digest::hmac(app.invitation_key.expose(), &[LABEL, id.as_bytes()]);
    let hex = |text: String, byte: &u8| format!("{text}{byte:02x}");
    Secret::new(code.iter().take(BYTES).fold(String::new(), hex))
}

/// The link of an id, below the URL that the configuration says: never below what a request named (A7).
pub(crate) fn link_of(app: &App, id: PasswordResetId) -> String {
    format!(
        "{}/password/reset/{}",
        app.issuer,
        value_of(app, id).expose()
    )
}

fn digest_of(value: &Secret<String>) -> Digest {
    digest::sha256(value.expose().as_bytes())
}

/// What an account is to a link; none if nobody signs in to it with a password.
fn state_of(app: &App, user: &User) -> Option<Digest> {
    let hash = user.password_hash.as_ref()?;
    let parts = [
        LABEL,
        user.id.as_bytes(),
        user.email.as_str().as_bytes(),
        hash.expose().as_bytes(),
    ];
    Some(digest::hmac(app.invitation_key.expose(), &parts))
}

/// A new link of somebody; none if there is no password to be set anew.
fn made(
    app: &App,
    id: PasswordResetId,
    (user, made_by): (&User, Option<UserId>),
) -> Option<(PasswordReset, Digest)> {
    let now = app.clock.now();
    let life = if made_by.is_some() { HANDED } else { SENT };
    let reset = PasswordReset {
        id,
        user: user.id,
        state: state_of(app, user)?,
        made_by,
        created_at: now,
        expires_at: now.plus(life),
    };
    Some((reset, digest_of(&value_of(app, id))))
}

/// The link of a value and whose it is, if it is good at this moment.
async fn open(
    app: &App,
    unit: &mut impl Unit,
    value: &Secret<String>,
) -> Result<Option<(PasswordReset, User)>, ApiError> {
    if value.expose().len() != 2 * BYTES {
        return Ok(None);
    }
    let found = unit.password_resets().by_digest(&digest_of(value)).await?;
    let now = app.clock.now();
    let Some(reset) = found.filter(|reset| reset.expires_at > now) else {
        return Ok(None);
    };
    let user = unit.users().get(reset.user).await?;
    let user = user.filter(|user| {
        let state = state_of(app, user);
        user.disabled_at.is_none() && state.is_some_and(|state| digest::eq(&state, &reset.state))
    });
    Ok(user.map(|user| (reset, user)))
}

/// The page of a link that is good for nothing, whatever the cause.
fn over() -> Failure {
    Failure {
        status: StatusCode::GONE,
        code: "password-link-over",
        title: "The link is over",
        detail: "A link to a new password is good once, for a while, and until address or password are others. \
                 Ask for another one on the sign-in page, or whoever administers your organization."
            .to_owned(),
        errors: Vec::new(),
        retry_after: None,
        private: String::new(),
        form: Form::Page,
    }
}

/// What the page's URL says is told to no other page.
fn unreferred(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
