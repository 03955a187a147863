//! API tokens that operate the workspace.

use std::time::Duration;

use aeolus_keys::SystemRng;
use aeolus_keys::digest::random_token;
use aeolus_model::{
    ApiToken, Clock as _, Grant, GrantId, GrantedRole, Resource, Role, Subject, SystemClock, Time,
    TokenId, TokenKind, TokenScope, TokenStage, TokenValue, UserId,
};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _, Write};

use crate::Place;

const LIFE: Duration = Duration::from_secs(365 * 86_400);

pub(crate) async fn add(write: &mut Write, number: u32, place: Place) -> anyhow::Result<()> {
    let now = Time::from_secs(SystemClock.now().secs());
    let index = write
        .revocations()
        .allocate(place.organization, &SystemRng)
        .await?;
    let token = ApiToken {
        id: TokenId::new(&SystemClock, &SystemRng),
        organization: place.organization,
        name: format!("token{number:07}"),
        description: String::new(),
        scope: TokenScope::Workspace(place.workspace),
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
            resource: Resource::Workspace(place.workspace),
        },
        organization: Some(place.organization),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&grant).await?;
    Ok(())
}
