//! An identity provider of a document.

use std::collections::BTreeMap;

use aeolus_model::{Role, Slug};
use serde::{Deserialize, Serialize};

use super::{PlaneRegistration, SessionTokens, plane_registration, session_tokens};
#[cfg(feature = "schema")]
use crate::schema;
use crate::scim::ScimConnection;
use crate::{Period, SecretRef};

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetConnection"))]
pub struct Connection {
    /// Its name, unique in the installation.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub name: Slug,
    /// Which provider it is.
    #[serde(rename = "type")]
    pub kind: ConnectionKind,
    /// The client id the provider gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The client secret the provider gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretRef>,
    /// The provider's issuer URL, below which its discovery document is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::HttpUrl>"))]
    pub discovery_url: Option<String>,
    /// The domain that it is on; alone it stands for `discoveryUrl: https://DOMAIN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_domain: Option<String>,
    /// What people see on its button and in the CLI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// How answers come back; absent: `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<SignInFlow>,
    /// Seconds that the provider's clock may differ, 0 to 300; absent: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_tolerance: Option<u64>,
    /// What else the authorization URL says: `{audience: …}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub auth_url_params: BTreeMap<String, String>,
    /// Which claims say something about a person.
    #[serde(default, skip_serializing_if = "ClaimsMapping::is_empty")]
    pub claims_mapping: ClaimsMapping,
    /// What is asked for; `openid` always is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Whether userinfo is asked; absent: as suits the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch_user_info: Option<bool>,
    /// Whether a sign-in that doesn't prove a second factor is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_mfa: bool,
    /// What is asked for where a second factor is required; absent: as suits the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Microsoft: the ids of the tenants whose people may come; needed where `discoveryUrl` is of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_tenants: Vec<String>,
    /// Google: the Workspace domains whose people may come; absent: everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosted_domains: Vec<String>,
    /// GitHub: the organizations whose members may come, by login or as `org:NUMBER`; absent: everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_organizations: Vec<String>,
    /// Mail domains that it may speak for: whoever proves an address there is who has that address here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_domains: Vec<String>,
    /// Who gets an account by coming through it; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provision: Option<Provision>,
    /// How groups of the provider become Teams, `{}` for as they are; absent: they don't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<GroupTeams>,
    /// How people sign in there is written in control's configuration, and only what follows is said here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub configured: bool,
    /// Lets access tokens that the provider itself signed count at gates; absent: they don't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_tokens: Option<SessionTokens>,
    /// The planes that may sign people in here by themselves while control is away; absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plane_registrations: Vec<PlaneRegistration>,
    /// Values of `acr` by which the provider says that there was a second factor, up to 8, where it doesn't
    /// say `mfa` in `amr`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub second_factor_acr: Vec<String>,
    /// How its users and groups are taken where it provisions by SCIM; absent: as suits the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim: Option<ScimConnection>,
}

/// Who gets an account by coming through one provider, and where they are put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetProvision"))]
pub struct Provision {
    /// Whoever has a proved address in one of these domains.
    pub domains: Vec<String>,
    /// The name of the organization that they come into.
    pub organization: String,
    /// Their role there: `ORGANIZATION_MEMBER`, and never more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// How groups of one provider become Teams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetGroupTeams"))]
pub struct GroupTeams {
    /// The name of the organization that they are in; absent: that of `provision`, else the only one there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Groups whose name or id this regular expression matches become none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Whether a token without the claim is one of somebody in no group; absent: at cognito alone. Elsewhere an
    /// absent claim changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent_means_none: Option<bool>,
    /// Minutes between two times that Entra is asked for its groups, 1 to 10080; absent: it never is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_minutes: Option<u64>,
    /// How long the provider's word that somebody is in a group counts, 1d to 366d; absent: 30d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Period>"))]
    pub confirm_within: Option<Period>,
    /// Which groups have a role in the whole installation.
    #[serde(default, skip_serializing_if = "SystemGroups::is_empty")]
    pub system_roles: SystemGroups,
}

/// Which groups have a role in the whole installation, by their ids: object ids at microsoft, `org:NUMBER` and
/// `team:NUMBER` at github, else what the claim says. Whoever applies this has to hold the role themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetSystemGroups"))]
pub struct SystemGroups {
    /// Groups with `SYSTEM_ADMIN`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_admin: Vec<String>,
    /// Groups with `SYSTEM_EDITOR`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_editor: Vec<String>,
    /// Groups with `SYSTEM_VIEWER`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_viewer: Vec<String>,
}

impl SystemGroups {
    fn is_empty(&self) -> bool {
        self.roles().next().is_none()
    }

