//! A token's record as the API shows it.

use aeolus_api::token::{Token, TokenKind, TokenRole, TokenScope};
use aeolus_model::{ApiToken, Resource, Subject, TokenStage};
use aeolus_store::{GrantRecord, StoreError, Unit};

use super::policy::FOREVER_DAYS;

const DAY: i64 = 86_400;

/// With its roles.
pub(super) async fn view(unit: &mut impl Unit, token: &ApiToken) -> Result<Token, StoreError> {
    let grants = unit.grants().of(Subject::Token(token.id)).await?;
    Ok(shown(token, &grants))
}

pub(super) fn shown(token: &ApiToken, grants: &[GrantRecord]) -> Token {
    let (jti, expires_at) = match &token.stage {
        TokenStage::Active {
            jti, expires_at, ..
        } => (jti.as_str(), *expires_at),
        TokenStage::Deleted { at, .. } => ("", *at),
    };
    let start = token.created_at.secs();
    let days = expires_at.secs().saturating_sub(start).div_euclid(DAY);
    let days = u32::try_from(days).unwrap_or(0);
    let ends = days != FOREVER_DAYS;
    Token {
        id: token.id,
        organization_id: token.organization,
        name: token.name.clone(),
        description: token.description.clone(),
        short_token: jti.chars().take(8).collect(),
        kind: TokenKind::Standard,
        scope: scope(token.scope.resource()),
        entity_id: token.scope.id(),
        roles: grants.iter().map(role).collect(),
        start_at: start,
        end_at: ends.then_some(expires_at.secs()),
        expiry_period_in_days: ends.then_some(days),
        created_at: start,
        created_by: token.created_by,
    }
}

fn role(record: &GrantRecord) -> TokenRole {
    TokenRole {
        entity_type: scope(record.grant.resource),
        entity_id: match record.grant.resource {
            Resource::System => String::new(),
            Resource::Organization(id) => id.to_string(),
            Resource::Workspace(id) => id.to_string(),
            Resource::Deployment(id) => id.to_string(),
        },
        role: record.grant.role,
    }
}

const fn scope(resource: Resource) -> TokenScope {
    match resource {
        Resource::System | Resource::Organization(_) => TokenScope::Organization,
        Resource::Workspace(_) => TokenScope::Workspace,
        Resource::Deployment(_) => TokenScope::Deployment,
    }
}
