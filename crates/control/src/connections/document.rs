//! A fleet document's connection as a sign-in reads it.

use aeolus_api::{Period, fleet};
use aeolus_model::Secret;
use aeolus_oidc::{
    ClaimsMapping, Connection, Kind, ProvisionSettings, Settings, SettingsError, TeamRules,
    TeamSettings,
};

/// What is written of how people sign in.
pub(crate) fn settings(written: &fleet::Connection) -> Settings {
    let mapping = &written.claims_mapping;
    Settings {
        flow: written.flow.map(|flow| flow.name().to_owned()),
        client_id: written.client_id.clone(),
        discovery_url: written.discovery_url.clone(),
        base_domain: written.base_domain.clone(),
        display_name: written.display_name.clone(),
        clock_tolerance: written.clock_tolerance,
        auth_url_params: written.auth_url_params.clone(),
        claims_mapping: ClaimsMapping {
            email: mapping.email.clone(),
            name: mapping.name.clone(),
            groups: mapping.groups.clone(),
        },
        scopes: written.scopes.clone(),
        fetch_user_info: written.fetch_user_info,
        require_mfa: written.require_mfa,
        acr_values: written.acr_values.clone(),
        allowed_tenants: written.allowed_tenants.clone(),
        hosted_domains: written.hosted_domains.clone(),
        allowed_organizations: written.allowed_organizations.clone(),
        trusted_domains: written.trusted_domains.clone(),
        provision: written.provision.as_ref().map(provision),
        teams: written.teams.as_ref().map(teams),
    }
}

fn provision(written: &fleet::Provision) -> ProvisionSettings {
    ProvisionSettings {
        domains: written.domains.clone(),
        organization: written.organization.clone(),
        role: written.role.clone(),
    }
}

fn teams(written: &fleet::GroupTeams) -> TeamSettings {
    let lists = written.system_roles.roles();
    TeamSettings {
        organization: written.organization.clone(),
        filter: written.filter.clone(),
        absent_means_none: written.absent_means_none,
        refresh_minutes: written.refresh_minutes,
        confirm_within: written.confirm_within.map(Period::as_secs),
        system_roles: lists
            .map(|(role, groups)| (role.name().to_owned(), groups.clone()))
            .collect(),
    }
}

/// What a sign-in makes of it, with a secret that stands for the one that is given elsewhere. None where there is
/// no client, because then nobody signs in through it.
fn made(
    written: &fleet::Connection,
    has_secret: bool,
) -> Option<Result<Connection, Vec<SettingsError>>> {
    let kind = Kind::parse(written.kind.name())?;
    if written.configured || written.client_id.is_none() {
        return None;
    }
    let secret = has_secret.then(|| Secret::new("given elsewhere".to_owned()));
    let name = written.name.clone();
    Some(Connection::new(name, kind, &settings(written), secret))
}

/// How groups become Teams, where it says that they do and nothing is wrong with it.
pub(crate) fn team_rules(written: &fleet::Connection) -> Option<TeamRules> {
    made(written, true)?.ok()?.teams().cloned()
}

/// What is wrong with it: the member below the connection, and why.
pub(crate) fn errors(written: &fleet::Connection, has_secret: bool) -> Vec<(String, String)> {
    let made = made(written, has_secret);
    let errors = made.and_then(Result::err).unwrap_or_default();
    let each = errors
        .iter()
        .map(|error| (error.key().to_owned(), error.to_string()));
    each.collect()
}

/// What is wrong with how people sign in at the connections of a document, as far as it alone says: a place in
/// it, and why.
pub fn check_sign_in(fleet: &fleet::Fleet) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (index, connection) in fleet.connections.iter().enumerate() {
        // One that was given before is kept.
        for (member, why) in errors(connection, true) {
            found.push((format!("connections[{index}].{member}"), why));
        }
    }
    found
}
