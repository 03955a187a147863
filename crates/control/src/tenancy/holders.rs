//! Who has a role.

use std::collections::BTreeSet;

use aeolus_model::{Resource, Role, Subject, UserId};
use aeolus_store::{StoreError, Unit};

/// The people who were given a built-in role exactly on a resource, themselves or through a team. A
/// token is nobody, and a role that an organization made for itself with as much is another one: it
/// can be changed and removed.
pub(crate) async fn holders(
    unit: &mut impl Unit,
    resource: Resource,
    role: Role,
) -> Result<BTreeSet<UserId>, StoreError> {
    let mut people = BTreeSet::new();
    for subject in unit.grants().holders(resource, role).await? {
        match subject {
            Subject::User(id) => {
                people.insert(id);
            }
            Subject::Team(team) => {
                let members = unit.teams().members(team).await?;
                people.extend(members.into_iter().map(|member| member.user));
            }
            Subject::Token(_) => {}
        }
    }
    Ok(people)
}