    /// The roles that some group has, each with the groups.
    pub fn roles(&self) -> impl Iterator<Item = (Role, &Vec<String>)> {
        let lists = [
            (Role::SystemAdmin, &self.system_admin),
            (Role::SystemEditor, &self.system_editor),
            (Role::SystemViewer, &self.system_viewer),
        ];
        lists.into_iter().filter(|(_, groups)| !groups.is_empty())
    }
}

/// Which claims say something about a person: whole names, never paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetClaimsMapping"))]
pub struct ClaimsMapping {
    /// The claim with the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The claim with the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The claim with the groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
}

impl ClaimsMapping {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a provider's answer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SignInFlow {
    /// A code, exchanged by control, with PKCE.
    Code,
    /// Tokens through the browser.
    Implicit,
}

impl SignInFlow {
    /// The name, as written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Implicit => "implicit",
        }
    }
}

/// The identity providers that are known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "they are the products' names")]
pub enum ConnectionKind {
    Google,
    Github,
    Microsoft,
    Okta,
    Auth0,
    Cognito,
    Adfs,
    /// Any other OpenID Connect provider.
    Custom,
    /// Accounts with a password kept here.
    Local,
}

impl ConnectionKind {
    /// The name, as written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Github => "github",
            Self::Microsoft => "microsoft",
            Self::Okta => "okta",
            Self::Auth0 => "auth0",
            Self::Cognito => "cognito",
            Self::Adfs => "adfs",
            Self::Custom => "custom",
            Self::Local => "local",
        }
    }
}

impl Connection {
    /// Whether the document says how people sign in there.
    pub fn says_sign_in(&self) -> bool {
        let terms = Self {
            name: self.name.clone(),
            kind: self.kind,
            configured: self.configured,
            session_tokens: self.session_tokens.clone(),
            plane_registrations: self.plane_registrations.clone(),
            second_factor_acr: self.second_factor_acr.clone(),
            scim: self.scim.clone(),
            ..Self::bare(self.name.clone(), self.kind)
        };
        *self != terms
    }

    /// A connection of which nothing is said.
    pub const fn bare(name: Slug, kind: ConnectionKind) -> Self {
        Self {
            name,
            kind,
            client_id: None,
            client_secret: None,
            discovery_url: None,
            base_domain: None,
            display_name: None,
            flow: None,
            clock_tolerance: None,
            auth_url_params: BTreeMap::new(),
            claims_mapping: ClaimsMapping {
                email: None,
                name: None,
                groups: None,
            },
            scopes: None,
            fetch_user_info: None,
            require_mfa: false,
            acr_values: Vec::new(),
            allowed_tenants: Vec::new(),
            hosted_domains: Vec::new(),
            allowed_organizations: Vec::new(),
            trusted_domains: Vec::new(),
            provision: None,
            teams: None,
            configured: false,
            session_tokens: None,
            plane_registrations: Vec::new(),
            second_factor_acr: Vec::new(),
            scim: None,
        }
    }

    /// What is wrong with the terms for the provider's tokens and the planes' clients, as far as the
    /// connection alone says: the member below it, and why.
    pub fn check_terms(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        session_tokens::check(self, |member, why| {
            found.push((format!("sessionTokens{member}"), why.to_owned()));
        });
        found.extend(self.check_plane_registrations(|_| Some(true)));
        found
    }

    /// What is wrong with the planes' clients alone; `has_auth_host` knows the planes.
    pub fn check_plane_registrations(
        &self,
        has_auth_host: impl Fn(&Slug) -> Option<bool>,
    ) -> Vec<(String, String)> {
        let mut found = Vec::new();
        plane_registration::check(self, has_auth_host, |member, why| {
            found.push((format!("planeRegistrations{member}"), why.to_owned()));
        });
        found
    }
}
