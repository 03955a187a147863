//! The values of API tokens: one row each, in the status list of their organization.

use aeolus_model::{ApiToken, OrganizationId, PlaneId, Subject, Time, TokenId, TokenValue, UserId};

use super::tokens::{Tokens, used_at};
use crate::StoreError;
use crate::engine::{Fields, Value, bind};
use crate::unit::{Unit, Write};

/// The columns of a value.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT token, jti, idx, issued_at, expires_at, ends_at, revoked_at, last_used_at
            FROM status_indexes ",
            $rest
        )
    };
}

/// The placeholders of [`CHUNK`] ids.
macro_rules! these {
    () => {
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
        $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22, $23, $24, $25, $26, $27, $28, $29, $30,
        $31, $32, $33, $34, $35, $36, $37, $38, $39, $40,
        $41, $42, $43, $44, $45, $46, $47, $48, $49, $50,
        $51, $52, $53, $54, $55, $56, $57, $58, $59, $60,
        $61, $62, $63, $64, $65, $66, $67, $68, $69, $70,
        $71, $72, $73, $74, $75, $76, $77, $78, $79, $80,
        $81, $82, $83, $84, $85, $86, $87, $88, $89, $90,
        $91, $92, $93, $94, $95, $96, $97, $98, $99, $100)"
    };
}

/// Those of an organization. Asked by the organization itself, SQLite reads all that it has for every chunk.
macro_rules! of_organization {
    () => {
        concat!(
            "(SELECT id FROM tokens WHERE organization = $101 AND id IN ",
            these!(),
            ")"
        )
    };
}

statements! {
    GET = select!("WHERE organization = $1 AND idx = $2 AND token IS NOT NULL");
    GOOD = select!("WHERE token = $1 AND revoked_at IS NULL AND expires_at > $2
        AND (ends_at IS NULL OR ends_at > $2) ORDER BY issued_at DESC, idx");
    ENDED_BY = "SELECT 1 FROM status_indexes WHERE token = $1
        AND (revoked_at <= $2 OR ends_at <= $2) LIMIT 1";
    ADOPT = "UPDATE status_indexes SET token = $3, jti = $4, issued_at = $5, expires_at = $6
        WHERE organization = $1 AND idx = $2";
    REVOKE_ALL = "UPDATE status_indexes SET revoked_at = $2
        WHERE token = $1 AND revoked_at IS NULL";
    REVOKE_IN = "UPDATE status_indexes SET revoked_at = $3 WHERE revoked_at IS NULL
        AND token IN (SELECT id FROM tokens WHERE scope_kind = $1 AND scope = $2)";
    REVOKE_EARLIER = "UPDATE status_indexes SET revoked_at = $3
        WHERE token = $1 AND idx <> $2 AND revoked_at IS NULL";
    END_EARLIER = "UPDATE status_indexes SET ends_at = $3
        WHERE token = $1 AND idx <> $2 AND revoked_at IS NULL AND expires_at > $3
        AND (ends_at IS NULL OR ends_at > $3)";
    REVOKE_BEFORE = "UPDATE status_indexes SET revoked_at = $3
        WHERE organization = $1 AND issued_at < $2 AND revoked_at IS NULL AND token IN
        (SELECT id FROM tokens WHERE organization = $1 AND (created_by = $4 OR $5 = 0))";
    REVOKE_THESE = concat!(
        "UPDATE status_indexes SET revoked_at = $102
        WHERE revoked_at IS NULL AND token IN ",
        of_organization!()
    );
    TAKE_BACK_THESE = concat!(
        "DELETE FROM grants WHERE subject_kind = 'token' AND subject IN ",
        of_organization!(),
        " RETURNING subject"
    );
    DELETE_THESE = concat!(
        "UPDATE tokens SET deleted_at = $102
        WHERE organization = $101 AND deleted_at IS NULL AND id IN ",
        these!(),
        " RETURNING id"
    );
    SETTLE = "UPDATE status_indexes SET revoked_at = ends_at
        WHERE ends_at <= $1 AND revoked_at IS NULL";
    USED_AT = "UPDATE status_indexes SET last_used_at = $4 WHERE token = $1 AND idx = $2
        AND organization IN (SELECT organization FROM deployments WHERE plane = $3)
        AND (last_used_at IS NULL OR last_used_at < $4)";
    USED = "UPDATE status_indexes SET last_used_at = $3 WHERE organization = $1 AND idx = $2
        AND (last_used_at IS NULL OR last_used_at < $3)";
}

/// A value of a token with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueRecord {
    /// Whose.
    pub token: TokenId,
    /// The value.
    pub value: TokenValue,
    /// It ends then, before it expires: the grace of a rotation.
    pub ends_at: Option<Time>,
    /// It was revoked then.
    pub revoked_at: Option<Time>,
    /// When a gate or control last saw it used.
    pub last_used_at: Option<Time>,
}

impl ValueRecord {
    /// Until when it is good, as far as anybody has decided.
    pub fn good_until(&self) -> Time {
        let ends = self.ends_at.unwrap_or(self.value.expires_at);
        let end = ends.min(self.value.expires_at);
        self.revoked_at.map_or(end, |at| at.min(end))
    }
}

