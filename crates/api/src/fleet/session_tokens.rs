//! A connection whose provider's own access tokens count at gates.

use std::collections::BTreeSet;
use std::time::Duration;

use aeolus_model::{IdentitySubject, Slug, is_loopback};
use serde::{Deserialize, Serialize};

use super::ConnectionKind;
use crate::Period;
#[cfg(feature = "schema")]
use crate::schema;

const DEFAULT_LIFE: Period = Period::from_secs(86_400);
const DEFAULT_TOLERANCE: Period = Period::from_secs(60);
const MAX_TOLERANCE: Period = Period::from_secs(300);
const MIN_LIFE: Period = Period::from_secs(60);
const MAX_LIFE: Period = Period::from_secs(86_400);
/// What discovery adds to the issuer (OIDC Discovery §4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Lets access tokens that the provider itself signed count at gates, as the person they name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionTokens {
    /// The identifier of the API at the provider, which `aud` has to contain. Never the client id:
    /// `id_token`s are for that one, and don't count.
    pub audience: String,
    /// The algorithms that count; absent: RS256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Vec<TokenAlgorithm>>,
    /// How long after its `iat` a token is good at most, whatever its `exp` says: 1m to 24h; absent:
    /// 24h. What happens at the provider in that time is not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Period>"))]
    pub max_life: Option<Period>,
    /// How far the provider's clock may differ: up to 5m; absent: 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Period>"))]
    pub clock_tolerance: Option<Period>,
    /// The tokens' `iss`, where it is not the issuer that the discovery document names (AD FS, and
    /// version 1 tokens of Entra).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::HttpUrl>"))]
    pub issuer: Option<String>,
    /// Requires that the header says so; absent: `JWT` and nothing count as well.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub typ: Option<TokenType>,
}

/// An algorithm of a provider's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TokenAlgorithm {
    /// RSA with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// What a token's header says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TokenType {
    /// An access token (RFC 9068).
    #[serde(rename = "at+jwt")]
    AccessToken,
}

/// Who a person is at an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserIdentity {
    /// The connection's name.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub connection: Slug,
    /// The stable subject there: `sub`, or at `microsoft` the tenant's and the object's ids as
    /// `TENANT/OBJECT`. Never an e-mail address.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub subject: IdentitySubject,
}

impl TokenAlgorithm {
    /// The name in a header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl SessionTokens {
    /// The algorithms that count.
    pub fn algorithms(&self) -> &[TokenAlgorithm] {
        self.algorithms
            .as_deref()
            .unwrap_or(&[TokenAlgorithm::Rs256])
    }

    /// How long a token is good at most.
    pub fn max_life(&self) -> Duration {
        self.max_life.unwrap_or(DEFAULT_LIFE).duration()
    }

    /// How far the provider's clock may differ.
    pub fn clock_tolerance(&self) -> Duration {
        self.clock_tolerance.unwrap_or(DEFAULT_TOLERANCE).duration()
    }
}

/// The issuer that a discovery URL stands for, without a trailing slash: what people are linked under.
pub fn discovered_issuer(discovery_url: &str) -> &str {
    let base = discovery_url.strip_suffix(WELL_KNOWN);
    base.unwrap_or(discovery_url).trim_end_matches('/')
}

/// Where the discovery document of a discovery URL is.
pub fn discovery_document(discovery_url: &str) -> String {
    format!("{}{WELL_KNOWN}", discovered_issuer(discovery_url))
}

