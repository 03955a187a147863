//! From the section to connections.

use std::path::Path;

use aeolus_model::{Secret, Slug};
use aeolus_oidc::{
    ClaimsMapping, Connection, Flow, Kind, Profile, Redirects, Settings, SettingsError,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Auth, FlowName, Provider, groups};
use crate::config::{Environment, Note, NoteKind};
use crate::report::{Exit, Failure, Report};

/// A connection of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    /// As sign-ins use it.
    pub(crate) connection: Connection,
    /// What an operator should know of it.
    pub(crate) notes: Vec<Note>,
}

impl Configured {
    /// What came of it, in one line.
    pub(crate) fn shown(&self, public_url: Option<&str>) -> Note {
        let connection = &self.connection;
        let redirects = Redirects::new(public_url.unwrap_or("https://CONTROL"));
        let flow = match connection.flow() {
            Flow::Code => "code with PKCE",
            Flow::Implicit(_) => "implicit",
        };
        let what = format!(
            "people see {:?}; provider {}; flow {flow}; register the redirect URI {}",
            connection.display_name(),
            connection.discovery(),
            redirects.of(connection.flow()),
        );
        let key = format!("auth.openidConnect.{}", connection.kind());
        Note::new(NoteKind::Understood, &key, what)
    }
}

impl Auth {
    /// What is to be said of accounts with a password.
    pub(crate) fn local_note(&self) -> Option<Note> {
        let text = if self.local.enabled? {
            "people sign in with accounts of their own here"
        } else {
            "nobody signs in with a password here, administrators neither"
        };
        Some(Note::new(NoteKind::Understood, "auth.local", text))
    }

    /// The connections, or everything that is wrong. `original` says that the section was written for
    /// the original, whose defaults then hold.
    pub(crate) fn connections(
        &self,
        original: bool,
        base: &Path,
        environment: &Environment,
    ) -> Result<Vec<Configured>, Failure> {
        let mut all = Vec::new();
        let mut reports = Vec::new();
        for kind in Kind::ALL {
            let provider = self.openid_connect.of(kind);
            let enabled = provider
                .enabled
                .unwrap_or(provider.client_id.is_some() && !original);
            if !enabled || (original && is_elsewhere(kind, provider)) {
                continue;
            }
            match self.connection((kind, provider), original, base, environment) {
                Ok(configured) => all.push(configured),
                Err(failure) => reports.extend(failure.reports),
            }
        }
        if reports.is_empty() {
            return Ok(all);
        }
        Err(Failure {
            reports,
            exit: Exit::Usage,
        })
    }

    fn connection(
        &self,
        (kind, provider): (Kind, &Provider),
        original: bool,
        base: &Path,
        environment: &Environment,
    ) -> Result<Configured, Failure> {
        let key = format!("auth.openidConnect.{kind}");
        let mut notes = Vec::new();
        let secret = match &provider.client_secret {
            Some(source) => {
                let secret = source.read(&format!("{key}.clientSecret"), base, environment)?;
                Some(trimmed(&secret, &key, &mut notes))
            }
            None => None,
        };
        let public = secret.is_none();
        let settings = self.settings(kind, provider, original);
        let connection = slug(kind)
            .map_err(|error| Report::new("CFG-0013", error).usage())
            .and_then(|name| {
                let made = Connection::new(name, kind, &settings, secret);
                made.map_err(|errors| failure(&key, &errors))
            })?;
        let flow = self.openid_connect.flow.or(provider.flow);
        if matches!(connection.flow(), Flow::Implicit(_)) {
            let silent = if flow.is_none() {
                "no flow is written, which means implicit in the original's values: "
            } else {
                ""
            };
            let redirect = "/v1/oauth/callback/";
            notes.push(Note::new(NoteKind::Warning, &key, format!(
                "{silent}tokens pass through the browser. To migrate, register the redirect URI …{redirect} and the grant type \"authorization code\" at the provider, then write `flow: \"code\"` below openidConnect"
            )));
        } else if public {
            notes.push(Note::new(NoteKind::Warning, &key,
                "there is no clientSecret: the client is public and proves itself by PKCE alone, which has to be allowed at the provider (Entra: platform \"Mobile and desktop\" or a secret)"
            ));
        }
        notes.extend(groups::notes(&connection, &key));
        Ok(Configured { connection, notes })
    }

