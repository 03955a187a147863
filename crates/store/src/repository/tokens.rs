//! API tokens.

use aeolus_model::{
    ApiToken, OrganizationId, PlaneId, Resource, Subject, Time, TokenId, TokenKind, TokenScope,
    TokenStage, TokenValue, UserId,
};

use super::grants::{delete_of, resource, resource_columns};
use super::token_values::{adopt, revoke_all, revoke_in};
use super::{from_json, json};
use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

/// The columns of a token.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization, name, description, scope_kind, scope, kind, permissions,
            created_by, created_at, jti, idx, COALESCE(rotated_at, created_at), expires_at, deleted_at,
            rotated_at, updated_at, updated_by, last_used_at FROM tokens ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    LIST = select!("WHERE organization = $1 AND id > $2 AND deleted_at IS NULL
        AND expires_at < $4 AND COALESCE(rotated_at, created_at) < $5
        AND COALESCE(last_used_at, created_at) < $6 AND (created_by = $7 OR $8 = 0)
        AND (scope_kind = $9 OR $9 = '') AND (kind = $10 OR $10 = '')
        AND id <= $11 ORDER BY id LIMIT $3");
    LOOK_AT = "SELECT id FROM tokens WHERE organization = $1 AND id > $2 AND deleted_at IS NULL
        ORDER BY id LIMIT 1 OFFSET $3";
    LIST_AT = select!("WHERE scope = $1 AND id > $2 AND deleted_at IS NULL
        AND expires_at < $4 AND COALESCE(rotated_at, created_at) < $5
        AND COALESCE(last_used_at, created_at) < $6 AND (created_by = $7 OR $8 = 0)
        AND scope_kind = $9 AND (kind = $10 OR $10 = '')
        AND id <= $11 ORDER BY id LIMIT $3");
    LOOK_AT_SCOPE = "SELECT id FROM tokens WHERE scope = $1 AND id > $2 AND deleted_at IS NULL
        ORDER BY id LIMIT 1 OFFSET $3";
    LIST_SCOPE = select!("WHERE scope_kind = $1 AND scope = $2 AND id > $3 AND deleted_at IS NULL
        ORDER BY id LIMIT $4");
    REACHING = select!("WHERE deleted_at IS NULL AND expires_at > $2
        AND organization IN (SELECT organization FROM deployments WHERE plane = $1)
        AND (organization, id) > ($3, $4) ORDER BY organization, id LIMIT $5");
    INSERT = "INSERT INTO tokens (id, organization, name, description, scope_kind, scope, kind,
        permissions, created_by, created_at, jti, idx, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    DESCRIBE = "UPDATE tokens SET name = $2, description = $3, updated_at = $4, updated_by = $5
        WHERE id = $1 AND deleted_at IS NULL";
    TOUCH = "UPDATE tokens SET updated_at = $3, updated_by = $4
        WHERE id = $1 AND jti = $2 AND deleted_at IS NULL";
    USED_AT = "UPDATE tokens SET last_used_at = $3
        WHERE id = $1 AND organization IN (SELECT organization FROM deployments WHERE plane = $2)
        AND (last_used_at IS NULL OR last_used_at < $3)";
    ROTATE = "UPDATE tokens SET jti = $3, idx = $4, expires_at = $5, rotated_at = $6,
        updated_at = $6, updated_by = $7 WHERE id = $1 AND jti = $2 AND deleted_at IS NULL";
    DELETE = "UPDATE tokens SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    DELETE_IN = "UPDATE tokens SET deleted_at = $3
        WHERE scope_kind = $1 AND scope = $2 AND deleted_at IS NULL";
    TAKE_BACK_IN = "DELETE FROM grants WHERE subject_kind = 'token'
        AND subject IN (SELECT id FROM tokens WHERE scope_kind = $1 AND scope = $2)";
    USED = "UPDATE tokens SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
}

/// How the column `kind` says what a token is.
const STANDARD: &str = "standard";
const DIRECT: &str = "direct";

/// A token with what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The token.
    pub token: ApiToken,
    /// When its newest value took the place of another.
    pub rotated_at: Option<Time>,
    /// When and by whom it was last changed.
    pub updated: Option<(Time, UserId)>,
    /// When a gate or control last saw it used.
    pub last_used_at: Option<Time>,
}

/// Which tokens are asked for; by default all.
#[derive(Clone, Copy, Debug)]
pub struct TokenFilter {
    /// Only those whose newest value expires before this.
    pub expires_before: Time,
    /// Only those whose newest value was issued before this.
    pub issued_before: Time,
    /// Only those that were not used since (and not made since).
    pub unused_since: Time,
    /// Only those that this person made.
    pub created_by: Option<UserId>,
    /// Only those made at such a scope, or exactly at this one.
    pub scope: ScopeFilter,
    /// Only direct access tokens, or only others.
    pub direct: Option<bool>,
}

/// How far the tokens that are asked for reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScopeFilter {
    /// However far.
    #[default]
    Any,
    /// As far as a workspace, whichever.
    Workspaces,
    /// As far as a deployment, whichever.
    Deployments,
    /// Made exactly there, in the organization that is asked about.
    At(TokenScope),
}

impl Default for TokenFilter {
    fn default() -> Self {
        Self {
            expires_before: Time::MAX,
            issued_before: Time::MAX,
            unused_since: Time::MAX,
            created_by: None,
            scope: ScopeFilter::Any,
            direct: None,
        }
    }
}

/// API tokens.
#[derive(Debug)]
pub struct Tokens<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Tokens<'_, U> {
    /// By id, deleted ones too.
    pub async fn get(&mut self, id: TokenId) -> Result<Option<TokenRecord>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// Those of an organization that aren't deleted, by age. Of very many only some
    /// thousands are looked at for one page: where a filter wants few of them, it may have fewer than its
    /// limit, even none, and say where the next begins.
    pub async fn list(
        &mut self,
        organization: OrganizationId,
        filter: &TokenFilter,
        page: Page<TokenId>,
    ) -> Result<Listing<TokenRecord, TokenId>, StoreError> {
        let after = page.after.unwrap_or(TokenId::from_bytes([0; 16]));
        let everywhere = organization.as_bytes().to_vec();
        let (statements, scope_kind, within) = match filter.scope {
            ScopeFilter::Any => ((LIST, LOOK_AT), "", everywhere),
            ScopeFilter::Workspaces => ((LIST, LOOK_AT), "workspace", everywhere),
            ScopeFilter::Deployments => ((LIST, LOOK_AT), "deployment", everywhere),
            ScopeFilter::At(scope) => {
                let (kind, id) = resource_columns(scope.resource());
                ((LIST_AT, LOOK_AT_SCOPE), kind, id)
            }
        };
        let (list, look_at) = statements;
        let looked_at = self.0.tx().page().max(page.limit);
        let values = bind![within.clone(), after, i64::from(looked_at)];
        let last = self.0.tx().first(look_at, values).await?;
        let last: Option<TokenId> = last.map(|row| row.fields().take()).transpose()?;
        let kind = match filter.direct {
            None => "",
            Some(false) => STANDARD,
            Some(true) => DIRECT,
        };
        let mut values = bind![within, after, page.fetch()];
        values.extend(bind![
            filter.expires_before,
            filter.issued_before,
            filter.unused_since,
            filter.created_by.unwrap_or(UserId::from_bytes([0; 16])),
            i64::from(filter.created_by.is_some()),
            scope_kind,
            kind,
            last.unwrap_or(TokenId::from_bytes([0xff; 16]))
        ]);
        let rows = self.0.tx().fetch(list, values).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        let cut = Listing::cut(items, &page, |record: &TokenRecord| record.token.id);
        Ok(Listing {
            next: cut.next.or(last),
            ..cut
        })
    }

    /// Those made exactly at a scope that aren't deleted, by age.
    pub async fn list_scope(
        &mut self,
        scope: TokenScope,
        page: Page<TokenId>,
    ) -> Result<Listing<TokenRecord, TokenId>, StoreError> {
        let after = page.after.unwrap_or(TokenId::from_bytes([0; 16]));
        let (kind, id) = resource_columns(scope.resource());
        let values = bind![kind, id, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST_SCOPE, values).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record: &TokenRecord| {
            record.token.id
        }))
    }

    /// Every good one of the organizations that have a deployment on the plane.
    pub async fn reaching(
        &mut self,
        plane: PlaneId,
        now: Time,
    ) -> Result<Vec<ApiToken>, StoreError> {
        let token = |row: &Row| Ok(record(row)?.token);
        let key = |token: &ApiToken| bind![token.organization, token.id];
        let none = [0; 16];
        let first = bind![OrganizationId::from_bytes(none), TokenId::from_bytes(none)];
        self.0
            .tx()
            .fetch_all(REACHING, bind![plane, now], first, (token, key))
            .await
    }
}

