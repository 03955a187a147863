//! `GET /.well-known/jwks.json`: the public halves of the token keys (RFC 7517): of those that will sign,
//! that sign, and that have signed what is still good. It is answered from memory, whatever the database
//! does.

use axum::extract::State;
use http::header::{CONTENT_TYPE, HeaderName};

use super::life::cached;
use crate::app::App;

/// The key set. Whoever caches it learns of a key well before that signs, and of one that was removed in
/// an emergency as soon as the cache ends.
pub(crate) async fn jwks(State(app): State<App>) -> ([(HeaderName, String); 2], String) {
    let media = (CONTENT_TYPE, "application/jwk-set+json".to_owned());
    let headers = [media, cached()];
    (headers, app.keys.now.load().jwks.clone())
}
