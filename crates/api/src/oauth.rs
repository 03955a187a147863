//! OAuth2 and OpenID Connect messages (RFC 6749 §5, RFC 8414, OpenID Connect Core).

use aeolus_model::{ConnectionId, UserId};
use serde::{Deserialize, Serialize};

/// `grant_type` of RFC 6749 §4.1.3.
pub const GRANT_AUTHORIZATION_CODE: &str = "authorization_code";
/// `grant_type` of RFC 6749 §6.
pub const GRANT_REFRESH_TOKEN: &str = "refresh_token";
/// `grant_type` of RFC 6749 §4.4.2: for provisioning clients alone.
pub const GRANT_CLIENT_CREDENTIALS: &str = "client_credentials";
/// `grant_type` of RFC 8693 §2.1.
pub const GRANT_TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// `grant_type` of RFC 8628 §3.4.
pub const GRANT_DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The only type of token that is exchanged, and exchanged for (RFC 8693 §3).
pub const TOKEN_TYPE_ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The scope that asks for refresh tokens (OpenID Connect Core §11).
pub const SCOPE_OFFLINE_ACCESS: &str = "offline_access";
/// What refresh tokens begin with, so that they are recognised where they don't belong.
pub const REFRESH_TOKEN_PREFIX: &str = "xar_";
/// `client_assertion_type` of RFC 7523 §2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The command line's `client_id`: a public client with a loopback redirect (RFC 8252 §7.3).
pub const CLI_CLIENT_ID: &str = "aeolus-cli";
/// The `client_id` of control's own pages: what they are given, no other client can revoke.
pub const UI_CLIENT_ID: &str = "aeolus-ui";
/// The path of the command line's loopback redirect.
pub const CLI_CALLBACK_PATH: &str = "/callback";
/// The path on the command line's loopback address to which a browser may be sent after signing out.
pub const CLI_SIGNED_OUT_PATH: &str = "/signed-out";
/// The path at which every deployment host receives its code.
pub const GATE_CALLBACK_PATH: &str = "/.aeolus/callback";
/// The path below which a plane's auth host shows the public keys of its clients, each under its
/// connection's name.
pub const GATE_CLIENT_KEYS_PATH: &str = "/.aeolus/jwks/";

/// The answer of the token endpoint. Its tokens are secrets: don't log it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenAnswer {
    /// The access token (RFC 9068).
    pub access_token: String,
    /// Of an exchange: what it gave (RFC 8693 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<String>,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token's `exp`.
    pub expires_in: u64,
    /// The granted scope.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Who signed in, to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// Good once, for the next access token (RFC 6749 §6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// What a gate's cookie needs beyond the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aeolus: Option<SessionHint>,
}

/// About the session behind a token answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionHint {
    /// The identity provider the person came through.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub connection: ConnectionId,
    /// When the session ends whatever happens, in seconds since the epoch.
    pub absolute_end: i64,
}

/// The answer of the device authorization endpoint (RFC 8628 §3.2). Its device code is a secret: don't log
/// it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceAnswer {
    /// What the machine exchanges for tokens once somebody has agreed.
    pub device_code: String,
    /// What a person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code filled in.
    pub verification_uri_complete: String,
    /// Seconds until both codes are good for nothing.
    pub expires_in: u64,
    /// Seconds between two questions whether somebody has agreed.
    pub interval: u64,
}

/// An OAuth2 error (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OAuthError {
    /// The registered code.
    pub error: String,
    /// For the developer of the client.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error_description: String,
}

/// Provider metadata: both RFC 8414 and OpenID Connect Discovery 1.0 read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    missing_docs,
    reason = "every member is defined by RFC 8414 §2 and OpenID Discovery §3"
)]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    pub userinfo_endpoint: String,
    pub revocation_endpoint: String,
    pub introspection_endpoint: String,
    pub jwks_uri: String,
    pub end_session_endpoint: String,
    pub scopes_supported: Vec<String>,
    pub response_types_supported: Vec<String>,
    pub response_modes_supported: Vec<String>,
    pub grant_types_supported: Vec<String>,
    pub subject_types_supported: Vec<String>,
    pub id_token_signing_alg_values_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: Vec<String>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub code_challenge_methods_supported: Vec<String>,
    pub claims_supported: Vec<String>,
    pub authorization_response_iss_parameter_supported: bool,
    /// Ours: what the identity providers are called through which people sign in (rows A20, E5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aeolus_connections: Vec<String>,
}

/// The answer of the introspection endpoint (RFC 7662 §2.2). Of a token that is not good, or none of the
/// caller's business, only that it is not active.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    missing_docs,
    reason = "every member is defined by RFC 7662 §2.2, those of the sign-in by RFC 9470 §6.2"
)]
pub struct Introspection {
    pub active: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
}

/// The answer of the userinfo endpoint (OpenID Connect Core §5.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserInfo {
    /// The person's id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub sub: UserId,
    /// Their address.
    pub email: String,
    /// Whether the address is known to be theirs.
    pub email_verified: bool,
    /// Their display name.
    pub name: String,
}