impl Tokens<'_, Write> {
    /// Adds one; take its index from [`crate::Revocations::allocate`] in the same transaction.
    pub async fn insert(&mut self, new: &ApiToken) -> Result<(), StoreError> {
        let value = new.value().ok_or(StoreError::Conflict)?;
        let (scope_kind, scope) = resource_columns(new.scope.resource());
        let (kind, permissions) = kind_columns(&new.kind)?;
        let mut values = bind![new.id, new.organization, new.name, new.description];
        values.extend(bind![scope_kind, scope, kind, permissions]);
        values.extend(bind![new.created_by, new.created_at]);
        values.extend(bind![value.jti, value.index, value.expires_at]);
        let changed = self
            .0
            .change_of(Subject::Token(new.id), INSERT, values)
            .await;
        taken!(changed, Record)?;
        adopt(self.0, new, value).await
    }

    /// Gives one another name and description; [`StoreError::Conflict`] if it is gone.
    pub async fn describe(
        &mut self,
        id: TokenId,
        (name, description): (&str, &str),
        (now, by): (Time, UserId),
    ) -> Result<(), StoreError> {
        let values = bind![id, name, description, now, by];
        let whose = Subject::Token(id);
        self.0.change_one_of(whose, DESCRIBE, values).await
    }

    /// Notes who changes it, and keeps others from changing it until this transaction ends: do it before
    /// reading what the change depends on. [`StoreError::Conflict`] if `token` is no more as it was
    /// read: it was rotated or deleted.
    pub async fn touch(
        &mut self,
        token: &ApiToken,
        (now, by): (Time, UserId),
    ) -> Result<(), StoreError> {
        let value = token.value().ok_or(StoreError::Conflict)?;
        let values = bind![token.id, value.jti, now, by];
        let whose = Subject::Token(token.id);
        self.0.change_one_of(whose, TOUCH, values).await
    }

    /// Gives one a new value; take its index from [`crate::Revocations::allocate`] in the same
    /// transaction. What becomes of earlier values is [`Tokens::end_earlier`]'s.
    /// [`StoreError::Conflict`] if `token` is no more as it was read: it was rotated or deleted.
    pub async fn rotate(
        &mut self,
        token: &ApiToken,
        value: &TokenValue,
        by: UserId,
    ) -> Result<(), StoreError> {
        let current = token.value().ok_or(StoreError::Conflict)?;
        let mut values = bind![token.id, current.jti, value.jti, value.index];
        values.extend(bind![value.expires_at, value.issued_at, by]);
        let whose = Subject::Token(token.id);
        taken!(self.0.change_one_of(whose, ROTATE, values).await, Record)?;
        adopt(self.0, token, value).await
    }

    /// Deletes one, takes back its grants and revokes its values. Says whether it wasn't already.
    ///
    /// The record goes first: a rotation at the same time then either is over, and its value is
    /// revoked too, or finds nothing to rotate.
    pub async fn delete(&mut self, id: TokenId, now: Time) -> Result<bool, StoreError> {
        let whose = Subject::Token(id);
        let deleted = self.0.change_of(whose, DELETE, bind![id, now]).await?;
        let was_there = deleted > 0;
        revoke_all(self.0, id, now).await?;
        delete_of(self.0, whose).await?;
        Ok(was_there)
    }

    /// Notes a use. Touches this one column, so that it can't undo a change made meanwhile, and
    /// leaves the feed alone.
    pub async fn used(&mut self, id: TokenId, at: Time) -> Result<(), StoreError> {
        self.0.note(USED, bind![id, at]).await.map(|_| ())
    }
}

