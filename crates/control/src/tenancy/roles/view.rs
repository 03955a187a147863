//! Roles as the API shows them.

use aeolus_api::role::{Own, Role, RoleKind};
use aeolus_model::{BuiltIns, GrantedRole, RoleName};
use aeolus_store::RoleRecord;

use crate::seen::Tag;

/// Whose a role is.
pub(crate) fn kind_of(role: &GrantedRole, built_ins: &BuiltIns) -> RoleKind {
    match role {
        GrantedRole::BuiltIn(role) if built_ins.is_customised(*role) => RoleKind::Customised,
        GrantedRole::BuiltIn(_) => RoleKind::BuiltIn,
        GrantedRole::Custom(_) => RoleKind::Custom,
    }
}

/// A role of every installation, with what it allows in this one.
pub(super) fn built_in(role: aeolus_model::Role, built_ins: &BuiltIns) -> Role {
    Role {
        name: RoleName::BuiltIn(role),
        kind: kind_of(&GrantedRole::BuiltIn(role), built_ins),
        scope: role.scope(),
        permissions: built_ins.of(role).iter().collect(),
        own: None,
    }
}

/// One that an organization made for itself.
pub(super) fn custom(role: RoleRecord) -> Role {
    let definition = role.definition;
    Role {
        name: RoleName::Custom(role.name),
        kind: RoleKind::Custom,
        scope: definition.scope().scope(),
        permissions: definition.permissions().iter().collect(),
        own: Some(Own {
            id: role.id,
            organization_id: role.organization,
            description: role.description,
            restricted_workspace_ids: definition.workspaces().iter().copied().collect(),
            revision: role.revision,
            grants: None,
        }),
    }
}

/// What stands for a role that somebody has read: not for another one of the same name.
pub(super) fn tag(role: &RoleRecord) -> Tag {
    Tag::of_version(&role.id, role.revision)
}
