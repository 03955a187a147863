//! How people sign in: the section's keys (rows A9–A28). The words are the original's, so that its
//! environment names follow from the rule of row B1.

mod connections;
mod groups;
mod provisioning;
mod scim_events;
mod sign_up;

use std::collections::BTreeMap;

use aeolus_api::scim::ScimConnection;
use aeolus_oidc::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) use self::connections::Configured;
use self::groups::{IdpGroupsImport, IdpGroupsRefresh, ProviderTeams, SystemGroups};
use self::scim_events::ScimEvents;
use self::sign_up::{Provision, PublicSignups};
use super::secret::SecretSource;
use super::types::OptionalSecret;

/// How people sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Auth {
    /// Accounts with a password kept here.
    pub(crate) local: Local,
    /// Whether strangers get an account by coming; `true` alone stands for `{enabled: true}`.
    pub(crate) public_signups: PublicSignups,
    /// Identity providers.
    pub(crate) openid_connect: OpenIdConnect,
}

/// Accounts with a password kept here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Local {
    /// Whether people sign in with them; absent: they do.
    pub(crate) enabled: Option<bool>,
}

/// Identity providers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct OpenIdConnect {
    /// How answers come back, for every provider that doesn't say: `code` (with PKCE) or `implicit`;
    /// absent: `code`. In the original's values an absent flow means `implicit`, as it does there.
    pub(crate) flow: Option<FlowName>,
    /// Seconds that providers' clocks may differ, 0 to 300; absent: 60.
    pub(crate) clock_tolerance: Option<u64>,
    /// Whether groups of providers become Teams.
    pub(crate) idp_groups_import: IdpGroupsImport,
    /// Whether providers are asked for groups between sign-ins, where they can be: microsoft with a
    /// `clientSecret`.
    pub(crate) idp_groups_refresh: IdpGroupsRefresh,
    /// Minutes between two times that they are asked, 1 to 10080; absent: 60.
    pub(crate) idp_group_reconciler_interval: Option<u64>,
    /// Groups whose name or id it matches, anywhere, become no Teams; absent or empty: all do.
    pub(crate) team_filter_regex: Option<String>,
    /// Which groups have a role in the whole installation.
    pub(crate) manage_system_permissions_via_idp_groups: SystemGroups,
    /// Google.
    pub(crate) google: Provider,
    /// GitHub, or a GitHub Enterprise Server at `baseDomain`.
    pub(crate) github: Provider,
    /// Microsoft Entra ID.
    pub(crate) microsoft: Provider,
    /// Okta.
    pub(crate) okta: Provider,
    /// Auth0.
    pub(crate) auth0: Provider,
    /// Amazon Cognito.
    pub(crate) cognito: Provider,
    /// Active Directory Federation Services.
    pub(crate) adfs: Provider,
    /// Any other OpenID Connect provider.
    pub(crate) custom: Provider,
}

/// A flow, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FlowName {
    /// A code, exchanged by control.
    Code,
    /// Tokens through the browser.
    Implicit,
}

impl FlowName {
    /// As it is written.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Implicit => "implicit",
        }
    }
}

/// One identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Provider {
    /// Whether people sign in through it; absent: if it has a `clientId`.
    pub(crate) enabled: Option<bool>,
    /// How its answers come back; absent: as for all.
    pub(crate) flow: Option<FlowName>,
    /// The client's id there.
    pub(crate) client_id: Option<String>,
    /// The client's secret there; absent: a public client.
    #[schemars(with = "OptionalSecret")]
    pub(crate) client_secret: Option<SecretSource>,
    /// Its issuer, or where its discovery document is: an `https` URL.
    pub(crate) discovery_url: Option<String>,
    /// The domain that it is on; alone it stands for `discoveryUrl: https://DOMAIN`.
    pub(crate) base_domain: Option<String>,
    /// What people see on its button and in the CLI.
    pub(crate) display_name: Option<String>,
    /// What else the authorization URL says: `{audience: …}`. In the environment each has a name of its
    /// own: `…__AUTH_URL_PARAMS__AUDIENCE`.
    pub(crate) auth_url_params: Option<BTreeMap<String, String>>,
    /// Which claims say something about a person.
    pub(crate) claims_mapping: ClaimsMapping,
    /// What is asked for; `openid` always is.
    pub(crate) scopes: Option<Vec<String>>,
    /// Whether userinfo is asked; absent: as suits the provider.
    pub(crate) fetch_user_info: Option<bool>,
    /// Whether a sign-in that doesn't prove a second factor is refused.
    pub(crate) require_mfa: Option<bool>,
    /// What is asked for where a second factor is required; absent: as suits the provider.
    pub(crate) acr_values: Option<Vec<String>>,
    /// Microsoft: the ids of the tenants whose people may come; needed where `discoveryUrl` is of all.
    pub(crate) allowed_tenants: Option<Vec<String>>,
    /// Google: the Workspace domains whose people may come; absent: everybody.
    pub(crate) hosted_domains: Option<Vec<String>>,
    /// GitHub: the organizations whose members may come, and whose groups alone become Teams, by login or as
    /// `org:NUMBER`; absent: everybody.
    pub(crate) allowed_organizations: Option<Vec<String>>,
    /// Mail domains that it may speak for: whoever proves an address there is who has that address here.
    pub(crate) trusted_domains: Option<Vec<String>>,
    /// Who gets an account by coming through it.
    pub(crate) provision: Provision,
    /// Teams of its groups, where `idpGroupsImport` is on.
    pub(crate) teams: ProviderTeams,
    /// What it shows to provision by SCIM: a token, or `user:password`. `SCIM_AUTH_CODE_OKTA` and
    /// `SCIM_AUTH_CODE_MICROSOFT` in the environment say it, too.
    #[schemars(with = "OptionalSecret")]
    pub(crate) scim_auth_code: Option<SecretSource>,
    /// How the users and groups are taken that it provisions.
    pub(crate) scim: ScimConnection,
    /// Who is told of them.
    pub(crate) scim_events: ScimEvents,
}

/// Which claims say something about a person: whole names, never paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ClaimsMapping {
    /// The claim with the address.
    pub(crate) email: Option<String>,
    /// The claim with the name.
    pub(crate) name: Option<String>,
    /// The claim with the groups.
    pub(crate) groups: Option<String>,
}

impl OpenIdConnect {
    /// A provider's section.
    pub(crate) const fn of(&self, kind: Kind) -> &Provider {
        match kind {
            Kind::Google => &self.google,
            Kind::Github => &self.github,
            Kind::Microsoft => &self.microsoft,
            Kind::Okta => &self.okta,
            Kind::Auth0 => &self.auth0,
            Kind::Cognito => &self.cognito,
            Kind::Adfs => &self.adfs,
            Kind::Custom => &self.custom,
        }
    }
}
