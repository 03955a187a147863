//! A connection's settings as the database keeps them.

use std::collections::BTreeMap;

use aeolus_api::fleet::{
    self, PlaneRegistration, SessionTokens, discovered_issuer, discovery_document,
};
use aeolus_api::scim::ScimConnection;
use aeolus_model::Slug;
use aeolus_oidc::Kind;
use aeolus_store::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::receiver::Receiver;
use crate::scim::ScimCode;

/// What is configured of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    /// How people sign in there, as it was written.
    #[serde(flatten)]
    pub(crate) sign_in: aeolus_oidc::Settings,
    /// Sealed under the master key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    /// Under which terms the provider's own tokens count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session_tokens: Option<SessionTokens>,
    /// The planes' own clients that a fleet document says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) plane_registrations: Vec<PlaneRegistration>,
    /// Those that were registered at the API, of planes of which the document says none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) registered_planes: Vec<PlaneRegistration>,
    /// By which `acr` the provider says that there was a second factor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) second_factor_acr: Vec<String>,
    /// How users and groups that it pushes are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scim: Option<ScimConnection>,
    /// The code of the configuration with which it provisions, as its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scim_code: Option<ScimCode>,
    /// Who is told what it provisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scim_events: Option<Receiver>,
    /// It has left the configuration. The row stays, so that people are still linked when it comes back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) absent: bool,
    /// What a later version keeps there: in a rolling upgrade this one writes the same rows.
    #[serde(flatten)]
    pub(crate) later: BTreeMap<String, Value>,
}

impl Settings {
    /// From the text in the database.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text)
    }

    /// Whether the configuration says nothing of it any more: neither how people sign in nor how it provisions.
    pub(crate) const fn has_left(&self) -> bool {
        self.absent && self.scim.is_none() && self.scim_code.is_none() && self.scim_events.is_none()
    }

    /// Of a connection; none if its text can't be read.
    pub(crate) fn of(connection: &Connection) -> Option<Self> {
        Self::parse(&connection.config).ok()
    }

    /// Where a provider of this kind is.
    fn place(&self, kind: &str) -> Option<String> {
        self.sign_in.place(Kind::parse(kind)?)
    }

    /// The issuer that people are linked under.
    pub(crate) fn identity_issuer(&self, kind: &str) -> Option<String> {
        self.place(kind)
            .map(|url| discovered_issuer(&url).to_owned())
    }

    /// The planes' own clients, whoever said so.
    pub(crate) fn registrations(&self) -> impl Iterator<Item = &PlaneRegistration> {
        self.plane_registrations
            .iter()
            .chain(&self.registered_planes)
    }

    /// A plane's own client.
    pub(crate) fn registration(&self, plane: &Slug) -> Option<&PlaneRegistration> {
        self.registrations()
            .find(|registration| registration.plane == *plane)
    }

    /// Every client that `id_token`s of the provider may be for: control's and the planes'.
    pub(super) fn client_ids(&self) -> Vec<String> {
        let planes = self
            .registrations()
            .map(|registration| &registration.client_id);
        let own = self.sign_in.client_id.iter();
        own.chain(planes).cloned().collect()
    }

    /// What a fleet document says of planes' clients takes the place of what it said before, and of what was
    /// registered of the same planes.
    pub(crate) fn declare_planes(&mut self, declared: &[PlaneRegistration]) {
        self.plane_registrations = declared.to_vec();
        self.registered_planes
            .retain(|own| declared.iter().all(|each| each.plane != own.plane));
    }

    /// As a fleet document would say it, as far as planes' clients and the provider's tokens are judged by it.
    pub(crate) fn as_declared(
        &self,
        name: &Slug,
        kind: fleet::ConnectionKind,
    ) -> fleet::Connection {
        fleet::Connection {
            client_id: self.sign_in.client_id.clone(),
            discovery_url: self.place(kind.name()),
            session_tokens: self.session_tokens.clone(),
            plane_registrations: self.registrations().cloned().collect(),
            ..fleet::Connection::bare(name.clone(), kind)
        }
    }

    /// Where to ask for the keys, if they are of any use.
    pub(crate) fn wanted_keys(&self, kind: &str) -> Option<String> {
        let used = self.session_tokens.is_some() || self.registrations().next().is_some();
        if self.absent || !used {
            return None;
        }
        self.place(kind).map(|url| discovery_document(&url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_keeps_is_not_lost_by_this_one() {
        let text = r#"{"clientId":"abc","scim":{"organization":"acme"},"fromTheFuture":{"a":[1]}}"#;
        let before = Settings::parse(text).unwrap();
        assert_eq!(before.sign_in.client_id.as_deref(), Some("abc"));
        let after = Settings {
            absent: true,
            ..before
        };
        let written: Value = serde_json::from_str(&serde_json::to_string(&after).unwrap()).unwrap();
        assert_eq!(written["fromTheFuture"], serde_json::json!({"a": [1]}));
        assert_eq!(after.later.len(), 1, "{:?}", after.later);
    }
}
