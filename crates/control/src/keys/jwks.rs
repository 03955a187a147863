//! `GET /.well-known/jwks.json`: the public halves of the token keys (RFC 7517).

use axum::extract::State;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};

use crate::app::App;

/// The key set.
pub(crate) async fn jwks(State(app): State<App>) -> ([(HeaderName, &'static str); 2], String) {
    let headers = [
        (CONTENT_TYPE, "application/jwk-set+json"),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, app.keys.jwk_set().to_json())
}
