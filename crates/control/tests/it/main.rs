//! Control through its router: SQLite, a clock that stands still, randomness by name.

#[cfg(test)]
mod access;
#[cfg(test)]
mod apply;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod audit_sinks;
#[cfg(test)]
mod authorization;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod claims;
#[cfg(test)]
#[path = "../../../store/tests/it/cluster.rs"]
mod cluster;
#[cfg(test)]
mod configured;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod customised;
#[cfg(test)]
mod deployment_page;
#[cfg(test)]
mod device;
#[cfg(test)]
mod direct;
#[cfg(test)]
mod email;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod factor;
#[cfg(test)]
mod factor_reset;
#[cfg(test)]
mod factor_rule;
#[cfg(test)]
mod factor_tries;
#[cfg(test)]
mod federation;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod groups_settled;
#[cfg(test)]
mod introspect;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod keys_alone;
#[cfg(test)]
mod keys_imported;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod last_known;
#[cfg(test)]
mod listed;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod media;
#[cfg(test)]
mod narrowing;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod offboard;
#[cfg(test)]
mod once;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod owners;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod password;
#[cfg(test)]
mod patches;
#[cfg(test)]
mod people;
#[cfg(test)]
mod planes;
#[cfg(test)]
mod planes_certificates;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod publish;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod races;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod registrations;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod registry_names;
#[cfg(test)]
mod registry_scopes;
#[cfg(test)]
mod reminders;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod reuse;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod roles_applied;
#[cfg(test)]
mod rollout;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod scim_caller;
#[cfg(test)]
mod scim_client;
#[cfg(test)]
mod scim_clients;
#[cfg(test)]
mod scim_credentials;
#[cfg(test)]
mod scim_events;
#[cfg(test)]
mod scim_groups;
#[cfg(test)]
mod scim_guards;
#[cfg(test)]
mod scim_large;
#[cfg(test)]
mod scim_leaving;
#[cfg(test)]
mod scim_lifecycle;
#[cfg(test)]
mod scim_listener;
#[cfg(test)]
mod scim_models;
#[cfg(test)]
mod scim_people;
#[cfg(test)]
mod scim_providers;
#[cfg(test)]
mod scim_requests;
#[cfg(test)]
mod scim_templates;
#[cfg(test)]
mod scim_users;
#[cfg(test)]
mod scim_writers;
#[cfg(test)]
mod seen;
#[cfg(test)]
mod served;
#[cfg(test)]
mod session_token;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod signin;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod squatting;
#[cfg(test)]
mod squatting_settled;
#[cfg(test)]
mod status_lists;
#[cfg(test)]
mod teams;
#[cfg(test)]
mod teams_at_once;
#[cfg(test)]
mod teams_import;
#[cfg(test)]
mod tenancy;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod upgrades;
#[cfg(test)]
mod upgrades_staged;
#[cfg(test)]
mod values;
