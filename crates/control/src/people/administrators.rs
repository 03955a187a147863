//! The installation never loses its last administrator (row E1).

use std::collections::BTreeSet;

use aeolus_model::{GrantedRole, Resource, Role, Subject, UserId};
use aeolus_store::{StoreError, Unit};

/// The people who administer the installation, themselves or through a team, and may sign in.
pub(crate) async fn of(unit: &mut impl Unit) -> Result<BTreeSet<UserId>, StoreError> {
    let mut named = BTreeSet::new();
    for record in unit.grants().on(Resource::System).await? {
        if record.grant.role != GrantedRole::BuiltIn(Role::SystemAdmin) {
            continue;
        }
        match record.grant.subject {
            Subject::User(id) => {
                named.insert(id);
            }
            Subject::Team(team) => {
                let members = unit.teams().members(team).await?;
                named.extend(members.into_iter().map(|member| member.user));
            }
            Subject::Token(_) => {}
        }
    }
    let mut able = BTreeSet::new();
    for id in named {
        let user = unit.users().get(id).await?;
        if user.is_some_and(|user| user.disabled_at.is_none()) {
            able.insert(id);
        }
    }
    Ok(able)
}
