//! `GET /assets/style.css` and `/assets/mark.svg`.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};

type Asset = ([(HeaderName, &'static str); 2], &'static str);

/// The style sheet.
pub(crate) async fn style() -> Asset {
    let sheet = include_str!("../../templates/style.css");
    asset("text/css; charset=utf-8", sheet)
}

/// The picture in the browser's tab.
pub(crate) async fn mark() -> Asset {
    asset("image/svg+xml", include_str!("../../templates/mark.svg"))
}

const fn asset(kind: &'static str, content: &'static str) -> Asset {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "max-age=3600")];
    (headers, content)
}
