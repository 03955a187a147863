//! Members of the organization who may operate the workspace.

use aeolus_keys::SystemRng;
use aeolus_model::{Clock as _, Grant, GrantId, Resource, Role, Subject, SystemClock, UserId};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _, User, Write};

use crate::Place;

pub(crate) async fn add(write: &mut Write, number: u32, place: Place) -> anyhow::Result<()> {
    let id = UserId::new(&SystemClock, &SystemRng);
    let user = User {
        id,
        email: format!("{id}@example.com").parse()?,
        name: format!("Person {number}"),
        password_hash: None,
        disabled_at: None,
        created_at: SystemClock.now(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.users().insert(&user).await?;
    let roles = [
        (
            Role::OrganizationMember,
            Resource::Organization(place.organization),
        ),
        (
            Role::WorkspaceOperator,
            Resource::Workspace(place.workspace),
        ),
    ];
    for (role, resource) in roles {
        let grant = GrantRecord {
            grant: Grant {
                id: GrantId::new(&SystemClock, &SystemRng),
                subject: Subject::User(user.id),
                role: role.into(),
                resource,
            },
            organization: Some(place.organization),
            managed_by: ManagedBy::Api,
        };
        write.grants().insert(&grant).await?;
    }
    Ok(())
}
