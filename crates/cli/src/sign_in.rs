//! Signing in by OAuth 2.0 authorization code with PKCE and a loopback redirect (RFC 8252, RFC 7636).

mod device;
mod loopback;
mod password;
mod paste;

use aeolus_api::client::Client;
use aeolus_api::oauth::{CLI_CLIENT_ID, GRANT_AUTHORIZATION_CODE, Metadata, SCOPE_OFFLINE_ACCESS};
use aeolus_keys::digest::{random_token, sha256};
use aeolus_model::{Clock, Rng, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

pub(crate) use device::by_device;
pub(crate) use loopback::Loopback;
pub(crate) use password::{ask_at_terminal, with_password};
pub(crate) use paste::{NOWHERE, by_paste};

use crate::control_client::refused;
use crate::credentials::Credentials;
use crate::report::{Failure, Report};

/// One attempt to sign in.
pub(crate) struct Attempt {
    metadata: Metadata,
    redirect_uri: String,
    state: Secret<String>,
    verifier: Secret<String>,
}

/// What came back to the redirect URI.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Callback {
    /// The code.
    pub(crate) code: Option<String>,
    /// The state we gave.
    pub(crate) state: Option<String>,
    /// Who says so (RFC 9207).
    pub(crate) iss: Option<String>,
    /// Why not.
    pub(crate) error: Option<String>,
}

impl Callback {
    /// Reads the parameters of a redirect.
    pub(crate) fn of(url: &Url) -> Self {
        let one = |name: &str| {
            let mut values = url.query_pairs().filter(|(key, _)| key == name);
            let first = values.next().map(|(_, value)| value.into_owned());
            // A parameter that is there twice says nothing.
            first.filter(|_| values.next().is_none())
        };
        Self {
            code: one("code"),
            state: one("state"),
            iss: one("iss"),
            error: one("error"),
        }
    }
}

impl Attempt {
    /// Begins: asks control where its endpoints are.
    pub(crate) async fn begin(
        client: &Client,
        redirect_uri: String,
        rng: &dyn Rng,
    ) -> Result<Self, Failure> {
        Ok(Self {
            metadata: metadata(client).await?,
            redirect_uri,
            state: random_token(rng, 32),
            verifier: random_token(rng, 32),
        })
    }

    /// By which identity providers people come there: a part of a sentence, empty if none are known.
    pub(crate) fn ways(&self) -> String {
        let names = self.metadata.aeolus_connections.iter();
        let names: Vec<String> = names.map(|name| crate::ui::plain(name)).collect();
        match names.as_slice() {
            [] => String::new(),
            [one] => format!(" ({one})"),
            [others @ .., last] => format!(" ({} or {last})", others.join(", ")),
        }
    }

    /// Where the browser has to go.
    pub(crate) fn link(&self) -> Result<Url, Failure> {
        let challenge = URL_SAFE_NO_PAD.encode(sha256(self.verifier.expose().as_bytes()));
        let scope = format!("openid {SCOPE_OFFLINE_ACCESS}");
        let parameters = [
            ("response_type", "code"),
            ("client_id", CLI_CLIENT_ID),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &scope),
            ("state", self.state.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let endpoint = &self.metadata.authorization_endpoint;
        Url::parse_with_params(endpoint, parameters).map_err(|error| {
            Report::new("CLI-0008", format!("{endpoint} is no URL: {error}")).failed()
        })
    }

    /// Ends: exchanges the code for tokens.
    pub(crate) async fn finish(
        self,
        client: &Client,
        callback: Callback,
        clock: &dyn Clock,
    ) -> Result<Credentials, Failure> {
        let code = self.accept(callback)?;
        let answer = client
            .exchange(&[
                ("grant_type", GRANT_AUTHORIZATION_CODE),
                ("code", &code),
                ("redirect_uri", &self.redirect_uri),
                ("client_id", CLI_CLIENT_ID),
                ("code_verifier", self.verifier.expose()),
            ])
            .await
            .map_err(refused)?;
        Ok(Credentials::of(client.base(), answer, clock))
    }

    fn accept(&self, callback: Callback) -> Result<String, Failure> {
        let ours = self.state.expose().as_bytes();
        let state = callback.state.unwrap_or_default();
        if !aeolus_keys::digest::eq(state.as_bytes(), ours) {
            return Err(refusal("the answer belongs to another attempt"));
        }
        if callback.iss.is_some_and(|iss| iss != self.metadata.issuer) {
            return Err(refusal("the answer is from another control plane"));
        }
        if let Some(error) = callback.error {
            return Err(refusal(&format!("control said {error}")));
        }
        callback
            .code
            .ok_or_else(|| refusal("the answer has no code"))
    }
}

/// What control says of itself, if it is the one that was asked.
async fn metadata(client: &Client) -> Result<Metadata, Failure> {
    let metadata = client.metadata().await.map_err(refused)?;
    if metadata.issuer.trim_end_matches('/') == client.base() {
        return Ok(metadata);
    }
    Err(Report::new(
        "CLI-0007",
        format!("{} calls itself {}", client.base(), metadata.issuer),
    )
    .why("Tokens of one are not good at the other.")
    .help(format!("run `aeolus login --url {}`", metadata.issuer))
    .failed())
}

fn refusal(what: &str) -> Failure {
    Report::new("CLI-0009", format!("signing in failed: {what}"))
        .help("run `aeolus login` again, and use the link it prints")
        .failed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_there_twice_says_nothing() {
        let url = Url::parse("http://127.0.0.1/callback?code=a&code=b&state=s").unwrap();
        let callback = Callback::of(&url);
        assert_eq!(callback.code, None);
        assert_eq!(callback.state.as_deref(), Some("s"));
    }
}
