//! More people than a fleet document holds: `people DATABASE ORGANIZATION WORKSPACE COUNT` makes so many
//! members of an organization who may operate a workspace of it.
//!
//! They are written into control's database while it runs, as another replica of control would write
//! them, a thousand in a transaction.

use aeolus_keys::SystemRng;
use aeolus_model::{
    Clock as _, Grant, GrantId, OrganizationId, Resource, Role, Slug, Subject, SystemClock, UserId,
};
use aeolus_store::{GrantRecord, ManagedBy, Store, Unit as _, User, Write};
use anyhow::{Context as _, bail};

const AT_ONCE: usize = 1_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [database, organization, workspace, count] = arguments.as_slice() else {
        bail!("usage: people DATABASE ORGANIZATION WORKSPACE COUNT");
    };
    let names = (Slug::parse(organization)?, Slug::parse(workspace)?);
    let count: u32 = count.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = Store::connect(&database.parse()?).await?;
        let mut view = store.read().await?;
        let organization = view.organizations().by_name(&names.0).await?;
        let organization = organization.context("there is no such organization")?.id;
        let workspace = view.workspaces().by_name(organization, &names.1).await?;
        let workspace = workspace.context("there is no such workspace")?.id;
        drop(view);
        let roles = [
            (
                Role::OrganizationMember,
                Resource::Organization(organization),
            ),
            (Role::WorkspaceOperator, Resource::Workspace(workspace)),
        ];
        let numbers: Vec<u32> = (0..count).collect();
        for some in numbers.chunks(AT_ONCE) {
            let mut write = store.write().await?;
            for number in some {
                person(&mut write, *number, organization, &roles).await?;
            }
            write.commit().await?;
        }
        store.close().await;
        Ok(())
    })
}

async fn person(
    write: &mut Write,
    number: u32,
    organization: OrganizationId,
    roles: &[(Role, Resource)],
) -> anyhow::Result<()> {
    let user = User {
        id: UserId::new(&SystemClock, &SystemRng),
        email: format!("person{number:06}@example.com").parse()?,
        name: format!("Person {number}"),
        password_hash: None,
        disabled_at: None,
        created_at: SystemClock.now(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.users().insert(&user).await?;
    for (role, resource) in roles {
        let grant = GrantRecord {
            grant: Grant {
                id: GrantId::new(&SystemClock, &SystemRng),
                subject: Subject::User(user.id),
                role: (*role).into(),
                resource: *resource,
            },
            organization: Some(organization),
            managed_by: ManagedBy::Api,
        };
        write.grants().insert(&grant).await?;
    }
    Ok(())
}
