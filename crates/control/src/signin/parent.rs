//! The cookie of a parent domain (row I13): how a deployment is entered whose proxy, configured for
//! the original, asks at `/v1/authorization` and hands nothing else to the gate.
//!
//! Its value is an access token that gates accept only as this cookie. It is for one organization:
//! that is whose gates are told when the session ends.

use aeolus_keys::claims::PARENT_COOKIE;
use aeolus_model::{Host, Session, is_loopback};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderValue;
use http::header::SET_COOKIE;

use super::continuation::{Continuation, Page};
use super::session::Shut;
use super::step;
use crate::app::App;
use crate::error::ApiError;
use crate::provider::access_token;

/// A cookie for all hosts below one domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentCookie {
    /// The domain.
    pub domain: Host,
    /// The cookie's name.
    pub name: String,
}

impl ParentCookie {
    /// Whether a host gets to see the cookie.
    pub(crate) fn covers(&self, host: &str) -> bool {
        let below = host.strip_suffix(self.domain.as_str());
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    }

    fn set(&self, value: &str, more: &str) -> Option<HeaderValue> {
        let (name, domain) = (&self.name, &self.domain);
        let secure = if is_loopback(domain.as_str()) {
            ""
        } else {
            "; Secure"
        };
        let text = format!(
            "{name}={value}; Domain=.{domain}; Path=/; HttpOnly; SameSite=Lax{secure}{more}"
        );
        let mut header = HeaderValue::try_from(text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// A `Set-Cookie` that removes it.
    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        self.set("", "; Max-Age=0")
    }
}

/// Sends somebody who is signed in to where they wanted to go.
pub(crate) async fn go_on(
    app: &App,
    to: &Continuation,
    session: &Session,
) -> Result<Response, ApiError> {
    let page = match to {
        Continuation::Here(path) => return Ok(Redirect::to(path).into_response()),
        Continuation::There(page) => page,
    };
    match &app.parent {
        Some(parent) if parent.covers(page.host.as_str()) => {
            enter(app, parent, page, session).await
        }
        _ => {
            // The gate there makes a session of its own.
            let next: String = url::form_urlencoded::byte_serialize(page.path.as_bytes()).collect();
            let location = format!("{}/.aeolus/sign-in?next={next}", page.origin);
            Ok(Redirect::to(&location).into_response())
        }
    }
}

async fn enter(
    app: &App,
    parent: &ParentCookie,
    page: &Page,
    session: &Session,
) -> Result<Response, ApiError> {
    let mut write = app.store.write().await?;
    let place = (session, page.organization);
    super::session::count(app, &mut write, place).await?;
    let life = match super::session::enter(app, &mut write, place).await? {
        Ok(life) => life,
        Err(Shut::SecondFactor) => {
            let to = Continuation::There(page.clone());
            return Ok(Redirect::to(&step::at("/second-factor", &to)).into_response());
        }
        Err(Shut::Over) => {
            return Err(ApiError::Gone("The session has ended: sign in again."));
        }
    };
    app.commit(write).await?;
    let token = access_token(app, PARENT_COOKIE, (session, life), page.organization);
    let cookie = parent.set(&token.map_err(ApiError::internal)?, "");
    let cookie = cookie.ok_or_else(|| ApiError::internal("the cookie can't be written"))?;
    let mut response = Redirect::to(&format!("{}{}", page.origin, page.path)).into_response();
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i13_the_cookie_is_for_the_domain_and_what_is_below_it() {
        let parent = ParentCookie {
            domain: Host::parse("example.com").unwrap(),
            name: "astronomer_example_com_auth".to_owned(),
        };
        assert!(parent.covers("etl.example.com") && parent.covers("example.com"));
        assert!(!parent.covers("badexample.com") && !parent.covers("example.com.evil"));
        assert_eq!(
            parent.set("v", "").unwrap(),
            "astronomer_example_com_auth=v; Domain=.example.com; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
