//! The exchange of a code (RFC 6749 §4.1.3, RFC 7636 §4.5).

use aeolus_model::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::byte_serialize;

use crate::{Attempt, ClientAuth, Connection, Discovery, Redirects};

/// What is posted. Ask for `application/json`, and follow no redirect: it would carry the code on.
#[derive(Debug)]
pub struct TokenRequest {
    /// Where to.
    pub url: String,
    /// The form.
    pub form: Vec<(&'static str, Secret<String>)>,
    /// The value of `Authorization`, if there is one.
    pub authorization: Option<Secret<String>>,
}

impl TokenRequest {
    /// For a code that answered an attempt. None if the provider has no token endpoint.
    pub fn new(
        (connection, discovery): (&Connection, &Discovery),
        attempt: &Attempt,
        redirects: &Redirects,
        code: &Secret<String>,
    ) -> Option<Self> {
        let id = connection.client_id();
        let mut form = vec![
            ("grant_type", Secret::new("authorization_code".to_owned())),
            ("code", code.clone()),
            (
                "redirect_uri",
                redirects.of(attempt.flow()).to_owned().into(),
            ),
            ("code_verifier", attempt.verifier().clone()),
        ];
        let authorization = match (connection.client_secret(), discovery.client_auth()) {
            (Some(secret), ClientAuth::Basic) => Some(basic(id, secret)),
            (Some(secret), ClientAuth::Post) => {
                form.push(("client_id", id.to_owned().into()));
                form.push(("client_secret", secret.clone()));
                None
            }
            (None, _) => {
                form.push(("client_id", id.to_owned().into()));
                None
            }
        };
        Some(Self {
            url: discovery.token_endpoint()?.to_owned(),
            form,
            authorization,
        })
    }
}

/// RFC 6749 §2.3.1: each part is form-encoded first.
fn basic(id: &str, secret: &Secret<String>) -> Secret<String> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encode(id), encode(secret.expose())));
    Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}

#[cfg(test)]
mod tests;
