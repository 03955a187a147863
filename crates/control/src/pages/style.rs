//! `GET /assets/style.css`.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};

/// The style sheet.
pub(crate) async fn style() -> ([(HeaderName, &'static str); 2], &'static str) {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, include_str!("../../templates/style.css"))
}