/// Checks one connection; `error` gets the member and what is wrong with it.
pub(super) fn check(connection: &super::Connection, mut error: impl FnMut(&str, &str)) {
    let Some(tokens) = &connection.session_tokens else {
        return;
    };
    if let Some(why) = without_tokens(connection.kind) {
        error("", why);
    }
    if let Some(why) = unasked(connection) {
        error("", why);
    }
    match &connection.client_id {
        None => error(
            "",
            "needs the connection's clientId, so that its id_tokens are told apart",
        ),
        Some(client) if *client == tokens.audience => error(
            ".audience",
            "is the client id: id_tokens are for that one. Register an API at the provider and write its identifier",
        ),
        Some(_) => {}
    }
    let audience = &tokens.audience;
    if audience.is_empty()
        || audience.len() > 255
        || !audience.bytes().all(|b| b.is_ascii_graphic())
    {
        error(".audience", "use 1 to 255 visible ASCII characters");
    }
    let algorithms = tokens.algorithms();
    let distinct: BTreeSet<_> = algorithms.iter().collect();
    if algorithms.is_empty() || distinct.len() != algorithms.len() {
        error(".algorithms", "name at least one, each once");
    }
    if tokens
        .max_life
        .is_some_and(|life| !(MIN_LIFE..=MAX_LIFE).contains(&life))
    {
        error(".maxLife", "lies between 1m and 24h");
    }
    if tokens
        .clock_tolerance
        .is_some_and(|tolerance| tolerance > MAX_TOLERANCE)
    {
        error(".clockTolerance", "is at most 5m");
    }
    if tokens
        .issuer
        .as_deref()
        .is_some_and(|issuer| !is_provider_url(issuer))
    {
        error(
            ".issuer",
            "use the tokens' iss, such as https://adfs.example.com/adfs/services/trust",
        );
    }
}

/// Why a kind of connection has no access tokens that a gate could verify.
fn without_tokens(kind: ConnectionKind) -> Option<&'static str> {
    match kind {
        ConnectionKind::Local => Some("local accounts have no provider: their tokens are ours"),
        ConnectionKind::Github => Some("GitHub's tokens are no JWTs: only GitHub can verify them"),
        ConnectionKind::Google => {
            Some("Google's access tokens are no JWTs: only Google can verify them")
        }
        ConnectionKind::Microsoft
        | ConnectionKind::Okta
        | ConnectionKind::Auth0
        | ConnectionKind::Cognito
        | ConnectionKind::Adfs
        | ConnectionKind::Custom => None,
    }
}

/// Why nothing that a connection's provider says can be asked for, if that is so.
pub(super) fn unasked(connection: &super::Connection) -> Option<&'static str> {
    match connection.discovery_url.as_deref() {
        None => Some("needs the connection's discoveryUrl: the keys come from there"),
        Some(url) if !is_provider_url(url) => Some(
            "needs a discoveryUrl of the form https://HOST/PATH (http for this machine only), without user, query and fragment",
        ),
        Some(url) if connection.kind == ConnectionKind::Microsoft && is_shared_tenant(url) => Some(
            "needs the discoveryUrl of one tenant: everybody with a Microsoft account is in the shared ones",
        ),
        Some(_) => None,
    }
}

fn is_shared_tenant(url: &str) -> bool {
    let mut parts = url.split('/').skip(3);
    matches!(parts.next(), Some("common" | "organizations" | "consumers"))
}

/// `https://HOST[:PORT][/PATH]`, or `http` on this machine; nothing that a URL parser could take for
/// something else.
fn is_provider_url(text: &str) -> bool {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~/:[]".contains(&b));
    let secure = text.starts_with("https://");
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (authority, None),
    };
    let host = aeolus_model::Host::parse(name);
    plain
        && host.is_ok_and(|host| secure || is_loopback(host.as_str()))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discovery_url_is_read_with_and_without_the_documents_name() {
        for url in [
            "https://acme.okta.com/oauth2/default",
            "https://acme.okta.com/oauth2/default/",
            "https://acme.okta.com/oauth2/default/.well-known/openid-configuration",
        ] {
            assert_eq!(
                discovered_issuer(url),
                "https://acme.okta.com/oauth2/default"
            );
            let document = "https://acme.okta.com/oauth2/default/.well-known/openid-configuration";
            assert_eq!(discovery_document(url), document);
        }
    }

    #[test]
    fn a19_only_urls_that_can_be_read_in_one_way() {
        for good in [
            "https://acme.auth0.com",
            "https://acme.auth0.com/",
            "https://login.example.com:8443/realms/x",
            "http://127.0.0.1:9000",
            "http://localhost:9000/x",
            "http://[::1]:9000",
        ] {
            assert!(is_provider_url(good), "{good}");
        }
        for bad in [
            "",
            "acme.auth0.com",
            "http://acme.auth0.com",
            "ftp://acme.auth0.com",
            "https://user@acme.auth0.com",
            "https://acme.auth0.com?x=1",
            "https://acme.auth0.com#x",
            "https://acme.auth0.com\\@evil",
            "https://acme.auth0.com:0",
            "https://",
            "https://a b",
        ] {
            assert!(!is_provider_url(bad), "{bad}");
        }
    }
}
