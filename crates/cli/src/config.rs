//! The configuration of the servers: one YAML file, below the environment, below flags.

mod acme;
mod audit;
mod auth;
mod compat;
mod egress;
mod email;
mod environment;
mod fraction;
mod keys;
mod layers;
mod master;
mod probe;
mod rails;
mod registry;
mod roles;
mod scim;
mod secret;
mod siblings;
mod tls;
mod types;
mod upstream_tls;
mod values;

pub(crate) use acme::Acme;
#[cfg(test)]
pub(crate) use auth::Configured;
pub(crate) use compat::Compat;
pub(crate) use egress::way_of;
pub(crate) use environment::{Environment, is_renamed, leaves};
pub(crate) use keys::Keys;
pub(crate) use layers::{Effective, Flag, Sources};
pub(crate) use rails::Rails;
pub(crate) use registry::Registry;
pub(crate) use secret::{SecretSource, read_reference};
pub(crate) use siblings::Siblings;
pub(crate) use tls::{Tls, believed, unbelieved};
pub(crate) use types::{Config, Gate, LogFormat, Switch};
pub(crate) use upstream_tls::proofs;
pub(crate) use values::{Note, NoteKind, Original};