/// Notes what a plane says of a token.
pub(super) async fn used_at(
    unit: &mut Write,
    (token, plane): (TokenId, PlaneId),
    at: Time,
) -> Result<(), StoreError> {
    unit.note(USED_AT, bind![token, plane, at])
        .await
        .map(|_| ())
}

/// Deletes and revokes everything made at a scope that goes away.
pub(super) async fn delete_in(
    unit: &mut Write,
    kind: &str,
    id: &[u8],
    now: Time,
) -> Result<(), StoreError> {
    unit.change(DELETE_IN, bind![kind, id, now]).await?;
    revoke_in(unit, (kind, id), now).await?;
    unit.change(TAKE_BACK_IN, bind![kind, id]).await.map(|_| ())
}

fn scope(fields: &mut Fields<'_>) -> Result<TokenScope, StoreError> {
    match resource(fields)? {
        Resource::Organization(id) => Ok(TokenScope::Organization(id)),
        Resource::Workspace(id) => Ok(TokenScope::Workspace(id)),
        Resource::Deployment(id) => Ok(TokenScope::Deployment(id)),
        Resource::System => Err(StoreError::Corrupt("a token of the system".to_owned())),
    }
}

fn kind_columns(kind: &TokenKind) -> Result<(&'static str, Option<String>), StoreError> {
    Ok(match kind {
        TokenKind::Standard => (STANDARD, None),
        TokenKind::Direct { permissions } => (DIRECT, permissions.as_ref().map(json).transpose()?),
    })
}

