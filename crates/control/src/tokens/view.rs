//! A token's record as the API shows it.

use aeolus_api::token::{EarlierValue, Token, TokenKind as Kind, TokenRole, TokenScope};
use aeolus_model::{
    ApiToken, Change, Resource, Subject, Time, TokenId, TokenKind, TokenStage, TokenValue,
};
use aeolus_store::{GrantRecord, TokenRecord, Unit, ValueRecord};

use super::bounds::FOREVER_DAYS;
use super::roles::Held;
use crate::error::ApiError;
use crate::seen::Tag;

const DAY: i64 = 86_400;

/// One token as it is now, with the earlier values that are still good.
pub(super) async fn view(unit: &mut impl Unit, id: TokenId, now: Time) -> Result<Token, ApiError> {
    let record = unit.tokens().get(id).await?;
    let record = record.ok_or(ApiError::NotFound("token"))?;
    let mut shown = with_roles(unit, &record).await?;
    let good = unit.tokens().good_values(id, now).await?;
    let newest = record.token.value().map(|value| value.index);
    let earlier = good.iter().filter(|good| Some(good.value.index) != newest);
    shown.earlier_values = earlier.map(earlier_value).collect();
    Ok(shown)
}

/// One of many.
pub(super) async fn with_roles(
    unit: &mut impl Unit,
    record: &TokenRecord,
) -> Result<Token, ApiError> {
    let grants = unit.grants().of(Subject::Token(record.token.id)).await?;
    Ok(shown(record, &grants))
}

fn shown(record: &TokenRecord, grants: &[GrantRecord]) -> Token {
    let token = &record.token;
    let (short, start, end, days) = match &token.stage {
        TokenStage::Active(value) => {
            let days = days(value);
            let end = days.map(|_| value.expires_at.secs());
            (value.short(), value.issued_at, end, days)
        }
        TokenStage::Deleted { at } => ("", token.created_at, Some(at.secs()), None),
    };
    let (kind, permissions) = match &token.kind {
        TokenKind::Standard => (Kind::Standard, None),
        TokenKind::Direct { permissions } => (Kind::DirectAccess, permissions.clone()),
    };
    Token {
        id: token.id,
        organization_id: token.organization,
        name: token.name.clone(),
        description: token.description.clone(),
        short_token: short.to_owned(),
        kind,
        scope: scope(token.scope.resource()),
        entity_id: token.scope.id(),
        roles: grants.iter().map(role).collect(),
        permissions,
        start_at: start.secs(),
        end_at: end,
        expiry_period_in_days: days,
        created_at: token.created_at.secs(),
        created_by: token.created_by,
        updated_at: record.updated.map(|(at, _)| at.secs()),
        updated_by: record.updated.map(|(_, by)| by),
        last_rotated_at: record.rotated_at.map(Time::secs),
        last_used_at: record.last_used_at.map(Time::secs),
        earlier_values: Vec::new(),
    }
}

/// The days a value was made for; none for ever.
pub(super) fn days(value: &TokenValue) -> Option<u32> {
    let life = value.expires_at.since(value.issued_at).as_secs();
    let days = u32::try_from(life / DAY.unsigned_abs()).unwrap_or(FOREVER_DAYS);
    (days != FOREVER_DAYS).then_some(days)
}

fn earlier_value(record: &ValueRecord) -> EarlierValue {
    EarlierValue {
        short_token: record.value.short().to_owned(),
        start_at: record.value.issued_at.secs(),
        end_at: record.good_until().secs(),
        last_used_at: record.last_used_at.map(Time::secs),
    }
}

fn role(record: &GrantRecord) -> TokenRole {
    TokenRole {
        entity_type: scope(record.grant.resource),
        entity_id: id(record.grant.resource),
        role: record.grant.role.name(),
    }
}

/// Stands for what somebody would change of it: not for when it was used, nor for values that end by
/// themselves.
pub(super) fn tag(shown: &Token) -> Result<Tag, ApiError> {
    Tag::of(&Token {
        last_used_at: None,
        earlier_values: Vec::new(),
        ..shown.clone()
    })
}

pub(super) const fn scope(resource: Resource) -> TokenScope {
    match resource {
        Resource::System | Resource::Organization(_) => TokenScope::Organization,
        Resource::Workspace(_) => TokenScope::Workspace,
        Resource::Deployment(_) => TokenScope::Deployment,
    }
}

fn id(resource: Resource) -> String {
    match resource {
        Resource::System => String::new(),
        Resource::Organization(id) => id.to_string(),
        Resource::Workspace(id) => id.to_string(),
        Resource::Deployment(id) => id.to_string(),
    }
}

/// What the audit log says of a new token.
pub(super) fn created(token: &ApiToken, held: &[Held]) -> Vec<Change> {
    let mut changes = vec![Change::to("name", &*token.name)];
    if let Some(value) = token.value() {
        changes.push(Change::to("value", value.short()));
        changes.push(Change::to("endAt", value.expires_at.secs().to_string()));
    }
    changes.extend(held.iter().map(|held| Change::to("role", role_text(held))));
    changes
}

/// A role and where, for the audit log.
pub(super) fn role_text(held: &Held) -> String {
    format!("{} on {}", held.role, id(held.resource))
}
