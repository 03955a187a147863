//! The claims of a provider's token, as loose as providers are and no looser.

use aeolus_keys::jws::{Aud, date, maybe_date, maybe_text, maybe_texts};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What is read of them. The rest says nothing here.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    #[serde(default)]
    pub(super) aud: Aud,
    #[serde(default)]
    pub(super) sub: Option<String>,
    #[serde(default)]
    pub(super) uid: Option<String>,
    #[serde(default)]
    pub(super) tid: Option<String>,
    #[serde(default)]
    pub(super) oid: Option<String>,
    #[serde(deserialize_with = "date")]
    pub(super) iat: i64,
    #[serde(deserialize_with = "date")]
    pub(super) exp: i64,
    #[serde(default, deserialize_with = "maybe_date")]
    pub(super) nbf: Option<i64>,
    #[serde(default, deserialize_with = "maybe_date")]
    pub(super) auth_time: Option<i64>,
    /// Only `id_token`s have these (OIDC Core §3.1.3.6, §3.3.2.11).
    at_hash: Option<IgnoredAny>,
    c_hash: Option<IgnoredAny>,
    /// Logout tokens and other security events (RFC 8417 §2.2).
    events: Option<IgnoredAny>,
    /// A token that its holder has to prove a key for (RFC 8705 §3.1, RFC 9449 §6.1), which nobody
    /// does here: as a bearer token it would be good in a thief's hands.
    cnf: Option<IgnoredAny>,
    /// Of an `id_token` (OIDC Core §2); Keycloak before version 24 also put it into access tokens.
    nonce: Option<IgnoredAny>,
    /// Cognito: `access` or `id`.
    token_use: Option<String>,
    /// Keycloak: `Bearer`, `ID`, `Refresh`, `Offline`, `Logout`.
    typ: Option<String>,
    /// The client that the token was given to: Auth0, Entra version 2, Keycloak.
    #[serde(default, deserialize_with = "maybe_text")]
    azp: Option<String>,
    /// The same: RFC 9068 §2.2, Cognito.
    #[serde(default, deserialize_with = "maybe_text")]
    client_id: Option<String>,
    /// The same: Okta.
    #[serde(default, deserialize_with = "maybe_text")]
    cid: Option<String>,
    /// The same: Entra version 1, AD FS.
    #[serde(default, deserialize_with = "maybe_text")]
    appid: Option<String>,
    /// How the person proved who they are (RFC 8176, RFC 9068 §2.2.1).
    #[serde(default, deserialize_with = "maybe_texts")]
    amr: Aud,
    #[serde(default, deserialize_with = "maybe_text")]
    acr: Option<String>,
    /// What the client may do (RFC 9068 §2.2.3); a list or a text.
    scope: Option<IgnoredAny>,
    /// The same: Entra, Okta.
    scp: Option<IgnoredAny>,
}

impl Claims {
    /// Whether it is an access token for `audience` and nothing else. `typed` says that its header
    /// names it one (RFC 9068 §2.1).
    ///
    /// Providers sign `id_token`s with the same keys, for the same people, and an `id_token` of a
    /// client whose id is `audience` has the issuer and the audience of an access token. So what
    /// doesn't say that it is an access token must look like one, and nothing like an `id_token`:
    /// it names the client that it was given to or what that client may do, and that client is not
    /// who it is for.
    pub(super) fn is_access(&self, audience: &str, typed: bool) -> bool {
        if self.is_other() || self.clients().any(|client| client == audience) {
            return false;
        }
        let named = |typ: &String| {
            SAYS_ACCESS
                .iter()
                .any(|known| typ.eq_ignore_ascii_case(known))
        };
        if typed || self.token_use.is_some() || self.typ.as_ref().is_some_and(named) {
            return true;
        }
        let permits = self.scope.is_some() || self.scp.is_some();
        let looks_like_one = permits || self.clients().next().is_some();
        let own = self.clients().any(|client| self.aud.has(client));
        looks_like_one && !own && self.nonce.is_none()
    }

    /// Whether it says that there was a second factor.
    pub(super) fn is_second_factor(&self, own: &[Box<str>]) -> bool {
        is_second_factor(&self.amr, self.acr.as_deref(), own)
    }

    /// Whether it says that it is an `id_token`, a refresh token, an event, or bound to a key.
    fn is_other(&self) -> bool {
        let other = [&self.at_hash, &self.c_hash, &self.events, &self.cnf];
        let known = |typ: &String| {
            let mut access = SAYS_ACCESS.iter().chain(["JWT"].iter());
            access.any(|known| typ.eq_ignore_ascii_case(known))
        };
        other.into_iter().any(Option::is_some)
            || self.token_use.as_ref().is_some_and(|used| used != "access")
            || self.typ.as_ref().is_some_and(|typ| !known(typ))
    }

    /// The client that it was given to, in every provider's words.
    fn clients(&self) -> impl Iterator<Item = &str> {
        let named = [&self.azp, &self.client_id, &self.cid, &self.appid];
        named.into_iter().filter_map(Option::as_deref)
    }
}

/// Whether a second factor was part of a proof: by the word that all providers share, or by an `acr` of
/// the provider's own.
pub(super) fn is_second_factor(amr: &Aud, acr: Option<&str>, own: &[Box<str>]) -> bool {
    amr.has("mfa") || acr.is_some_and(|acr| own.iter().any(|own| **own == *acr))
}

/// `typ` claims of access tokens: Keycloak's, and the header's where it is copied. `JWT` says nothing.
const SAYS_ACCESS: [&str; 2] = ["Bearer", "at+jwt"];
