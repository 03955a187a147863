//! What travels to control when a fleet is applied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Fleet;
use crate::SecretRef;

/// `POST /v1/apply`: the document, and the values of the secrets it only refers to.
///
/// The values come apart from the document so that the document can be stored, compared and shown.
/// They travel over TLS or loopback, are hashed or sealed on arrival, and are never shown again.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRequest {
    /// The document.
    pub fleet: Fleet,
    /// Values by the path of their reference, such as `organizations[0].users[1].password`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
}

/// A place in the document that refers to a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse<'a> {
    /// Its path, the key in [`ApplyRequest::secrets`].
    pub path: String,
    /// Where the value is.
    pub reference: &'a SecretRef,
}

impl ApplyRequest {
    /// The new password of an organization's user, by their places in the document.
    pub fn password(&self, organization: usize, user: usize) -> Option<&str> {
        self.secrets
            .get(&password_path(organization, user))
            .map(String::as_str)
    }

    /// The client secret of a connection, by its place in the document.
    pub fn client_secret(&self, connection: usize) -> Option<&str> {
        self.secrets
            .get(&client_secret_path(connection))
            .map(String::as_str)
    }
}

impl Fleet {
    /// Every reference to a secret, for the one who reads the values.
    pub fn secrets(&self) -> Vec<SecretUse<'_>> {
        let mut uses = Vec::new();
        for (index, connection) in self.connections.iter().enumerate() {
            if let Some(reference) = &connection.client_secret {
                let path = client_secret_path(index);
                uses.push(SecretUse { path, reference });
            }
        }
        for (outer, organization) in self.organizations.iter().enumerate() {
            for (inner, user) in organization.users.iter().enumerate() {
                if let Some(reference) = &user.password {
                    let path = password_path(outer, inner);
                    uses.push(SecretUse { path, reference });
                }
            }
        }
        uses
    }
}

fn password_path(organization: usize, user: usize) -> String {
    format!("organizations[{organization}].users[{user}].password")
}

fn client_secret_path(connection: usize) -> String {
    format!("connections[{connection}].clientSecret")
}