impl<U: Unit> Tokens<'_, U> {
    /// The value at an index of an organization's status list, good or not.
    pub async fn value(
        &mut self,
        organization: OrganizationId,
        index: u32,
    ) -> Result<Option<ValueRecord>, StoreError> {
        let row = self.0.tx().first(GET, bind![organization, index]).await?;
        row.map(|row| record(&mut row.fields())).transpose()
    }

    /// The values of a token that are good now, the newest first.
    pub async fn good_values(
        &mut self,
        token: TokenId,
        now: Time,
    ) -> Result<Vec<ValueRecord>, StoreError> {
        let rows = self.0.tx().fetch(GOOD, bind![token, now]).await?;
        let records = rows.iter().map(|row| record(&mut row.fields()));
        records.collect()
    }

    /// Whether a value of the token had been ended by then.
    pub async fn had_ended(&mut self, token: TokenId, by: Time) -> Result<bool, StoreError> {
        let row = self.0.tx().first(ENDED_BY, bind![token, by]).await?;
        Ok(row.is_some())
    }
}

impl Tokens<'_, Write> {
    /// What becomes of all values but the newest: revoked if `end` is not in the future, else good
    /// until then at most. Says how many that concerned.
    pub async fn end_earlier(
        &mut self,
        token: TokenId,
        newest: u32,
        (now, end): (Time, Time),
    ) -> Result<u64, StoreError> {
        let (sql, at) = if end <= now {
            (REVOKE_EARLIER, now)
        } else {
            (END_EARLIER, end)
        };
        self.0.revoke(sql, bind![token, newest, at]).await
    }

    /// Deletes an organization's tokens of these ids, takes back their grants and revokes their values.
    /// Says which weren't already deleted.
    pub async fn delete_these(
        &mut self,
        organization: OrganizationId,
        ids: &[TokenId],
        now: Time,
    ) -> Result<Vec<TokenId>, StoreError> {
        let mut deleted = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            // The last stands in for what a chunk is short of.
            let last = chunk
                .last()
                .copied()
                .unwrap_or(TokenId::from_bytes([0; 16]));
            let padded = chunk.iter().copied().chain(std::iter::repeat(last));
            let mut values: Vec<Value> = padded.take(CHUNK).flat_map(|id| bind![id]).collect();
            values.extend(bind![organization]);
            let without_time = values.clone();
            values.extend(bind![now]);
            // The records go first, as in `delete`.
            let gone = self.0.tx().fetch(DELETE_THESE, values.clone()).await?;
            for row in &gone {
                let id = row.only()?;
                self.0.has_changed(Subject::Token(id));
                deleted.push(id);
            }
            self.0.revoke(REVOKE_THESE, values).await?;
            let taken = self.0.tx().fetch(TAKE_BACK_THESE, without_time).await?;
            for row in &taken {
                self.0.has_changed(Subject::Token(row.only()?));
            }
        }
        Ok(deleted)
    }

    /// Revokes every value of an organization's tokens (of those that a person made) that was issued
    /// before some time, also where a token has a newer one. Says how many that were.
    pub async fn revoke_before(
        &mut self,
        (organization, created_by): (OrganizationId, Option<UserId>),
        before: Time,
        now: Time,
    ) -> Result<u64, StoreError> {
        let mut values = bind![organization, before, now];
        values.extend(bind![
            created_by.unwrap_or(UserId::from_bytes([0; 16])),
            i64::from(created_by.is_some())
        ]);
        self.0.revoke(REVOKE_BEFORE, values).await
    }

    /// Turns ends that have passed into revocations, which take a bit instead of a record in what
    /// planes are told.
    pub async fn settle(&mut self, now: Time) -> Result<u64, StoreError> {
        self.0.revoke(SETTLE, bind![now]).await
    }

    /// Notes what a plane says of a value; it can only speak of tokens of organizations that have a
    /// deployment there.
    pub async fn used_at(
        &mut self,
        plane: PlaneId,
        (token, index): (TokenId, u32),
        at: Time,
    ) -> Result<(), StoreError> {
        // The token first, as whoever changes one does: two that take both never wait for one another.
        used_at(self.0, (token, plane), at).await?;
        let values = bind![token, index, plane, at];
        self.0.note(USED_AT, values).await?;
        Ok(())
    }

    /// Notes a use of a value, as [`Tokens::used`] does.
    pub async fn value_used(
        &mut self,
        organization: OrganizationId,
        index: u32,
        at: Time,
    ) -> Result<(), StoreError> {
        let values = bind![organization, index, at];
        self.0.note(USED, values).await.map(|_| ())
    }
}

/// How many tokens one statement deletes.
const CHUNK: usize = 100;

/// Says whose value an allocated index is.
pub(super) async fn adopt(
    unit: &mut Write,
    token: &ApiToken,
    value: &TokenValue,
) -> Result<(), StoreError> {
    let mut values = bind![token.organization, value.index, token.id];
    values.extend(bind![value.jti, value.issued_at, value.expires_at]);
    unit.note(ADOPT, values).await.map(|_| ())
}

/// Revokes every value of a token.
pub(super) async fn revoke_all(
    unit: &mut Write,
    token: TokenId,
    now: Time,
) -> Result<(), StoreError> {
    let values = bind![token, now];
    unit.revoke(REVOKE_ALL, values).await.map(|_| ())
}

/// Revokes every value of the tokens that were made at a scope.
pub(super) async fn revoke_in(
    unit: &mut Write,
    (kind, id): (&str, &[u8]),
    now: Time,
) -> Result<(), StoreError> {
    let values = bind![kind, id, now];
    unit.revoke(REVOKE_IN, values).await.map(|_| ())
}

fn record(fields: &mut Fields<'_>) -> Result<ValueRecord, StoreError> {
    Ok(ValueRecord {
        token: fields.take()?,
        value: TokenValue {
            jti: fields.take()?,
            index: fields.take()?,
            issued_at: fields.take()?,
            expires_at: fields.take()?,
        },
        ends_at: fields.maybe()?,
        revoked_at: fields.maybe()?,
        last_used_at: fields.maybe()?,
    })
}
