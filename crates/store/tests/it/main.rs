//! The store's behaviour: one suite, run on SQLite and on a real PostgreSQL.

#![cfg(test)]

#[macro_use]
mod fixture;
mod cluster;

mod audit;
mod device_codes;
mod emails;
mod feed;
mod grants;
mod group_teams;
mod identity;
mod keys;
mod notices;
mod offboarding;
mod outage;
mod pace;
mod paging;
mod people;
mod planes;
mod providers;
mod refresh;
mod retries;
mod roles;
mod rollouts;
mod schema;
mod scim_events;
mod scim_groups;
mod second_factors;
mod sessions;
mod shortening;
mod token_values;
mod tokens;
mod tree;
mod turns;
