//! `GET /v1/status-lists/{organization}/{n}`: one list, for everybody. It says nothing of what an index
//! stands for, and whoever holds a token has been told where its own is.

use aeolus_keys::status_list::TTL;
use aeolus_model::OrganizationId;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};

use super::lists::Which;
use super::made::list;
use crate::app::App;
use crate::error::ApiError;

/// The media type of a list (§8.2).
pub(crate) const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// Shows a list. It may be kept for what is left of its `ttl`.
pub(crate) async fn get(
    State(app): State<App>,
    Path((organization, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound("status list");
    let which = which(&organization, &number).ok_or_else(none)?;
    let list = list(&app, which).await?.ok_or_else(none)?;
    let age = app.clock.now().since(list.issued_at).as_secs();
    let kept = format!("public, max-age={}", TTL.saturating_sub(age));
    let about = [(CACHE_CONTROL, kept), (ETAG, list.tag.clone())];
    if is_known(&headers, &list.tag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let media = [(CONTENT_TYPE, MEDIA_TYPE)];
    Ok((about, media, list.text.clone()).into_response())
}

/// The list that a path names, in the one spelling that lists have of themselves.
fn which(organization: &str, number: &str) -> Option<Which> {
    let (id, n): (OrganizationId, u32) = (organization.parse().ok()?, number.parse().ok()?);
    let same = id.to_string() == organization && n.to_string() == number;
    same.then_some(Which {
        organization: id,
        number: n,
    })
}

/// Whether the asker has it already (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let held = headers.get_all(IF_NONE_MATCH).iter();
    let mut held = held.filter_map(|value| value.to_str().ok());
    held.any(|value| {
        let mut tags = value.split(',').map(str::trim);
        tags.any(|other| other == "*" || other.strip_prefix("W/").unwrap_or(other) == tag)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn a_list_has_one_address() {
        assert!(which(ID, "0").is_some() && which(ID, "4095").is_some());
        for (organization, number) in [
            (ID, "00"),
            (ID, "+1"),
            (ID, "-1"),
            (ID, ""),
            (ID, "4294967296"),
            ("acme", "0"),
            (&ID.to_uppercase(), "0"),
            (&ID.replace('-', ""), "0"),
        ] {
            assert!(
                which(organization, number).is_none(),
                "{organization} {number}"
            );
        }
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let asked = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(value));
            is_known(&headers, "\"a\"")
        };
        assert!(asked("\"a\"") && asked("\"b\", W/\"a\"") && asked("*"));
        assert!(!asked("\"b\"") && !asked("a"));
        assert!(!is_known(&HeaderMap::new(), "\"a\""));
    }
}
