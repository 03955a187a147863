//! From what is written to what can't be wrong.

use std::time::Duration;

use aeolus_model::{Host, Secret, Slug};

use super::{ClaimNames, Connection, Flow, ResponseType, Settings, SettingsError, Tenants};
use crate::discovery_url::is_within;
use crate::{DiscoveryUrl, IssuerRule, Kind, Profile};

/// What a clock may differ unless told otherwise.
const TOLERANCE: u64 = 60;
/// The most that it may.
const MAX_TOLERANCE: u64 = 300;
/// Longest text of a setting, and most entries of a list.
pub(super) const MAX_TEXT: usize = 255;
pub(super) const MAX_LIST: usize = 32;

/// The tenant of personal Microsoft accounts.
pub(crate) const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

impl Connection {
    /// From what is written, or everything that is wrong with it.
    pub fn new(
        name: Slug,
        kind: Kind,
        settings: &Settings,
        client_secret: Option<Secret<String>>,
    ) -> Result<Self, Vec<SettingsError>> {
        let mut parse = Parse {
            profile: kind.profile(),
            settings,
            errors: Vec::new(),
        };
        let flow = parse.flow();
        let secret = client_secret.filter(|secret| !secret.expose().is_empty());
        if parse.profile.needs_secret && flow == Flow::Code && secret.is_none() {
            let why = "clients of this provider have one, also with PKCE";
            parse.error(SettingsError::Missing("clientSecret", why));
        }
        let discovery = parse.discovery();
        let tenants = parse.tenants(discovery.as_ref());
        let connection = Self {
            settings: settings.clone(),
            name,
            kind,
            display_name: parse.display_name(),
            flow,
            client_id: parse.client_id(),
            client_secret: secret,
            clock_tolerance: parse.clock_tolerance(),
            scopes: parse.scopes(),
            params: parse.params(),
            form_post: parse.form_post(flow),
            claims: parse.claims(),
            fetch_user_info: parse.fetch_user_info(flow),
            mfa: parse.mfa(flow),
            tenants,
            hosted_domains: parse.hosted_domains(),
            organizations: parse.organizations(),
            trusted_domains: parse.domains("trustedDomains", &settings.trusted_domains),
            provision: parse.provision(),
            teams: parse.teams(discovery.as_ref()),
            discovery: match discovery {
                Some(discovery) => discovery,
                None => return Err(parse.errors),
            },
        };
        if parse.errors.is_empty() {
            Ok(connection)
        } else {
            Err(parse.errors)
        }
    }
}

pub(super) struct Parse<'a> {
    pub(super) profile: &'static Profile,
    pub(super) settings: &'a Settings,
    errors: Vec<SettingsError>,
}

