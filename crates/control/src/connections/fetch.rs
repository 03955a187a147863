//! A provider's discovery document and its keys (OIDC Discovery §4, RFC 7517 §5).

use aeolus_api::egress::{Egress, EgressError, Reach, is_askable, reach_of};
use aeolus_keys::{JwkSet, KeyError};
use aeolus_store::{ProviderEndpoints, ProviderKey};
use serde::Deserialize;

/// What a provider says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its issuer.
    pub(super) issuer: String,
    /// Its keys.
    pub(super) keys: Keys,
    /// Where it signs people in, if it says so in a way that can be used.
    pub(super) endpoints: Option<ProviderEndpoints>,
}

/// A provider's set of keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Those that can be used; at least one.
    pub(super) usable: Vec<ProviderKey>,
    /// How many can't, such as keys for encryption or another algorithm.
    pub(super) left_out: usize,
}

/// Why an answer is not used. For the log: the provider's own words are not repeated.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0}: {1}")]
    Egress(&'static str, EgressError),
    #[error("the discovery document is not one, or has no issuer or jwks_uri")]
    Document,
    #[error(
        "the discovery document is of {0:?}, which is not the issuer that discoveryUrl stands for"
    )]
    Issuer(String),
    #[error("the key set is refused as a whole: {0}")]
    Keys(#[from] KeyError),
}

/// The members that matter.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_endpoint: String,
    #[serde(default)]
    token_endpoint: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Document {
    fn endpoints(self) -> Option<ProviderEndpoints> {
        let both = [&self.authorization_endpoint, &self.token_endpoint];
        let usable = both.into_iter().all(|url| is_askable(url));
        usable.then_some(ProviderEndpoints {
            authorization: self.authorization_endpoint,
            token: self.token_endpoint,
            names_itself: self.authorization_response_iss_parameter_supported,
        })
    }
}

/// Asks for the document at `url`, then for the keys that it names.
pub(super) async fn fetch(egress: &Egress, url: &str) -> Result<Found, FetchError> {
    let body = egress.get(url, Reach::Configured).await;
    let document = document(&body.map_err(|e| FetchError::Egress("discovery", e))?, url)?;
    let reach = reach_of(&document.jwks_uri, url);
    let body = egress.get(&document.jwks_uri, reach).await;
    let keys = keys(&body.map_err(|e| FetchError::Egress("keys", e))?)?;
    Ok(Found {
        issuer: document.issuer.clone(),
        keys,
        endpoints: document.endpoints(),
    })
}

/// Its issuer must be what the document was found below (OIDC Discovery §4.3); some end it with a
/// slash.
fn document(body: &[u8], url: &str) -> Result<Document, FetchError> {
    let document: Document = serde_json::from_slice(body).map_err(|_| FetchError::Document)?;
    let expected = aeolus_api::fleet::discovered_issuer(url);
    let found = document
        .issuer
        .strip_suffix('/')
        .unwrap_or(&document.issuer);
    if found != expected {
        let shown = document.issuer.chars().take(200).collect();
        return Err(FetchError::Issuer(shown));
    }
    Ok(document)
}

fn keys(body: &[u8]) -> Result<Keys, KeyError> {
    let published = JwkSet::parse(body)?;
    let usable = published.foreign_keys()?;
    let left_out = published.iter().count().saturating_sub(usable.len());
    let keys = usable.into_iter().map(|found| ProviderKey {
        kid: found.kid,
        jwk: found.key.to_jwk().to_json(),
    });
    Ok(Keys {
        usable: keys.collect(),
        left_out,
    })
}

#[cfg(test)]
mod tests;
