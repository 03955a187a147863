//! An answer that the provider's own page posts (Form Post Response Mode 1.0), brought home.
//!
//! It comes from another site, and so without the cookie of the browser's session: nobody would know whose page
//! wanted to be linked, or which session is over now. A page of ours posts it once more.

use std::sync::LazyLock;

use aeolus_oidc::{Answer, Channel};
use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;

use super::{answer, attempts, landing};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::signin::same_origin;

/// The one script.
const SCRIPT: &str = include_str!("../../templates/bring.js");

static HASH: LazyLock<String> = LazyLock::new(|| landing::hash_of(SCRIPT));

#[derive(Template)]
#[template(path = "bring.html")]
struct Bring {
    fields: Vec<(String, String)>,
    script: &'static str,
}

/// Takes what our page posts, and shows that page to whom a provider sends with an answer that this browser
/// waits for. What nobody waits for is refused at once, and shown on no page.
pub(super) async fn take(app: &App, parts: (&RequestInfo, &HeaderMap), text: &str) -> Response {
    let headers = parts.1;
    let answer = Answer::parse(text, Channel::FormPost).ok();
    let begun = answer.and_then(|answer| attempts::of_state(app, headers, answer.state()));
    if begun.is_none() || same_origin::is_same_origin(headers, &app.origin) {
        return answer::take(app, parts, (text, Channel::FormPost)).await;
    }
    let fields = url::form_urlencoded::parse(text.as_bytes());
    let page = Bring {
        fields: fields.into_owned().collect(),
        script: SCRIPT,
    };
    landing::with_script(app, headers, (&page, &HASH))
        .await
        .unwrap_or_else(|error| error.into_page().into_response())
}