    fn settings(&self, kind: Kind, provider: &Provider, original: bool) -> Settings {
        let shared = &self.openid_connect;
        let profile = kind.profile();
        let usual = if original { absent_flow(profile) } else { None };
        let flow = provider.flow.or(shared.flow).or(usual);
        let mut params = provider.auth_url_params.clone().unwrap_or_default();
        let mut display_name = provider.display_name.clone();
        if original {
            for (name, value) in profile.original.auth_url_params {
                let name = (*name).to_owned();
                params.entry(name).or_insert_with(|| (*value).to_owned());
            }
            display_name = display_name.or(profile.original.display_name.map(str::to_owned));
        }
        let mapping = provider.claims_mapping.clone();
        Settings {
            flow: flow.map(|flow| flow.name().to_owned()),
            client_id: provider.client_id.clone(),
            discovery_url: provider.discovery_url.clone(),
            base_domain: provider.base_domain.clone(),
            display_name,
            clock_tolerance: shared.clock_tolerance,
            auth_url_params: params,
            claims_mapping: ClaimsMapping {
                email: mapping.email,
                name: mapping.name,
                groups: mapping.groups,
            },
            scopes: provider.scopes.clone(),
            fetch_user_info: provider.fetch_user_info,
            require_mfa: provider.require_mfa.unwrap_or(false),
            acr_values: provider.acr_values.clone().unwrap_or_default(),
            allowed_tenants: provider.allowed_tenants.clone().unwrap_or_default(),
            hosted_domains: provider.hosted_domains.clone().unwrap_or_default(),
            allowed_organizations: provider.allowed_organizations.clone().unwrap_or_default(),
            trusted_domains: provider.trusted_domains.clone().unwrap_or_default(),
            provision: provider.provision.settings(),
            teams: shared.teams(provider),
        }
    }
}

/// The original sends who comes through Google, GitHub or a custom provider without a client of their
/// own through its maker's Auth0 (row A26). There is no such thing here.
pub(crate) fn is_elsewhere(kind: Kind, provider: &Provider) -> bool {
    let borrowed = matches!(kind, Kind::Google | Kind::Github | Kind::Custom);
    borrowed && provider.client_id.as_deref().is_none_or(str::is_empty)
}

/// What an absent flow means in the original's values (row A22); GitHub has but one.
fn absent_flow(profile: &Profile) -> Option<FlowName> {
    profile.implicit.map(|_| FlowName::Implicit)
}

pub(super) fn slug(kind: Kind) -> Result<Slug, String> {
    kind.name()
        .parse()
        .map_err(|error| format!("{kind}: {error}"))
}

/// Without the line end that `echo` leaves (trap 2). What looks encoded once more is said (trap 3).
fn trimmed(secret: &Secret<String>, key: &str, notes: &mut Vec<Note>) -> Secret<String> {
    let text = secret.expose().trim_end_matches(['\n', '\r']);
    if text.len() < secret.expose().len() {
        notes.push(Note::new(
            NoteKind::Understood,
            &format!("{key}.clientSecret"),
            "ended with a line end, which is not part of it",
        ));
    }
    if is_encoded_twice(text) {
        notes.push(Note::new(
            NoteKind::Warning,
            &format!("{key}.clientSecret"),
            "looks like base64 of a text: Kubernetes takes one layer away by itself. If the provider answers invalid_client, encode it once only",
        ));
    }
    Secret::new(text.to_owned())
}

pub(super) fn is_encoded_twice(text: &str) -> bool {
    let Ok(decoded) = STANDARD.decode(text) else {
        return false;
    };
    let inner = decoded.strip_suffix(b"\n").unwrap_or(&decoded);
    inner.len() >= 8 && inner.iter().all(u8::is_ascii_graphic)
}

fn failure(key: &str, errors: &[SettingsError]) -> Failure {
    let report = |error: &SettingsError| {
        Report::new("CFG-0013", format!("{key}.{} {error}", error.key()))
            .why("Nobody could sign in through it.")
            .help("docs/how-to has a page for each provider; `aeolus config check FILE` shows the rest")
    };
    Failure {
        reports: errors.iter().map(report).collect(),
        exit: Exit::Usage,
    }
}

#[cfg(test)]
mod tests;
