//! A fleet document's connection as a sign-in reads it.

use aeolus_api::fleet;
use aeolus_model::Secret;
use aeolus_oidc::{ClaimsMapping, Kind, ProvisionSettings, Settings};

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
        // Who is in which Team is control's configuration to say.
        teams: None,
    }
}

fn provision(written: &fleet::Provision) -> ProvisionSettings {
    ProvisionSettings {
        domains: written.domains.clone(),
        organization: written.organization.clone(),
        role: written.role.clone(),
    }
}

/// What is wrong with it: the member below the connection, and why. Nothing is wrong where there is no
/// client, because then nobody signs in through it.
pub(crate) fn errors(written: &fleet::Connection, has_secret: bool) -> Vec<(String, String)> {
    let Some(kind) = Kind::parse(written.kind.name()) else {
        return Vec::new();
    };
    if written.configured || written.client_id.is_none() {
        return Vec::new();
    }
    let secret = has_secret.then(|| Secret::new("given elsewhere".to_owned()));
    let name = written.name.clone();
    let made = aeolus_oidc::Connection::new(name, kind, &settings(written), secret);
    let errors = made.err().unwrap_or_default();
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
