//! Changes of what somebody has read: `ETag` and `If-Match` (RFC 9110 §13.1.1).

use std::fmt::Display;

use aeolus_keys::digest;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{ETAG, IF_MATCH};
use serde::Serialize;

use crate::error::ApiError;

/// Stands for what a write would replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// Of a record that counts its changes.
    pub(crate) fn of_revision(revision: u64) -> Self {
        Self(format!("\"{revision}\""))
    }

    /// The same, where another record may have the name: clients put it together of what they have read.
    pub(crate) fn of_version(id: &impl Display, revision: u64) -> Self {
        Self(format!("\"{id}.{revision}\""))
    }

    /// Of all that counts.
    pub(crate) fn of(parts: &impl Serialize) -> Result<Self, ApiError> {
        let bytes = serde_json::to_vec(parts).map_err(ApiError::internal)?;
        let digest = digest::sha256(&bytes);
        let text = URL_SAFE_NO_PAD.encode(digest);
        Ok(Self(format!("\"{}\"", text.get(..22).unwrap_or(&text))))
    }
}

/// What is shown together with its tag.
pub(crate) struct Tagged<T>(pub(crate) Tag, pub(crate) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(ETAG, self.0.0)], axum::Json(self.1)).into_response()
    }
}

/// Which tags a change is for; any, if it doesn't say.
#[derive(Clone, Debug, Default)]
pub(crate) struct IfMatch(Option<String>);

impl IfMatch {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(IF_MATCH).iter().peekable();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let given = values.peek().is_some();
        Self(given.then(|| values.map(text).collect::<Vec<_>>().join(",")))
    }

    /// Whether it says.
    pub(crate) const fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Refuses a change of something else than was read; none: there is nothing any more. To be asked in
    /// the transaction that changes it.
    pub(crate) fn require(&self, current: Option<&Tag>) -> Result<(), ApiError> {
        let Some(given) = &self.0 else {
            return Ok(());
        };
        let fits = |current: &Tag| {
            let mut tags = given.split(',').map(str::trim);
            given.trim() == "*" || tags.any(|tag| tag == current.0)
        };
        if current.is_some_and(fits) {
            Ok(())
        } else {
            Err(ApiError::ChangedSinceRead)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[&'static str]) -> IfMatch {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, http::HeaderValue::from_static(line));
        }
        IfMatch::of(&headers)
    }

    #[test]
    fn a_change_goes_through_for_what_was_read_alone() {
        let now = Tag::of_revision(7);
        for (lines, fits, fits_nothing) in [
            (&[][..], true, true),
            (&["*"], true, false),
            (&["\"7\""], true, false),
            (&["\"6\", \"7\""], true, false),
            (&["\"6\"", "\"7\""], true, false),
            (&["\"6\""], false, false),
            (&["7"], false, false),
            (&["W/\"7\""], false, false),
            (&[""], false, false),
        ] {
            let asked = asked(lines);
            assert_eq!(asked.require(Some(&now)).is_ok(), fits, "{lines:?}");
            assert_eq!(asked.require(None).is_ok(), fits_nothing, "{lines:?}");
        }
    }
}
