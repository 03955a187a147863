//! Identity providers as the API shows them.

use aeolus_model::{ConnectionId, Slug};
use serde::{Deserialize, Serialize};

use crate::PlaneAcks;
use crate::fleet::{ConnectionKind, PlaneRegistration, SignInFlow, TokenEndpointAuthMethod};
use crate::scim::ScimProfile;

/// A connection to an identity provider. Its secrets are never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: ConnectionId,
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// Which provider it is.
    #[serde(rename = "type")]
    pub kind: ConnectionKind,
    /// Where it is written.
    pub origin: ConnectionOrigin,
    /// What people see; absent where nobody can sign in through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// How its answers come back; absent where nobody can sign in through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<SignInFlow>,
    /// What is asked for; empty where nobody can sign in through it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Whether the client has a secret here.
    #[serde(default)]
    pub has_client_secret: bool,
    /// Why nobody can sign in through it, though somebody should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The client id the provider gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Below which URL its discovery document is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_url: Option<String>,
    /// Whether access tokens that the provider signed count at gates.
    pub session_tokens: bool,
    /// Whose ways its provisioning client has, or would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim_profile: Option<ScimProfile>,
    /// The planes that may sign people in here by themselves while control is away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plane_registrations: Vec<PlaneRegistration>,
    /// Where it sends browsers to sign in; absent where it wasn't asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where it exchanges codes; absent where it wasn't asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// When its keys were last fetched, in seconds since the epoch; absent where they never were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys_fetched_at: Option<i64>,
}

/// Where a connection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ConnectionOrigin {
    /// In control's configuration.
    Configuration,
    /// It was there, and is no more: nobody signs in through it, and its people are still linked.
    Left,
    /// In a fleet document.
    Document,
    /// It is part of every installation.
    Own,
}

impl ConnectionOrigin {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Left => "left",
            Self::Document => "document",
            Self::Own => "own",
        }
    }
}

/// A plane that has a client of its own at a connection's provider, and so signs people in there while
/// control is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegisteredPlane {
    /// The plane.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub plane: Slug,
    /// The client's id there.
    pub client_id: String,
    /// How the client authenticates at the token endpoint.
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    /// Who said so.
    pub origin: RegistrationOrigin,
    /// To be registered at the provider: the client's one redirect. Absent where the plane has no host for
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// To be registered there for a client that signs: where its keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Why the plane signs nobody in there as things are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Who said that a plane has a client at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RegistrationOrigin {
    /// A fleet document.
    Document,
    /// Somebody, at the API.
    Api,
}

impl RegistrationOrigin {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Api => "api",
        }
    }
}

/// The client that a plane has at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaneRegister {
    /// Its id there: of this plane alone.
    pub client_id: String,
    /// How it authenticates at the token endpoint; absent: `none`.
    #[serde(default)]
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
}

/// A plane was registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlaneRegistered {
    /// As it is now.
    pub registered: RegisteredPlane,
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who has applied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}
