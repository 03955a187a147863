//! A connection as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Kind, Protocol};

/// Where GitHub is for everybody.
const GITHUB: &str = "https://github.com";

/// So long the provider's word of somebody's group counts unless told otherwise: as long as a session lasts.
const CONFIRM_WITHIN: Duration = Duration::from_secs(30 * 86_400);

/// What is written of a connection, but its secret (rows A9–A28). What is absent is the profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// `code` or `implicit`; absent: `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// The client's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The issuer, or where its discovery document is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_url: Option<String>,
    /// The domain that the provider is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_domain: Option<String>,
    /// What people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_tolerance: Option<u64>,
    /// What else the authorization URL says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub auth_url_params: BTreeMap<String, String>,
    /// Which claims say something about a person.
    pub claims_mapping: ClaimsMapping,
    /// What is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Whether userinfo is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch_user_info: Option<bool>,
    /// Whether a sign-in without a second factor is refused.
    pub require_mfa: bool,
    /// What is asked for where a second factor is required.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Entra: the tenants whose people may come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_tenants: Vec<String>,
    /// Google: the Workspace domains whose people may come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosted_domains: Vec<String>,
    /// GitHub: the organizations whose members may come, and whose groups alone count: logins, or `org:NUMBER`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_organizations: Vec<String>,
    /// Mail domains that the provider may speak for: somebody whose address there it proves is who has that
    /// address here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_domains: Vec<String>,
    /// Who gets an account by coming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provision: Option<ProvisionSettings>,
    /// How groups become Teams; absent: they don't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams: Option<TeamSettings>,
}

/// How groups become Teams, as it is written (rows D2, D3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TeamSettings {
    /// The name of the organization that they are in; absent: that of `provision`, else the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Groups whose name or id this regular expression matches become none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Whether a token without the claim is one of somebody in no group; absent: as suits the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent_means_none: Option<bool>,
    /// Minutes between two times that the provider is asked; absent: it never is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_minutes: Option<u64>,
    /// Seconds after which somebody is in a Team no more whom the provider hasn't said to be in the group since;
    /// absent: 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_within: Option<u64>,
    /// Ids of groups whose Teams have a role in the whole installation, by the role's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub system_roles: BTreeMap<String, Vec<String>>,
}

/// Who gets an account by coming, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProvisionSettings {
    /// Whoever has a proved address in one of these domains.
    pub domains: Vec<String>,
    /// The name of the organization that they come into.
    pub organization: String,
    /// Their role there: `ORGANIZATION_MEMBER`, which is also what it is where nothing is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// Which claims say something about a person (row A28).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClaimsMapping {
    /// The claim with the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The claim with the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The claim with the groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
}

impl TeamSettings {
    /// How long the provider's word that somebody is in a group counts.
    pub fn confirm_within(&self) -> Duration {
        self.confirm_within
            .map_or(CONFIRM_WITHIN, Duration::from_secs)
    }
}

impl Settings {
    /// Where the provider is: `discoveryUrl`, else what `baseDomain` alone says (row A9), else where it is
    /// for everybody. None where nothing says so.
    pub fn place(&self, kind: Kind) -> Option<String> {
        let profile = kind.profile();
        let github = profile.protocol == Protocol::GitHub;
        let written = self.discovery_url.clone().filter(|_| !github);
        let base = || {
            let text = self.base_domain.as_deref()?;
            let bare = text.strip_prefix("https://").unwrap_or(text);
            let bare = bare.strip_suffix('/').unwrap_or(bare);
            Some(format!("https://{bare}"))
        };
        let usual = if github {
            Some(GITHUB)
        } else {
            profile.discovery_url
        };
        written.or_else(base).or_else(|| usual.map(str::to_owned))
    }
}
