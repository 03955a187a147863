//! `POST /second-factor/begin` and `/confirm`: an app learns a secret, and its first code makes it count.

use std::fmt::Write as _;

use aeolus_keys::totp::TotpSecret;
use aeolus_model::{Action, Amr, Change, Secret};
use aeolus_store::{Unit as _, User, Write};
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use qrcodegen::{QrCode, QrCodeEcc};

use super::again::{self, Form, No};
use super::page::{self, Drawing, View};
use super::{Refused, Trier, denied, grouped, line, set_codes};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::email::{self, News};
use crate::error::{ApiError, Failure};
use crate::signin::begin;
use crate::signin::standing::Standing;

/// Modules around the code that stay empty (ISO/IEC 18004 §9.1).
const QUIET: i32 = 4;

/// Makes a secret and shows it this once. It counts for nothing yet.
pub(crate) async fn begin_post(
    State(app): State<App>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    offer(&app, &headers, request)
        .await
        .map_err(ApiError::into_page)
}

async fn offer(app: &App, headers: &HeaderMap, request: Request) -> Result<Response, ApiError> {
    let Some(form) = again::read(app, headers, request).await? else {
        return Ok(page::sign_in_first());
    };
    let user = &form.user;
    let secret = TotpSecret::generate(&*app.rng);
    let sealed = app.master.seal_totp(user.id, &secret, &*app.rng);
    let sealed = sealed.map_err(ApiError::internal)?;
    let mut write = app.store.write().await?;
    let now = app.clock.now();
    let begun = write.second_factors().begin(user.id, &sealed, now).await?;
    app.commit(write).await?;
    if !begun {
        let view = page::there(app, user).await?;
        return Ok(page::render(409, user.email.as_str(), &form.to, view, None));
    }
    let (text, link) = (secret.base32(), link(app, user, &secret));
    let view = View::Begun {
        secret: &grouped(text.expose()),
        link: link.expose(),
        drawing: draw(link.expose())?,
    };
    Ok(page::render(200, user.email.as_str(), &form.to, view, None))
}

/// What apps read (the key URI format that all of them know).
fn link(app: &App, user: &User, secret: &TotpSecret) -> Secret<String> {
    let host = app.origin.split_once("://").map_or("", |(_, host)| host);
    let escape = |text: &str| -> String {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let issuer = escape(&format!("Aeolus {host}"));
    let account = escape(user.email.as_str());
    let secret = secret.base32();
    Secret::new(format!(
        "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}",
        secret.expose()
    ))
}

fn draw(link: &str) -> Result<Drawing, ApiError> {
    let code = QrCode::encode_text(link, QrCodeEcc::Medium).map_err(ApiError::internal)?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                // To a text nothing is refused.
                let _ = write!(path, "M{},{}h1v1h-1z", x + QUIET, y + QUIET);
            }
        }
    }
    Ok(Drawing {
        size: code.size() + 2 * QUIET,
        path,
    })
}

/// Takes the first code with the password. Every other session of the person ends, and this browser's is
/// replaced by one that says what was proved.
pub(crate) async fn confirm_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    confirm(&app, &info, &headers, request)
        .await
        .map_err(ApiError::into_page)
}

async fn confirm(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let Some(form) = again::read(app, headers, request).await? else {
        return Ok(page::sign_in_first());
    };
    let (user, to) = (&form.user, &form.to);
    let email = user.email.as_str();
    let turn = match again::password(app, info, &form).await? {
        Ok(turn) => turn,
        Err(no) => return Ok(page::refuse(email, to, View::Unproven, &no)),
    };
    let _writing = turn.write().await?;
    let mut write = app.store.write().await?;
    let Some(who) = Standing::by_password(&mut write, user).await? else {
        return Ok(page::refuse(email, to, View::Unproven, &again::wrong()));
    };
    if let Err(refused) = first_code(app, &mut write, (&form, &info.counted_as())).await? {
        let what = (user.id, Action::SecondFactorEnroll);
        write.audit(denied(app, info, what, "code"));
        app.commit(write).await?;
        let no = No::from(refused);
        return Ok(page::refuse(email, to, View::Unproven, &no));
    }
    let codes = set_codes(app, &mut write, user.id).await?;
    let ended = again::end_all(app, &mut write, user.id).await?;
    let mut event = line(app, info, user.id, Action::SecondFactorEnroll);
    event.changes = vec![Change::from("sessions", ended.to_string())];
    write.audit(event);
    email::tell(app, &mut write, user.id, News::Enrolled).await?;
    let proven = (&who, Amr::password_and_code());
    let session = begin::begin(app, (info, headers), &mut write, proven).await?;
    app.commit(write).await?;
    let view = View::Codes {
        codes: &codes,
        new: true,
    };
    let mut response = page::render(200, email, to, view, None);
    begin::set_cookie(app, &mut response, &session)?;
    Ok(response)
}

/// Whether the code is one of the secret that waits for it.
async fn first_code(
    app: &App,
    write: &mut Write,
    (form, source): (&Form, &str),
) -> Result<Result<(), Refused>, ApiError> {
    let (user, now) = (form.user.id, app.clock.now());
    let factor = write.second_factors().lock(user).await?;
    let Some(factor) = factor.filter(|factor| factor.confirmed_at.is_none()) else {
        return Ok(Err(Refused::Wrong));
    };
    let trier = match Trier::admit(write, &factor, source, now).await? {
        Ok(trier) => trier,
        Err(refused) => return Ok(Err(refused)),
    };
    let secret = app.master.open_totp(user, &factor.sealed);
    let secret = secret.map_err(ApiError::internal)?;
    let typed = super::normal(&form.code);
    let mut factors = write.second_factors();
    if let Some(step) = secret.step_of(typed.expose(), now)
        && factors.confirm(user, step, now).await?
    {
        factors.proved(user, source, now).await?;
        return Ok(Ok(()));
    }
    trier.missed(write, now).await?;
    Ok(Err(Refused::Wrong))
}
