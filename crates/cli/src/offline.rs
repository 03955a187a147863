//! A fleet without a control plane: its keys and ids in one folder, its snapshots signed here.

mod gate_folder;
mod ids;
mod keys;
mod sections;
mod state;
mod tokens;

pub(crate) use gate_folder::install;
pub(crate) use keys::Keys;
pub(crate) use sections::World;
pub(crate) use state::{State, StoredToken};
pub(crate) use tokens::{access_token, api_token, next_index};

/// The issuer of tokens that no control plane made.
pub(crate) const ISSUER: &str = "urn:aeolus:offline";
