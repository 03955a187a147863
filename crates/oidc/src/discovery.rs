//! What a provider says of itself (`OpenID` Connect Discovery 1.0 §3, RFC 8414, RFC 9207).

use aeolus_keys::Alg;
use aeolus_model::is_loopback;
use url::Url;

use crate::connection::is_guid;
use crate::strict::Members;
use crate::{Connection, Flow, IssuerRule, Protocol};

/// Longest document, and longest URL in it.
const MAX: usize = 256 * 1024;
const MAX_URL: usize = 1024;

/// The standing of Entra's issuer where the tenant belongs.
const TENANT: &str = "{tenantid}";

/// A provider's endpoints and names, checked against what its connection promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    jwks_uri: Option<String>,
    end_session_endpoint: Option<String>,
    algorithms: Vec<Alg>,
    names_itself: bool,
    client_auth: ClientAuth,
}

/// How a client with a secret says so at the token endpoint (OIDC Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// `Authorization: Basic`.
    Basic,
    /// In the form.
    Post,
}

/// Why a document is not used. The provider's own words are not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Too long, not JSON, a member twice.
    #[error(
        "the discovery document is none: it is longer than 256 KiB, no JSON object, or names a member twice"
    )]
    Malformed,
    /// Of somebody else.
    #[error(
        "the discovery document is of another issuer than the one that discoveryUrl stands for"
    )]
    Issuer,
    /// Entra's first version.
    #[error(
        "the discovery document is of Entra's first version: use a discoveryUrl that ends with /v2.0"
    )]
    OldVersion,
    /// Without what this sign-in needs.
    #[error(
        "the discovery document has no {0} that can be used: an https URL without user and fragment"
    )]
    Endpoint(&'static str),
    /// Nothing that can be verified.
    #[error("the provider signs id_tokens with no algorithm that is verified here")]
    Algorithms,
}

impl Discovery {
    /// From the document's bytes.
    pub fn parse(connection: &Connection, bytes: &[u8]) -> Result<Self, DiscoveryError> {
        let members = Members::parse(bytes, MAX).ok_or(DiscoveryError::Malformed)?;
        let issuer = members.text("issuer").ok_or(DiscoveryError::Malformed)?;
        check_issuer(connection, issuer)?;
        let local = connection.discovery().is_http();
        let usable = |url: &str| usable(url, local);
        let named = |name: &'static str| match members.text(name) {
            Some(url) if usable(url).is_some() => Ok(Some(url.to_owned())),
            Some(_) => Err(DiscoveryError::Endpoint(name)),
            None => Ok(None),
        };
        let needed = |name| named(name)?.ok_or(DiscoveryError::Endpoint(name));
        let post = |methods: Vec<&str>| {
            methods.contains(&"client_secret_post") && !methods.contains(&"client_secret_basic")
        };
        let methods = members.texts("token_endpoint_auth_methods_supported");
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: members
                .text("authorization_endpoint")
                .and_then(usable)
                .ok_or(DiscoveryError::Endpoint("authorization_endpoint"))?,
            token_endpoint: match connection.flow() {
                Flow::Code => Some(needed("token_endpoint")?),
                Flow::Implicit(_) => named("token_endpoint")?,
            },
            userinfo_endpoint: if connection.fetch_user_info() {
                Some(needed("userinfo_endpoint")?)
            } else {
                named("userinfo_endpoint").ok().flatten()
            },
            jwks_uri: Some(needed("jwks_uri")?),
            end_session_endpoint: named("end_session_endpoint").ok().flatten(),
            algorithms: algorithms(&members)?,
            names_itself: members.is_true("authorization_response_iss_parameter_supported"),
            client_auth: if methods.is_some_and(post) {
                ClientAuth::Post
            } else {
                ClientAuth::Basic
            },
        })
    }

    /// What GitHub's documentation says: it has no such document. None for other providers.
    pub fn of_github(connection: &Connection) -> Option<Self> {
        if connection.profile().protocol != Protocol::GitHub {
            return None;
        }
        let base = connection.discovery().issuer();
        Some(Self {
            issuer: base.to_owned(),
            authorization_endpoint: usable(
                &format!("{base}/login/oauth/authorize"),
                connection.discovery().is_http(),
            )?,
            token_endpoint: Some(format!("{base}/login/oauth/access_token")),
            userinfo_endpoint: None,
            jwks_uri: None,
            end_session_endpoint: None,
            algorithms: Vec::new(),
            names_itself: false,
            client_auth: ClientAuth::Post,
        })
    }

    /// Its `iss`, byte by byte; at Entra it may hold `{tenantid}`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where browsers are sent.
    pub const fn authorization_endpoint(&self) -> &Url {
        &self.authorization_endpoint
    }

    /// Where codes are exchanged; always there for connections with the code flow.
    pub fn token_endpoint(&self) -> Option<&str> {
        self.token_endpoint.as_deref()
    }

    /// Where userinfo is; always there for connections that fetch it.
    pub fn userinfo_endpoint(&self) -> Option<&str> {
        self.userinfo_endpoint.as_deref()
    }

    /// Where the keys are; none at GitHub alone.
    pub fn jwks_uri(&self) -> Option<&str> {
        self.jwks_uri.as_deref()
    }

    /// Where its session is ended.
    pub fn end_session_endpoint(&self) -> Option<&str> {
        self.end_session_endpoint.as_deref()
    }

    /// With which algorithms `id_token`s may be signed: for `JwkSet::foreign_keys_for`.
    pub fn algorithms(&self) -> &[Alg] {
        &self.algorithms
    }

    /// Whether its answers have to say whose they are (RFC 9207 §2.4).
    pub const fn names_itself(&self) -> bool {
        self.names_itself
    }

    /// How a client with a secret says so.
    pub const fn client_auth(&self) -> ClientAuth {
        self.client_auth
    }

    /// Whether the `iss` of an answer, which names no tenant, can be this provider's.
    pub(crate) fn may_be(&self, rule: IssuerRule, iss: &str) -> bool {
        let tenant = match (rule, self.issuer.split_once(TENANT)) {
            (IssuerRule::TenantTemplate, Some((before, after))) => iss
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .filter(|tenant| is_guid(tenant)),
            _ => None,
        };
        self.is_issuer(rule, iss, tenant.or(Some("")))
    }

    /// Whether `iss` is this provider's, for a token of this tenant.
    pub(crate) fn is_issuer(&self, rule: IssuerRule, iss: &str, tenant: Option<&str>) -> bool {
        match rule {
            IssuerRule::Exact => iss == self.issuer,
            IssuerRule::SchemeOptional => {
                iss == self.issuer || Some(iss) == self.issuer.strip_prefix("https://")
            }
            IssuerRule::TenantTemplate => match tenant {
                Some(tenant) => iss == self.issuer.replace(TENANT, tenant),
                None => false,
            },
        }
    }
}

