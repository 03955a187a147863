//! What a policy makes of the API tokens that there are.

use std::time::Duration;

use aeolus_model::{OrganizationId, Scope, Time, TokenId};

use super::{TokenWindow, Tokens};
use crate::StoreError;
use crate::engine::{Fields, Value, bind};
use crate::unit::{Unit, Write};

/// Good values of tokens of a scope (`$2`) that live longer than `$3` from when they were issued, of the
/// tokens after `$5` up to `$6`.
macro_rules! too_long {
    () => {
        " WHERE organization = $1 AND revoked_at IS NULL AND expires_at > $4
        AND (ends_at IS NULL OR ends_at > $4) AND issued_at + $3 < COALESCE(ends_at, expires_at)
        AND token IN (SELECT id FROM tokens WHERE organization = $1 AND scope_kind = $2
            AND deleted_at IS NULL AND id > $5 AND id <= $6)"
    };
}

statements! {
    TOO_LONG = concat!(
        "SELECT token, COALESCE(ends_at, expires_at), issued_at + $3 FROM status_indexes",
        too_long!(),
        " ORDER BY token, idx"
    );
    REVOKE = concat!(
        "UPDATE status_indexes SET revoked_at = $4",
        too_long!(),
        " AND issued_at + $3 <= $4"
    );
    END = concat!("UPDATE status_indexes SET ends_at = issued_at + $3", too_long!());
    EXPIRE = "UPDATE tokens SET expires_at = COALESCE(rotated_at, created_at) + $3
        WHERE organization = $1 AND scope_kind = $2 AND deleted_at IS NULL
        AND expires_at > COALESCE(rotated_at, created_at) + $3 AND id > $4 AND id <= $5";
    LASTING = "SELECT COUNT(*) FROM tokens WHERE organization = $1 AND deleted_at IS NULL AND id > $2
        AND id <= $3 AND expires_at - COALESCE(rotated_at, created_at) >= $4";
    NTH = "SELECT 1 FROM tokens WHERE organization = $1 AND deleted_at IS NULL
        ORDER BY id LIMIT 1 OFFSET $2";
}

/// A value that ends sooner than it was to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortened {
    /// Whose.
    pub token: TokenId,
    /// When it was to end.
    pub was_to_end: Time,
    /// When it ends now; it is revoked if that has passed.
    pub ends: Time,
}

impl<U: Unit> Tokens<'_, U> {
    /// Whether an organization has fewer tokens than so many. Costs as much as that number is large.
    pub async fn are_fewer_than(
        &mut self,
        organization: OrganizationId,
        most: u32,
    ) -> Result<bool, StoreError> {
        let Some(last) = most.checked_sub(1) else {
            return Ok(false);
        };
        let row = self.0.tx().first(NTH, bind![organization, last]).await?;
        Ok(row.is_none())
    }

    /// How many of an organization's tokens have a value that was made for a life of at least so long.
    pub async fn lasting(
        &mut self,
        organization: OrganizationId,
        life: Duration,
    ) -> Result<u64, StoreError> {
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        let (mut before, mut found) = (None, 0_u64);
        while let Some(window) = self.window(Some(organization), before, AT_ONCE).await? {
            let values = bind![organization, window.after, window.last(), life];
            let row = self.0.tx().first(LASTING, values).await?;
            found += row.map_or(Ok(0), |row| row.only::<u64>())?;
            before = Some(window);
        }
        Ok(found)
    }
}

impl Tokens<'_, Write> {
    /// Lets no value of an organization's tokens at a scope live longer than `life` from when it was
    /// issued, and says which those are that would have.
    pub async fn shorten(
        &mut self,
        (organization, scope): (OrganizationId, Scope),
        life: Duration,
        now: Time,
    ) -> Result<Vec<Shortened>, StoreError> {
        let scope = match scope {
            Scope::System => return Ok(Vec::new()),
            Scope::Organization => "organization",
            Scope::Workspace => "workspace",
            Scope::Deployment => "deployment",
        };
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        let of = bind![organization, scope, life];
        let (mut before, mut found) = (None, Vec::new());
        while let Some(window) = self.window(Some(organization), before, AT_ONCE).await? {
            self.shorten_some((organization, &of), window, now, &mut found)
                .await?;
            before = Some(window);
        }
        Ok(found)
    }

    async fn shorten_some(
        &mut self,
        (organization, of): (OrganizationId, &[Value]),
        window: TokenWindow,
        now: Time,
        found: &mut Vec<Shortened>,
    ) -> Result<(), StoreError> {
        // The token first, as whoever changes one does.
        let (after, last) = (window.after, window.last());
        let mut values = of.to_vec();
        values.extend(bind![after, last]);
        self.0.change(EXPIRE, values).await?;
        let mut values = of.to_vec();
        values.extend(bind![now, after, last]);
        let rows = self.0.tx().fetch(TOO_LONG, values.clone()).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            found.push(shortened(&mut row.fields())?);
        }
        for sql in [REVOKE, END] {
            let values = values.clone();
            self.0.revoke_values(organization, sql, values).await?;
        }
        Ok(())
    }
}

/// So many tokens are looked at by one statement, whose time is bounded.
const AT_ONCE: u32 = 2000;

fn shortened(fields: &mut Fields<'_>) -> Result<Shortened, StoreError> {
    Ok(Shortened {
        token: fields.take()?,
        was_to_end: fields.take()?,
        ends: fields.take()?,
    })
}
