//! An organization never loses its last owner (rows A9, D9).

use std::collections::BTreeSet;

use aeolus_model::{OrganizationId, Resource, Role, Subject, UserId};
use aeolus_store::{Unit as _, Write};

use crate::error::ApiError;

/// Refuses to take somebody out who owns an organization, themselves or through a team, unless another
/// person who may sign in owns it too. A token is nobody.
pub(super) async fn require_another(
    write: &mut Write,
    organization: OrganizationId,
    leaving: UserId,
) -> Result<(), ApiError> {
    let grants = write
        .grants()
        .on(Resource::Organization(organization))
        .await?;
    let mut owners = BTreeSet::new();
    for record in grants {
        if record.grant.role != Role::OrganizationOwner {
            continue;
        }
        match record.grant.subject {
            Subject::User(id) => {
                owners.insert(id);
            }
            Subject::Team(team) => {
                let members = write.teams().members(team).await?;
                owners.extend(members.into_iter().map(|member| member.user));
            }
            Subject::Token(_) => {}
        }
    }
    if !owners.remove(&leaving) {
        return Ok(());
    }
    for owner in owners {
        let user = write.users().get(owner).await?;
        if user.is_some_and(|user| user.disabled_at.is_none()) {
            return Ok(());
        }
    }
    let text = "This is the organization's last owner; make somebody else one first.";
    Err(ApiError::Conflict(text.to_owned()))
}