/// The issuer must be what the document was found below (Discovery §4.3); some end it with a slash.
fn check_issuer(connection: &Connection, issuer: &str) -> Result<(), DiscoveryError> {
    let promised = connection.discovery();
    let bare = issuer.strip_suffix('/').unwrap_or(issuer);
    if bare == promised.issuer() {
        return Ok(());
    }
    if connection.profile().issuer != IssuerRule::TenantTemplate {
        return Err(DiscoveryError::Issuer);
    }
    if bare.starts_with("https://sts.windows.net/") {
        return Err(DiscoveryError::OldVersion);
    }
    // A tenant may be written by one of its domains, and some stand for many.
    let written = promised.path().next().unwrap_or_default();
    let found = bare.split('/').nth(3).unwrap_or_default();
    let fits = if promised.is_of_every_tenant() {
        found == TENANT
    } else {
        !is_guid(written) && is_guid(found)
    };
    let replaced = promised.issuer().replacen(written, found, 1);
    if !written.is_empty() && fits && bare == replaced {
        Ok(())
    } else {
        Err(DiscoveryError::Issuer)
    }
}

/// What may be asked, or a browser be sent to, without a parser changing it on the way. `local` says that the
/// provider is on this machine: nobody else's document leads to what listens here.
fn usable(text: &str, local: bool) -> Option<Url> {
    let plain = text.len() <= MAX_URL && text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    let url = plain.then(|| Url::parse(text).ok()).flatten()?;
    let host = url.host_str().unwrap_or_default();
    let secure = url.scheme() == "https" || (local && url.scheme() == "http" && is_loopback(host));
    let bare = url.username().is_empty() && url.password().is_none();
    (secure && bare && !host.is_empty()).then_some(url)
}

/// The asymmetric ones of what is announced; RS256 where nothing is (Discovery §3 makes it
/// mandatory).
fn algorithms(members: &Members) -> Result<Vec<Alg>, DiscoveryError> {
    let Some(named) = members.texts("id_token_signing_alg_values_supported") else {
        return Ok(vec![Alg::Rs256]);
    };
    let mut algorithms = Vec::new();
    for alg in named.into_iter().filter_map(Alg::of_others) {
        if !algorithms.contains(&alg) {
            algorithms.push(alg);
        }
    }
    if algorithms.is_empty() {
        return Err(DiscoveryError::Algorithms);
    }
    Ok(algorithms)
}

#[cfg(test)]
mod tests;
