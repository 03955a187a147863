//! What a provider's tokens have to say (OIDC Core §3.1.3.7, §3.2.2.11, RFC 8725).

use aeolus_keys::ForeignKey;
use aeolus_keys::jws::{Aud, ForeignToken, JwsError, date, maybe_date, maybe_text};
use aeolus_model::Time;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::connection::{PERSONAL_TENANT, is_guid};
use crate::{Connection, Discovery, IssuerRule, SignInError, Tenants};

/// A token of a sign-in was made a moment ago.
const YOUNG: i64 = 600;

/// The claims that decide whether a token counts. `aud` and `exp` are never missing in an `id_token`,
/// and Cognito's access tokens alone have no `aud`.
#[derive(Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    #[serde(default)]
    pub(crate) aud: Aud,
    #[serde(default)]
    pub(crate) sub: Option<String>,
    #[serde(deserialize_with = "date")]
    exp: i64,
    #[serde(deserialize_with = "date")]
    iat: i64,
    #[serde(default, deserialize_with = "maybe_date")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "maybe_date")]
    pub(crate) auth_time: Option<i64>,
    #[serde(default)]
    pub(crate) azp: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub(crate) client_id: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub(crate) cid: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub(crate) appid: Option<String>,
    #[serde(default)]
    pub(crate) nonce: Option<String>,
    #[serde(default)]
    pub(crate) at_hash: Option<String>,
    #[serde(default)]
    pub(crate) tid: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub(crate) oid: Option<String>,
    /// Entra: the version of the token.
    ver: Option<Value>,
    /// Cognito: `id` or `access`.
    #[serde(default)]
    pub(crate) token_use: Option<String>,
    /// Keycloak: `ID`, `Bearer` and others.
    #[serde(default)]
    pub(crate) typ: Option<String>,
    /// Of security events and logout tokens.
    pub(crate) events: Option<IgnoredAny>,
}

/// By what a token is judged.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) discovery: &'a Discovery,
    pub(crate) keys: &'a [ForeignKey],
    pub(crate) now: Time,
}

impl Judge<'_> {
    /// Issuer and tenant.
    pub(crate) fn issuer(&self, claims: &Claims) -> Result<(), SignInError> {
        let rule = self.connection.profile().issuer;
        if rule == IssuerRule::TenantTemplate {
            self.tenant(claims)?;
        }
        if self
            .discovery
            .is_issuer(rule, &claims.iss, claims.tid.as_deref())
        {
            Ok(())
        } else {
            Err(SignInError::Issuer)
        }
    }

    /// Entra: a tenant there is, of an organization, and one whose people may come. The issuer has to
    /// be the tenant's, so that none can speak for another.
    fn tenant(&self, claims: &Claims) -> Result<(), SignInError> {
        let old = claims.iss.starts_with("https://sts.windows.net/");
        let version = claims.ver.as_ref().and_then(Value::as_str);
        if old || version.is_some_and(|version| version != "2.0") {
            return Err(SignInError::OldVersion);
        }
        let tenant = claims.tid.as_deref().ok_or(SignInError::Tenant)?;
        if !is_guid(tenant) || tenant == PERSONAL_TENANT {
            return Err(SignInError::Tenant);
        }
        let of_issuer = claims.iss.split('/').any(|step| step == tenant);
        if !of_issuer {
            return Err(SignInError::Issuer);
        }
        match self.connection.tenants() {
            Tenants::OfIssuer => Ok(()),
            Tenants::Listed(listed) if listed.iter().any(|held| held == tenant) => Ok(()),
            Tenants::Listed(_) => Err(SignInError::Tenant),
        }
    }

    /// Not from the future, not expired, and made for this sign-in.
    pub(crate) fn times(&self, claims: &Claims) -> Result<(), SignInError> {
        let now = self.now.secs();
        let tolerance = self.connection.clock_tolerance().as_secs();
        let tolerance = i64::try_from(tolerance).unwrap_or(0);
        let not_before = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        let begun = not_before.saturating_sub(tolerance) <= now;
        let goes_on = now < claims.exp.saturating_add(tolerance);
        let young = now <= claims.iat.saturating_add(YOUNG).saturating_add(tolerance);
        if begun && goes_on && young {
            Ok(())
        } else {
            Err(SignInError::Time)
        }
    }

    /// The one key that fits, the one algorithm of that key, and its signature.
    pub(crate) fn signature(&self, token: ForeignToken<'_>) -> Result<(), SignInError> {
        let key = token.select(self.keys).map_err(|_| SignInError::Key)?;
        if key.alg() != token.alg() {
            return Err(SignInError::Algorithm);
        }
        let verified = token.verify(key);
        verified.map(drop).map_err(|_| SignInError::Signature)
    }

    /// Whether the provider announces the algorithm.
    pub(crate) fn algorithm(&self, token: &ForeignToken<'_>) -> Result<(), SignInError> {
        if self.discovery.algorithms().contains(&token.alg()) {
            Ok(())
        } else {
            Err(SignInError::Algorithm)
        }
    }
}

/// What is wrong with a token's outside.
pub(crate) fn outside(error: JwsError) -> SignInError {
    match error {
        JwsError::Alg => SignInError::Algorithm,
        _ => SignInError::Malformed,
    }
}
