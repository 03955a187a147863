//! A plane's own client at a connection's provider: what lets the plane sign people in while control is
//! away.

use std::collections::BTreeSet;

use aeolus_model::Slug;
use serde::{Deserialize, Serialize};

use super::session_tokens::unasked;
use super::{Connection, ConnectionKind};
#[cfg(feature = "schema")]
use crate::schema;

/// Lets a plane sign people in at the connection's provider by itself while control is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaneRegistration {
    /// The plane. It needs an `authHost`.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub plane: Slug,
    /// The id of a public client (PKCE, no secret) that the provider gave to this plane alone; its one
    /// redirect is `https://AUTHHOST/.aeolus/callback`.
    pub client_id: String,
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