impl Parse<'_> {
    pub(super) fn error(&mut self, error: SettingsError) {
        self.errors.push(error);
    }

    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        let fits = (1..=MAX_TEXT).contains(&text.len()) && !text.chars().any(char::is_control);
        if !fits {
            let what = "use 1 to 255 characters, none of them control characters".to_owned();
            self.error(SettingsError::Text(key, what));
        }
    }

    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.settings.auth_url_params.get(name).map(String::as_str)
    }

    /// `flow`, and the `response_type` that Cognito's documented values write among the parameters
    /// (row A17).
    fn flow(&mut self) -> Flow {
        let asked = self.param("response_type").map(str::to_owned);
        match self.settings.flow.as_deref() {
            None | Some("code") => {
                if let Some(asked) = asked.filter(|asked| asked != "code") {
                    let what = format!(
                        "response_type: {asked} asks for the implicit flow, but flow is \"code\": remove it, or set flow: \"implicit\""
                    );
                    self.error(SettingsError::Contradiction("authUrlParams", what));
                }
                Flow::Code
            }
            Some("implicit") => {
                let Some(usual) = self.profile.implicit else {
                    self.error(SettingsError::NoImplicit(self.profile.kind));
                    return Flow::Code;
                };
                let Some(asked) = asked else {
                    // An access token that nobody uses is better not in a browser.
                    let unused = usual == ResponseType::IdTokenToken
                        && !self
                            .settings
                            .fetch_user_info
                            .unwrap_or(self.profile.fetch_user_info);
                    return Flow::Implicit(if unused { ResponseType::IdToken } else { usual });
                };
                ResponseType::parse(&asked).map_or_else(
                    || {
                        let what = format!(
                            "response_type can't be {asked:?} here: use \"id_token\", \"id_token token\" or \"token\""
                        );
                        self.error(SettingsError::Contradiction("authUrlParams", what));
                        Flow::Implicit(usual)
                    },
                    Flow::Implicit,
                )
            }
            Some(other) => {
                self.error(SettingsError::Flow(other.to_owned()));
                Flow::Code
            }
        }
    }

    fn client_id(&mut self) -> String {
        let id = self.settings.client_id.as_deref().unwrap_or_default();
        if id.is_empty() {
            let why = "the provider gives it when the client is registered there";
            self.error(SettingsError::Missing("clientId", why));
        } else {
            self.text("clientId", id);
        }
        id.to_owned()
    }

    fn display_name(&mut self) -> String {
        match self.settings.display_name.as_deref() {
            Some(name) => {
                self.text("displayName", name);
                name.to_owned()
            }
            None => self.profile.display_name.to_owned(),
        }
    }

    fn clock_tolerance(&mut self) -> Duration {
        let seconds = self.settings.clock_tolerance.unwrap_or(TOLERANCE);
        if seconds > MAX_TOLERANCE {
            let what = format!("is at most {MAX_TOLERANCE} seconds");
            self.error(SettingsError::Text("clockTolerance", what));
        }
        Duration::from_secs(seconds.min(MAX_TOLERANCE))
    }

    /// `discoveryUrl`, which must be on `baseDomain`; else what `baseDomain` alone says (row A9).
    fn discovery(&mut self) -> Option<DiscoveryUrl> {
        let base = self.base_domain();
        let Some(written) = self.settings.place(self.profile.kind) else {
            let why = "it says where the provider is: https://HOST/PATH";
            self.error(SettingsError::Missing("discoveryUrl", why));
            return None;
        };
        let url = match DiscoveryUrl::parse(&written) {
            Ok(url) => url,
            Err(error) => {
                self.error(SettingsError::Discovery(error));
                return None;
            }
        };
        if let Some(base) = base.filter(|base| !is_within(url.host(), base)) {
            let what = format!(
                "{base} is not the domain of the discoveryUrl's host {}",
                url.host()
            );
            self.error(SettingsError::Contradiction("baseDomain", what));
        }
        Some(url)
    }

    fn base_domain(&mut self) -> Option<String> {
        let text = self.settings.base_domain.as_deref()?;
        let bare = text.strip_prefix("https://").unwrap_or(text);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        match Host::parse(bare) {
            Ok(host) => Some(host.as_str().to_owned()),
            Err(error) => {
                self.error(SettingsError::Text("baseDomain", error.to_string()));
                None
            }
        }
    }

    fn tenants(&mut self, discovery: Option<&DiscoveryUrl>) -> Tenants {
        let listed = self.settings.allowed_tenants.iter();
        let listed: Vec<String> = listed.map(|tenant| tenant.to_ascii_lowercase()).collect();
        if self.profile.issuer != IssuerRule::TenantTemplate {
            if !listed.is_empty() {
                let what = "is for microsoft alone: other providers have no tenants".to_owned();
                self.error(SettingsError::Text("allowedTenants", what));
            }
            return Tenants::OfIssuer;
        }
        let fits = |tenant: &String| is_guid(tenant) && tenant != PERSONAL_TENANT;
        if listed.len() > MAX_LIST || !listed.iter().all(fits) {
            let what = "lists up to 32 tenant ids (GUIDs); the tenant of personal accounts is none";
            self.error(SettingsError::Text("allowedTenants", what.to_owned()));
        }
        let tenant = discovery.and_then(|url| url.path().next());
        match tenant.unwrap_or_default().to_ascii_lowercase().as_str() {
            "consumers" | PERSONAL_TENANT => {
                let what =
                    "is of personal accounts: anybody can have one, so nobody may come by it";
                self.error(SettingsError::Contradiction(
                    "discoveryUrl",
                    what.to_owned(),
                ));
            }
            "common" | "organizations" if listed.is_empty() => {
                let why = "the discoveryUrl is of every tenant there is: list those whose people may come";
                self.error(SettingsError::Missing("allowedTenants", why));
            }
            _ => {}
        }
        if listed.is_empty() {
            Tenants::OfIssuer
        } else {
            Tenants::Listed(listed)
        }
    }

    fn claims(&mut self) -> ClaimNames {
        let (settings, profile) = (self.settings, self.profile);
        let mut name = |written: &Option<String>, usual: &str| {
            if let Some(text) = written {
                self.text("claimsMapping", text);
            }
            written.clone().unwrap_or_else(|| usual.to_owned())
        };
        let mapping = &settings.claims_mapping;
        ClaimNames {
            email: name(&mapping.email, profile.email),
            name: name(&mapping.name, profile.name),
            groups: name(&mapping.groups, profile.groups),
        }
    }

    /// Without an `id_token` only userinfo says who somebody is.
    fn fetch_user_info(&mut self, flow: Flow) -> bool {
        let told = self.settings.fetch_user_info;
        let unproved = flow == Flow::Implicit(ResponseType::Token);
        if unproved && told == Some(false) {
            let what = "response_type \"token\" brings no id_token: only userinfo says who it is";
            self.error(SettingsError::Contradiction(
                "fetchUserInfo",
                what.to_owned(),
            ));
        }
        if flow == Flow::Implicit(ResponseType::IdToken) {
            if told == Some(true) {
                let what = "response_type \"id_token\" brings no access token to ask userinfo with";
                self.error(SettingsError::Contradiction(
                    "fetchUserInfo",
                    what.to_owned(),
                ));
            }
            return false;
        }
        unproved || told.unwrap_or(self.profile.fetch_user_info)
    }

    fn hosted_domains(&mut self) -> Vec<String> {
        let settings = self.settings;
        if !settings.hosted_domains.is_empty() && self.profile.kind != Kind::Google {
            let what = "is for google alone".to_owned();
            self.error(SettingsError::Text("hostedDomains", what));
        }
        let mut domains = Vec::new();
        for domain in &settings.hosted_domains {
            match Host::parse(domain) {
                Ok(host) => domains.push(host.as_str().to_owned()),
                Err(error) => self.error(SettingsError::Text("hostedDomains", error.to_string())),
            }
        }
        domains
    }

    fn organizations(&mut self) -> Vec<String> {
        let named = &self.settings.allowed_organizations;
        if !named.is_empty() && self.profile.kind != Kind::Github {
            let what = "is for github alone".to_owned();
            self.error(SettingsError::Text("allowedOrganizations", what));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let fits = |text: &String| {
            let number = text.strip_prefix("org:");
            let digits =
                number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
            digits || !text.is_empty() && text.len() <= MAX_TEXT && text.bytes().all(plain)
        };
        if named.len() > MAX_LIST || !named.iter().all(fits) {
            let what = "lists up to 32 organizations, each by its login or as org:NUMBER";
            self.error(SettingsError::Text("allowedOrganizations", what.to_owned()));
        }
        named.clone()
    }
}

/// `8-4-4-4-12` hexadecimal digits, in lower case.
pub(crate) fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b) || b == b'-';
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(hex)
}
