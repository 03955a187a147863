//! Section `connections`: identity providers, without secrets.

use prost::Message;

/// Section `connections`: which identity providers sessions may come from. Key: connection id.
#[derive(Clone, PartialEq, Message)]
pub struct Connections {
    /// The connections, without secrets.
    #[prost(message, repeated, tag = "1")]
    pub connections: Vec<Connection>,
    /// What identities in section `subjects` are hidden with: this plane's own, not a secret of it.
    #[prost(bytes = "vec", tag = "2")]
    pub identity_salt: Vec<u8>,
    /// The host to which identity providers send people back, where the plane signs them in by itself;
    /// empty where it doesn't.
    #[prost(string, tag = "3")]
    pub auth_host: String,
}

/// An identity provider.
#[derive(Clone, PartialEq, Message)]
pub struct Connection {
    /// Its id.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Its slug.
    #[prost(string, tag = "2")]
    pub name: String,
    /// `local`, `okta`, `microsoft`, and so on.
    #[prost(string, tag = "3")]
    pub kind: String,
    /// Present where the provider's own access tokens count.
    #[prost(message, optional, tag = "4")]
    pub session_tokens: Option<SessionTokens>,
    /// Present where the plane may sign people in by itself while control is away.
    #[prost(message, optional, tag = "5")]
    pub plane_registration: Option<PlaneRegistration>,
}

/// Under which terms a provider's own access tokens count.
#[derive(Clone, PartialEq, Message)]
pub struct SessionTokens {
    /// The one value of `iss`.
    #[prost(string, tag = "1")]
    pub issuer: String,
    /// What `aud` has to contain.
    #[prost(string, tag = "2")]
    pub audience: String,
    /// The issuer under which people are linked: the one of the discovery document.
    #[prost(string, tag = "3")]
    pub identity_issuer: String,
    /// What `aud` must not contain: the client ids that `id_token`s are for.
    #[prost(string, repeated, tag = "4")]
    pub client_ids: Vec<String>,
    /// The algorithms, by their names in a header.
    #[prost(string, repeated, tag = "5")]
    pub algorithms: Vec<String>,
    /// How far the provider's clock may differ, in seconds.
    #[prost(uint64, tag = "6")]
    pub clock_tolerance: u64,
    /// How long after `iat` a token is good at most, in seconds.
    #[prost(uint64, tag = "7")]
    pub max_life: u64,
    /// What names the person: `sub`, `uid` or `tid+oid`. A gate that doesn't know it refuses the tokens.
    #[prost(string, tag = "8")]
    pub subject: String,
    /// Whether the header must say `at+jwt`.
    #[prost(bool, tag = "9")]
    pub typed_only: bool,
    /// The provider's keys.
    #[prost(message, repeated, tag = "10")]
    pub keys: Vec<ProviderKey>,
    /// Values of `acr` that say that there was a second factor, as `mfa` in `amr` does.
    #[prost(string, repeated, tag = "11")]
    pub second_factor_acr: Vec<String>,
}

/// How the plane signs people in at a provider, with a client of its own and PKCE (RFC 7636).
#[derive(Clone, PartialEq, Message)]
pub struct PlaneRegistration {
    /// The plane's own client id there.
    #[prost(string, tag = "1")]
    pub client_id: String,
    /// The one value of `iss`.
    #[prost(string, tag = "2")]
    pub issuer: String,
    /// The issuer under which people are linked.
    #[prost(string, tag = "3")]
    pub identity_issuer: String,
    /// Where browsers are sent.
    #[prost(string, tag = "4")]
    pub authorization_endpoint: String,
    /// Where codes are exchanged.
    #[prost(string, tag = "5")]
    pub token_endpoint: String,
    /// Whether the provider says that its answers carry `iss` (RFC 9207).
    #[prost(bool, tag = "6")]
    pub names_itself: bool,
    /// What names the person in an `id_token`: `sub` or `tid+oid`. A gate that doesn't know it signs
    /// nobody in.
    #[prost(string, tag = "7")]
    pub subject: String,
    /// The provider's keys.
    #[prost(message, repeated, tag = "8")]
    pub keys: Vec<ProviderKey>,
    /// Until when a session is good without a renewal, in seconds.
    #[prost(uint64, tag = "9")]
    pub access_life: u64,
    /// How long a session lasts at most, in seconds.
    #[prost(uint64, tag = "10")]
    pub absolute_life: u64,
    /// How the client authenticates at the token endpoint: `none` or empty, or `private_key_jwt`. A gate
    /// that doesn't know it signs nobody in; one from before this field sends nothing, and the provider
    /// refuses it.
    #[prost(string, tag = "11")]
    pub token_endpoint_auth_method: String,
    /// The one value of `aud` in what the client signs; empty where it signs nothing.
    #[prost(string, tag = "12")]
    pub assertion_audience: String,
    /// Values of `acr` that say that there was a second factor, as `mfa` in `amr` does.
    #[prost(string, repeated, tag = "13")]
    pub second_factor_acr: Vec<String>,
    /// What people see in place of the connection's slug; empty: the slug.
    #[prost(string, tag = "14")]
    pub display_name: String,
}

/// A public key of an identity provider.
#[derive(Clone, PartialEq, Message)]
pub struct ProviderKey {
    /// Under which id it was published, if under any.
    #[prost(string, optional, tag = "1")]
    pub kid: Option<String>,
    /// The public key as a JSON Web Key.
    #[prost(string, tag = "2")]
    pub jwk: String,
}