fn kind(fields: &mut Fields<'_>) -> Result<TokenKind, StoreError> {
    let kind: String = fields.take()?;
    let permissions: Option<String> = fields.maybe()?;
    match (kind.as_str(), permissions) {
        (STANDARD, None) => Ok(TokenKind::Standard),
        (DIRECT, permissions) => Ok(TokenKind::Direct {
            permissions: permissions.as_deref().map(from_json).transpose()?,
        }),
        _ => Err(StoreError::Corrupt("a token of no known kind".to_owned())),
    }
}

fn stage(fields: &mut Fields<'_>) -> Result<TokenStage, StoreError> {
    let value = TokenValue {
        jti: fields.take()?,
        index: fields.take()?,
        issued_at: fields.take()?,
        expires_at: fields.take()?,
    };
    Ok(match fields.maybe()? {
        None => TokenStage::Active(value),
        Some(at) => TokenStage::Deleted { at },
    })
}

fn record(row: &Row) -> Result<TokenRecord, StoreError> {
    let mut fields = row.fields();
    let token = ApiToken {
        id: fields.take()?,
        organization: fields.take()?,
        name: fields.take()?,
        description: fields.take()?,
        scope: scope(&mut fields)?,
        kind: kind(&mut fields)?,
        created_by: fields.take()?,
        created_at: fields.take()?,
        stage: stage(&mut fields)?,
    };
    let rotated_at = fields.maybe()?;
    let updated_at: Option<Time> = fields.maybe()?;
    let updated_by: Option<UserId> = fields.maybe()?;
    Ok(TokenRecord {
        token,
        rotated_at,
        updated: updated_at.zip(updated_by),
        last_used_at: fields.maybe()?,
    })
}
