//! More API tokens than anybody makes by hand: `tokens DATABASE ORGANIZATION WORKSPACE COUNT` makes so many
//! of a workspace's deployments operators.
//!
//! They are written into control's database while it runs, as another replica of control would write
//! them, a thousand in a transaction.

use std::time::Duration;

use aeolus_keys::SystemRng;
use aeolus_keys::digest::random_token;
use aeolus_model::{
    ApiToken, Clock as _, Grant, GrantId, GrantedRole, OrganizationId, Resource, Role, Slug,
    Subject, SystemClock, Time, TokenId, TokenKind, TokenScope, TokenStage, TokenValue, UserId,
    WorkspaceId,
};
use aeolus_store::{GrantRecord, ManagedBy, Store, Unit as _, Write};
use anyhow::{Context as _, bail};

const AT_ONCE: usize = 1_000;
const LIFE: Duration = Duration::from_secs(365 * 86_400);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [database, organization, workspace, count] = arguments.as_slice() else {
        bail!("usage: tokens DATABASE ORGANIZATION WORKSPACE COUNT");
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
        let numbers: Vec<u32> = (0..count).collect();
        for some in numbers.chunks(AT_ONCE) {
            let mut write = store.write().await?;
            for number in some {
                token(&mut write, *number, (organization, workspace)).await?;
            }
            write.commit().await?;
        }
        store.close().await;
        Ok(())
    })
}

async fn token(
    write: &mut Write,
    number: u32,
    (organization, workspace): (OrganizationId, WorkspaceId),
) -> anyhow::Result<()> {
    let now = Time::from_secs(SystemClock.now().secs());
    let index = write
        .revocations()
        .allocate(organization, &SystemRng)
        .await?;
    let token = ApiToken {
        id: TokenId::new(&SystemClock, &SystemRng),
        organization,
        name: format!("token{number:07}"),
        description: String::new(),
        scope: TokenScope::Workspace(workspace),
        kind: TokenKind::Standard,
        created_by: UserId::new(&SystemClock, &SystemRng),
        created_at: now,
        stage: TokenStage::Active(TokenValue {
            jti: random_token(&SystemRng, 16).expose().clone(),
            index,
            issued_at: now,
            expires_at: now.plus(LIFE),
        }),
    };
    write.tokens().insert(&token).await?;
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&SystemClock, &SystemRng),
            subject: Subject::Token(token.id),
            role: GrantedRole::BuiltIn(Role::WorkspaceOperator),
            resource: Resource::Workspace(workspace),
        },
        organization: Some(organization),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&grant).await?;
    Ok(())
}
