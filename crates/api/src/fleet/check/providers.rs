//! Connections whose tokens count, and who people are at connections.

use std::collections::BTreeMap;

use aeolus_model::{Email, Slug};

use super::Check;
use crate::fleet::{
    Connection, ConnectionKind, Fleet, UserIdentity, discovered_issuer, session_tokens,
};

impl Check {
    pub(super) fn providers(&mut self, fleet: &Fleet) {
        let mut issuers = BTreeMap::new();
        for (index, connection) in fleet.connections.iter().enumerate() {
            if connection.configured && connection.says_sign_in() {
                self.error(
                    &format!("connections[{index}].configured"),
                    "says that control's configuration has how people sign in here: remove it, or the other keys but sessionTokens, planeRegistrations and secondFactorAcr",
                );
            }
            let whole = as_configured(connection);
            let at = format!("connections[{index}].sessionTokens");
            session_tokens::check(&whole, |member, message| {
                self.error(&format!("{at}{member}"), message);
            });
            let acr = &connection.second_factor_acr;
            let word = |acr: &String| {
                (1..=255).contains(&acr.len()) && acr.bytes().all(|b| b.is_ascii_graphic())
            };
            if acr.len() > 8 || !acr.iter().all(word) {
                let at = format!("connections[{index}].secondFactorAcr");
                self.error(
                    &at,
                    "name at most 8, each of 1 to 255 visible ASCII characters",
                );
            }
            let has_auth_host = |name: &Slug| {
                let mut planes = fleet.planes.iter();
                let plane = planes.find(|plane| plane.name == *name)?;
                Some(plane.auth_host.is_some())
            };
            for (member, message) in whole.check_plane_registrations(has_auth_host) {
                self.error(&format!("connections[{index}].{member}"), message);
            }
            let (Some(tokens), Some(url)) = (&connection.session_tokens, &connection.discovery_url)
            else {
                continue;
            };
            let issuer = tokens.issuer.as_deref().unwrap_or(discovered_issuer(url));
            if let Some(other) = issuers.insert(issuer, &connection.name) {
                let message = format!(
                    "{other} has the same issuer, so nothing says which of the two a token came through"
                );
                self.error(&format!("connections[{index}].sessionTokens"), message);
            }
        }
        self.identities(fleet);
    }

    fn identities(&mut self, fleet: &Fleet) {
        let mut taken: BTreeMap<&UserIdentity, &Email> = BTreeMap::new();
        for (outer, organization) in fleet.organizations.iter().enumerate() {
            for (inner, user) in organization.users.iter().enumerate() {
                for (index, identity) in user.identities.iter().enumerate() {
                    let at = format!("organizations[{outer}].users[{inner}].identities[{index}]");
                    let connection = fleet
                        .connections
                        .iter()
                        .find(|connection| connection.name == identity.connection);
                    match connection {
                        None => {
                            let message = format!("there is no connection {}", identity.connection);
                            self.error(&format!("{at}.connection"), message);
                        }
                        Some(connection) if !says_where(connection) => {
                            let message =
                                "the connection has no discoveryUrl, so nobody has a subject there";
                            self.error(&format!("{at}.connection"), message);
                        }
                        Some(_) => {}
                    }
                    let other = taken.insert(identity, &user.email);
                    if let Some(other) = other.filter(|other| **other != user.email) {
                        self.error(&at, format!("{other} is this subject already"));
                    }
                }
            }
        }
    }
}

/// Whether anything says where the provider is. Control knows of those in its configuration.
fn says_where(connection: &Connection) -> bool {
    let kind = matches!(
        connection.kind,
        ConnectionKind::Google | ConnectionKind::Github
    );
    connection.configured
        || connection.discovery_url.is_some()
        || connection.base_domain.is_some()
        || (kind && connection.client_id.is_some())
}

/// What is in control's configuration is there, whatever it is: control looks at the whole.
fn as_configured(connection: &Connection) -> Connection {
    let mut whole = connection.clone();
    if connection.configured {
        whole.client_id = Some(String::new());
        whole.discovery_url = Some("https://configured.invalid".to_owned());
    }
    whole
}
