//! One configured provider.

mod asked;
mod error;
mod parse;
mod provision;
mod settings;
mod teams;

use std::time::Duration;

use aeolus_model::{Host, Secret, Slug};
use serde::{Deserialize, Serialize};

pub use self::error::SettingsError;
pub(crate) use self::parse::{PERSONAL_TENANT, is_guid};
pub use self::provision::Provision;
pub use self::settings::{ClaimsMapping, ProvisionSettings, Settings, TeamSettings};
pub use self::teams::TeamRules;
use crate::{DiscoveryUrl, Kind, Profile};

/// A provider with everything that signing in there needs. Made by [`Connection::new`] alone.
#[derive(Clone, Debug)]
pub struct Connection {
    settings: Settings,
    name: Slug,
    kind: Kind,
    display_name: String,
    flow: Flow,
    client_id: String,
    client_secret: Option<Secret<String>>,
    discovery: DiscoveryUrl,
    clock_tolerance: Duration,
    scopes: Vec<String>,
    params: Vec<(String, String)>,
    form_post: bool,
    claims: ClaimNames,
    fetch_user_info: bool,
    mfa: Option<Mfa>,
    tenants: Tenants,
    hosted_domains: Vec<String>,
    organizations: Vec<String>,
    trusted_domains: Vec<Host>,
    provision: Option<Provision>,
    teams: Option<TeamRules>,
}

/// How the answer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Flow {
    /// A code, exchanged by control, with PKCE.
    Code,
    /// Tokens through the browser, as the original does it unless told otherwise (rows A22, X8).
    Implicit(ResponseType),
}

/// What an implicit sign-in asks for (OAuth 2.0 Multiple Response Types 1.0 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResponseType {
    /// `id_token`.
    IdToken,
    /// `id_token token`.
    IdTokenToken,
    /// `token`: an access token, and at Cognito an `id_token` with it.
    Token,
}

impl ResponseType {
    /// As it is sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::IdTokenToken => "id_token token",
            Self::Token => "token",
        }
    }

    /// From what somebody wrote, in whatever order.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
        words.sort_unstable();
        match *words.as_slice() {
            ["id_token"] => Some(Self::IdToken),
            ["id_token", "token"] => Some(Self::IdTokenToken),
            ["token"] => Some(Self::Token),
            _ => None,
        }
    }
}

impl Flow {
    /// `response_type` as it is sent.
    pub const fn response_type(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Implicit(asked) => asked.name(),
        }
    }

    /// Whether an `id_token` has to come.
    pub const fn promises_id_token(self) -> bool {
        !matches!(self, Self::Implicit(ResponseType::Token))
    }
}

/// The claims that say something about a person: whole names, never paths, because some providers'
/// names are URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The groups.
    pub groups: String,
}

/// How a second factor is asked for and proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mfa {
    /// Sent; one of them in `acr` is a proof.
    pub acr_values: Vec<String>,
    /// One of them in `amr` is a proof.
    pub amr: Vec<String>,
}

/// Whose people may come, where one provider has many tenants (Entra).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenants {
    /// Those of the issuer.
    OfIssuer,
    /// These, by lower-case id.
    Listed(Vec<String>),
}

impl Connection {
    /// As it is now, for a sign-in that began when it was `began`, at the same provider: finished as the client
    /// and by the flow that the browser was sent with, and let in by the rules of now. A client that stays the
    /// same shows the secret of now.
    #[must_use]
    pub fn finishing(&self, began: &Self) -> Self {
        let same = self.client_id == began.client_id;
        let secret = if same { self } else { began };
        Self {
            flow: began.flow,
            client_id: began.client_id.clone(),
            client_secret: secret.client_secret.clone(),
            form_post: began.form_post,
            fetch_user_info: began.fetch_user_info,
            ..self.clone()
        }
    }

    /// As it was written, without its secret: what is kept of it.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its name, unique in the installation: `?provider=NAME` (row A11).
    pub const fn name(&self) -> &Slug {
        &self.name
    }

    /// Which provider.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The provider's ways.
    pub fn profile(&self) -> &'static Profile {
        self.kind.profile()
    }

    /// What people see.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// How a sign-in that begins now comes back.
    pub const fn flow(&self) -> Flow {
        self.flow
    }

    /// The client's id there.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The client's secret there; none: a public client.
    pub const fn client_secret(&self) -> Option<&Secret<String>> {
        self.client_secret.as_ref()
    }

    /// Where the discovery document is, and which issuer that promises. GitHub's is its web address.
    pub const fn discovery(&self) -> &DiscoveryUrl {
        &self.discovery
    }

    /// How far its clock may differ.
    pub const fn clock_tolerance(&self) -> Duration {
        self.clock_tolerance
    }

    /// What is asked for.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// What else the authorization URL says; never a parameter that security depends on.
    pub fn auth_url_params(&self) -> &[(String, String)] {
        &self.params
    }

    /// Whether answers are asked for as a form (Form Post Response Mode 1.0).
    pub const fn form_post(&self) -> bool {
        self.form_post
    }

    /// Which claims say something about a person.
    pub const fn claims(&self) -> &ClaimNames {
        &self.claims
    }

    /// Whether userinfo is asked.
    pub const fn fetch_user_info(&self) -> bool {
        self.fetch_user_info
    }

    /// What proves a second factor; none: none is asked for.
    pub const fn mfa(&self) -> Option<&Mfa> {
        self.mfa.as_ref()
    }

    /// Whose people may come.
    pub const fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// The Google Workspace domains whose people may come; empty: everybody.
    pub fn hosted_domains(&self) -> &[String] {
        &self.hosted_domains
    }

    /// Whether only members of some GitHub organizations may come.
    pub fn names_organizations(&self) -> bool {
        !self.organizations.is_empty()
    }

    /// Whether a GitHub organization's members may come, and its groups count.
    pub fn allows_organization(&self, id: u64, login: &str) -> bool {
        let id = format!("org:{id}");
        let mut named = self.organizations.iter();
        let same = |named: &String| *named == id || named.eq_ignore_ascii_case(login);
        !self.names_organizations() || named.any(same)
    }

    /// The mail domains that the provider may speak for.
    pub fn trusted_domains(&self) -> &[Host] {
        &self.trusted_domains
    }

    /// Who gets an account by coming; none: nobody does.
    pub const fn provision(&self) -> Option<&Provision> {
        self.provision.as_ref()
    }

    /// How groups become Teams; none: they don't.
    pub const fn teams(&self) -> Option<&TeamRules> {
        self.teams.as_ref()
    }
}

#[cfg(test)]
mod tests;
