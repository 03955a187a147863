//! The URL that sends a browser to a provider (RFC 6749 §4.1.1, OIDC Core §3.1.2.1).

use url::Url;

use crate::{Attempt, Connection, Discovery, Flow, Kind, Protocol, Redirects};

/// An authorization request, before it is a URL.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRequest<'a> {
    /// Whose client.
    pub connection: &'a Connection,
    /// What the provider says of itself.
    pub discovery: &'a Discovery,
    /// The attempt that the answer is for.
    pub attempt: &'a Attempt,
    /// Where the answer goes.
    pub redirects: &'a Redirects,
    /// What this one asks beyond the usual.
    pub ask: Ask<'a>,
}

/// What one request asks beyond the usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Who probably wants in: the address that was typed.
    pub login_hint: Option<&'a str>,
}

impl AuthorizationRequest<'_> {
    /// The URL. What a sign-in depends on is said once, after whatever the endpoint and the
    /// configuration bring, and neither can say it (see [`Connection::new`]).
    pub fn url(&self) -> Url {
        let (connection, attempt) = (self.connection, self.attempt);
        let flow = attempt.flow();
        let open_id = connection.profile().protocol == Protocol::OpenId;
        let mut fixed = vec![
            ("response_type", flow.response_type().to_owned()),
            ("client_id", connection.client_id().to_owned()),
            ("redirect_uri", self.redirects.of(flow).to_owned()),
            ("scope", connection.scopes().join(" ")),
            ("state", attempt.state().to_owned()),
        ];
        if open_id {
            fixed.push(("nonce", attempt.nonce().to_owned()));
        }
        if flow == Flow::Code {
            fixed.push(("code_challenge", attempt.challenge()));
            fixed.push(("code_challenge_method", "S256".to_owned()));
        }
        if connection.form_post() {
            fixed.push(("response_mode", "form_post".to_owned()));
        }
        if let Some(mfa) = connection.mfa().filter(|mfa| !mfa.acr_values.is_empty()) {
            fixed.push(("acr_values", mfa.acr_values.join(" ")));
        }
        let mut free = connection.auth_url_params().to_vec();
        let mut add = |name: &str, value: &str| {
            if !free.iter().any(|(held, _)| held == name) {
                free.push((name.to_owned(), value.to_owned()));
            }
        };
        if let [domain] = connection.hosted_domains() {
            add("hd", domain);
        }
        if let Some(hint) = self.ask.login_hint {
            let name = if connection.kind() == Kind::Github {
                "login"
            } else {
                "login_hint"
            };
            add(name, hint);
        }
        if attempt.fresh_since().is_some() && open_id {
            free.retain(|(name, _)| name != "prompt" && name != "max_age");
            fixed.push(("prompt", "login".to_owned()));
            // Who is asked for it has to say when somebody signed in there (OIDC Core §3.1.2.1).
            if connection.profile().says_auth_time {
                fixed.push(("max_age", "0".to_owned()));
            }
        }
        let mut url = self.discovery.authorization_endpoint().clone();
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !fixed.iter().any(|(fixed, _)| fixed == name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .filter(|(name, _)| !free.iter().any(|(free, _)| free == name))
            .collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(&kept)
            .extend_pairs(&fixed)
            .extend_pairs(&free);
        url
    }
}

#[cfg(test)]
mod tests;
