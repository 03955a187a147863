//! A fleet without a control plane: its keys and ids in one folder, its snapshots signed here.

mod gate_folder;
mod ids;
mod keys;
mod sections;
mod state;
mod tokens;

use aeolus_model::{Role, RoleName};

pub(crate) use gate_folder::install;
pub(crate) use keys::Keys;
pub(crate) use sections::World;
pub(crate) use state::{State, StoredToken};
pub(crate) use tokens::{access_token, api_token, next_index};

use crate::report::{Failure, Report};

/// The issuer of tokens that no control plane made.
pub(crate) const ISSUER: &str = "urn:aeolus:offline";

/// Roles that organizations made for themselves are in control's database.
fn built_in(role: &RoleName) -> Result<Role, Failure> {
    match role {
        RoleName::BuiltIn(role) => Ok(*role),
        RoleName::Custom(name) => {
            let text = format!(
                "role {name} is an organization's own, but only a control plane knows what those allow: use a built-in role in a document for `aeolus plane build`"
            );
            Err(Report::new("FLT-0003", text).usage())
        }
    }
}
