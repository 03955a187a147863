//! A plane's own client at a connection's provider: what lets the plane sign people in while control is
//! away.

use std::collections::BTreeSet;

use aeolus_model::Slug;
use serde::{Deserialize, Serialize};

use super::session_tokens::unasked;
use super::{Connection, ConnectionKind};
#[cfg(feature = "schema")]
use crate::schema;

/// Lets a plane sign people in at the connection's provider by itself while control is away, through a
/// client of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaneRegistration {
    /// The plane. It needs an `authHost`.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub plane: Slug,
    /// The id of a client that the provider gave to this plane alone; its one redirect is
    /// `https://AUTHHOST/.aeolus/callback`.
    pub client_id: String,
    /// How the client authenticates at the token endpoint; absent: `none`.
    #[serde(default, skip_serializing_if = "TokenEndpointAuthMethod::is_default")]
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
}

/// How a plane's client authenticates at the token endpoint, by the names of OAuth (RFC 7591 §2,
/// OpenID Connect Core §9). No way with a secret: none goes to a plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TokenEndpointAuthMethod {
    /// Not at all: a public client, whose codes PKCE protects.
    #[default]
    None,
    /// By a JWT that the gate signs with a key of the plane (ES256). `aeolus gate client-keys` prints the
    /// public half.
    PrivateKeyJwt,
}

impl TokenEndpointAuthMethod {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the form serde calls it in"
    )]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Checks one connection's; `error` gets the member and what is wrong with it.
pub(super) fn check(
    connection: &Connection,
    has_auth_host: impl Fn(&Slug) -> Option<bool>,
    mut error: impl FnMut(&str, &str),
) {
    if connection.plane_registrations.is_empty() {
        return;
    }
    if let Some(why) = without_public_clients(connection.kind) {
        error("", why);
    }
    if let Some(why) = unasked(connection) {
        error("", why);
    }
    let mut planes = BTreeSet::new();
    let mut clients = BTreeSet::new();
    let audience = connection.session_tokens.as_ref().map(|t| &t.audience);
    for (index, registration) in connection.plane_registrations.iter().enumerate() {
        match has_auth_host(&registration.plane) {
            None => error(&format!("[{index}].plane"), "there is no such plane"),
            Some(false) => error(
                &format!("[{index}].plane"),
                "the plane has no authHost, to which the provider could send people back",
            ),
            Some(true) if !planes.insert(&registration.plane) => {
                error(&format!("[{index}].plane"), "the plane is here twice");
            }
            Some(true) => {}
        }
        if let (TokenEndpointAuthMethod::PrivateKeyJwt, Some(why)) = (
            registration.token_endpoint_auth_method,
            without_es256(connection.kind),
        ) {
            error(&format!("[{index}].tokenEndpointAuthMethod"), why);
        }
        let client = &registration.client_id;
        let at = format!("[{index}].clientId");
        if client.is_empty() || client.len() > 255 || !client.bytes().all(|b| b.is_ascii_graphic())
        {
            error(&at, "use 1 to 255 visible ASCII characters");
        } else if connection.client_id.as_ref() == Some(client) || !clients.insert(client) {
            error(
                &at,
                "is another client's id: each plane has a client of its own, so that one can be taken away alone",
            );
        } else if audience == Some(client) {
            error(
                &at,
                "is the audience of sessionTokens: id_tokens are for the client, and don't count there",
            );
        }
    }
}

/// Why a kind of connection has no client that needs no secret, or no `id_token`.
fn without_public_clients(kind: ConnectionKind) -> Option<&'static str> {
    match kind {
        ConnectionKind::Local => {
            Some("local accounts are control's: nobody can sign in with one while it is away")
        }
        ConnectionKind::Github => Some("GitHub gives no id_token: only GitHub knows who signed in"),
        ConnectionKind::Google => {
            Some("Google's clients for web pages need a secret, and no secret goes to a plane")
        }
        ConnectionKind::Microsoft
        | ConnectionKind::Okta
        | ConnectionKind::Auth0
        | ConnectionKind::Cognito
        | ConnectionKind::Adfs
        | ConnectionKind::Custom => None,
    }
}

/// Why a kind of connection takes no ES256 key of a client.
fn without_es256(kind: ConnectionKind) -> Option<&'static str> {
    match kind {
        ConnectionKind::Microsoft => Some(
            "Entra takes a certificate with an RSA key, and a plane's key is neither: register a public client, and say none",
        ),
        ConnectionKind::Auth0 => Some(
            "Auth0 takes RSA keys only, and a plane's key is on P-256: register a public client, and say none",
        ),
        ConnectionKind::Adfs => Some(
            "AD FS takes RS256 only, and a plane's key signs ES256: register a public client, and say none",
        ),
        ConnectionKind::Cognito => Some(
            "Cognito's clients have a secret or nothing: register one without a secret, and say none",
        ),
        // The first three have no registration at all, which is said once.
        ConnectionKind::Local
        | ConnectionKind::Github
        | ConnectionKind::Google
        | ConnectionKind::Okta
        | ConnectionKind::Custom => None,
    }
}
