//! Grants in an organization.

mod create;
mod delete;
mod list;

pub(crate) use create::{create, give};
pub(crate) use delete::delete;
pub(crate) use list::list;

use aeolus_model::{Change, Grant, Resource};

/// A grant in the words of the audit log.
pub(crate) fn told(grant: &Grant) -> String {
    let role = &grant.role;
    match grant.resource {
        Resource::System => format!("{role} in the installation"),
        Resource::Organization(id) => format!("{role} at organization {id}"),
        Resource::Workspace(id) => format!("{role} at workspace {id}"),
        Resource::Deployment(id) => format!("{role} at deployment {id}"),
    }
}

/// Who has it, and what it is.
fn changes(grant: &Grant, change: fn(&str, String) -> Change) -> Vec<Change> {
    vec![
        change("subject", grant.subject.id_text()),
        change("role", told(grant)),
    ]
}
