//! API tokens.

use aeolus_model::{
    ApiToken, OrganizationId, PlaneId, Resource, Subject, Time, TokenId, TokenScope, TokenStage,
};

use super::grants::{delete_of, resource, resource_columns, subject_columns};
use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

/// The columns of a token.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization, name, description, scope_kind, scope, created_by, created_at,
            jti, idx, expires_at, deleted_at, last_used_at FROM tokens ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    LIST = select!("WHERE organization = $1 AND id > $2 AND deleted_at IS NULL
        ORDER BY id LIMIT $3");
    LIST_SCOPE = select!("WHERE scope_kind = $1 AND scope = $2 AND id > $3 AND deleted_at IS NULL
        ORDER BY id LIMIT $4");
    REACHING = select!("WHERE deleted_at IS NULL AND expires_at > $2
        AND organization IN (SELECT organization FROM deployments WHERE plane = $1)
        AND (organization, id) > ($3, $4) ORDER BY organization, id LIMIT $5");
    INSERT = "INSERT INTO tokens (id, organization, name, description, scope_kind, scope,
        created_by, created_at, jti, idx, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    DELETE = "UPDATE tokens SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    DELETE_IN = "UPDATE tokens SET deleted_at = $3
        WHERE scope_kind = $1 AND scope = $2 AND deleted_at IS NULL";
    REVOKE = "UPDATE status_indexes SET revoked_at = $3
        WHERE organization = $1 AND idx = $2 AND revoked_at IS NULL";
    IN_SCOPE = select!("WHERE scope_kind = $1 AND scope = $2 AND deleted_at IS NULL");
    USED = "UPDATE tokens SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
}

/// A token with when it was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The token.
    pub token: ApiToken,
    /// When a gate or control last saw it used.
    pub last_used_at: Option<Time>,
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

    /// Those of an organization that aren't deleted, by age.
    pub async fn list(
        &mut self,
        organization: OrganizationId,
        page: Page<TokenId>,
    ) -> Result<Listing<TokenRecord, TokenId>, StoreError> {
        let after = page.after.unwrap_or(TokenId::from_bytes([0; 16]));
        let values = bind![organization, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST, values).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record: &TokenRecord| {
            record.token.id
        }))
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
        let TokenStage::Active {
            jti,
            index,
            expires_at,
        } = &new.stage
        else {
            return Err(StoreError::Conflict);
        };
        let (scope_kind, scope) = resource_columns(new.scope.resource());
        let mut values = bind![
            new.id,
            new.organization,
            new.name,
            new.description,
            scope_kind
        ];
        values.extend(bind![
            scope,
            new.created_by,
            new.created_at,
            jti,
            index,
            expires_at
        ]);
        taken!(self.0.change(INSERT, values).await, Record).map(|_| ())
    }

    /// Deletes one, takes back its grants and revokes its value. Says whether it wasn't already.
    pub async fn delete(&mut self, token: &ApiToken, now: Time) -> Result<bool, StoreError> {
        let (TokenStage::Active { index, .. } | TokenStage::Deleted { index, .. }) = token.stage;
        let values = bind![token.organization, index, now];
        self.0.revoke(REVOKE, values).await?;
        let (kind, id) = subject_columns(Subject::Token(token.id));
        delete_of(self.0, kind, &id).await?;
        Ok(self.0.change(DELETE, bind![token.id, now]).await? > 0)
    }

    /// Notes a use. Touches this one column, so that it can't undo a change made meanwhile, and
    /// leaves the feed alone.
    pub async fn used(&mut self, id: TokenId, at: Time) -> Result<(), StoreError> {
        self.0.note(USED, bind![id, at]).await.map(|_| ())
    }
}

/// Deletes and revokes everything made at a scope that goes away.
pub(super) async fn delete_in(
    unit: &mut Write,
    kind: &str,
    id: &[u8],
    now: Time,
) -> Result<(), StoreError> {
    let rows = unit.tx().fetch(IN_SCOPE, bind![kind, id]).await?;
    for row in &rows {
        let token = record(row)?.token;
        let (TokenStage::Active { index, .. } | TokenStage::Deleted { index, .. }) = token.stage;
        unit.revoke(REVOKE, bind![token.organization, index, now])
            .await?;
        delete_of(unit, "token", token.id.as_bytes()).await?;
    }
    unit.change(DELETE_IN, bind![kind, id, now])
        .await
        .map(|_| ())
}

fn scope(fields: &mut Fields<'_>) -> Result<TokenScope, StoreError> {
    match resource(fields)? {
        Resource::Organization(id) => Ok(TokenScope::Organization(id)),
        Resource::Workspace(id) => Ok(TokenScope::Workspace(id)),
        Resource::Deployment(id) => Ok(TokenScope::Deployment(id)),
        Resource::System => Err(StoreError::Corrupt("a token of the system".to_owned())),
    }
}

fn stage(fields: &mut Fields<'_>) -> Result<TokenStage, StoreError> {
    let jti = fields.take()?;
    let index = fields.take()?;
    let expires_at = fields.take()?;
    Ok(match fields.maybe()? {
        None => TokenStage::Active {
            jti,
            index,
            expires_at,
        },
        Some(at) => TokenStage::Deleted { index, at },
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
        created_by: fields.take()?,
        created_at: fields.take()?,
        stage: stage(&mut fields)?,
    };
    Ok(TokenRecord {
        token,
        last_used_at: fields.maybe()?,
    })
}
