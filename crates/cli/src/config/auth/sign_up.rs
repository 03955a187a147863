//! Who gets an account by coming: `auth.publicSignups`, and a provider's `provision` (rows E3, B8).

use aeolus_api::schema;
use aeolus_control::SignUp;
use aeolus_model::Host;
use aeolus_oidc::ProvisionSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether strangers get an account by coming through a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PublicSignups {
    /// Whether they do. They hold nothing until somebody gives them a role.
    pub(crate) enabled: bool,
    /// With a proved address in one of these domains alone; absent: in any.
    #[schemars(with = "Vec<schema::Host>")]
    pub(crate) allowed_domains: Vec<Host>,
}

impl PublicSignups {
    /// As control is told.
    pub(crate) fn read(self) -> SignUp {
        SignUp {
            public: self.enabled,
            allowed_domains: self.allowed_domains,
        }
    }
}

/// Who gets an account by coming through one provider, and where they are put.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Provision {
    /// Whoever has a proved address in one of these domains; absent: nobody.
    pub(crate) domains: Vec<String>,
    /// The name of the organization that they come into.
    pub(crate) organization: Option<String>,
    /// Their role there: `ORGANIZATION_MEMBER`, and never more.
    pub(crate) role: Option<String>,
}

impl Provision {
    /// As a connection is told; none: nobody is meant.
    pub(super) fn settings(&self) -> Option<ProvisionSettings> {
        if *self == Self::default() {
            return None;
        }
        Some(ProvisionSettings {
            domains: self.domains.clone(),
            organization: self.organization.clone().unwrap_or_default(),
            role: self.role.clone(),
        })
    }
}
