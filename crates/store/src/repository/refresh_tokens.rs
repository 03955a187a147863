//! Refresh tokens, kept by the SHA-256 of their text, and the families they form.

use aeolus_model::{FamilyStage, RefreshFamily, RefreshFamilyId, RefreshToken, Time};

use super::Digest;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT f.id, f.session, f.client_id, f.audience, f.scope, f.began_at, f.ended_at, t.place,
        t.spent_at, n.spent_at FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family
        LEFT JOIN refresh_tokens n ON n.family = t.family AND n.place = t.place + 1
        WHERE t.digest = $1";
    BEGIN = "INSERT INTO refresh_families (id, session, client_id, audience, scope, began_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    ADD = "INSERT INTO refresh_tokens (digest, family, place) VALUES ($1, $2, $3)";
    SPEND = "UPDATE refresh_tokens SET spent_at = $2 WHERE digest = $1 AND spent_at IS NULL";
    END = "UPDATE refresh_families SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    FORGET = "DELETE FROM refresh_families WHERE ended_at < $1
        OR session IN (SELECT id FROM sessions WHERE ended_at < $1)";
}

/// Refresh tokens and their families.
#[derive(Debug)]
pub struct RefreshTokens<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> RefreshTokens<'_, U> {
    /// By digest, whether it is still good or not.
    pub async fn get(&mut self, digest: &Digest) -> Result<Option<RefreshToken>, StoreError> {
        let row = self.0.tx().first(GET, bind![digest]).await?;
        row.as_ref().map(member).transpose()
    }
}

impl RefreshTokens<'_, Write> {
    /// Keeps a family that is alive, with its first member.
    pub async fn begin(
        &mut self,
        family: &RefreshFamily,
        first: &Digest,
    ) -> Result<(), StoreError> {
        let RefreshFamily {
            id,
            session,
            client_id,
            audience,
            scope,
            began_at,
            stage: FamilyStage::Alive,
        } = family
        else {
            return Err(StoreError::Conflict);
        };
        let values = bind![id, session, client_id, audience, scope, began_at];
        taken!(self.0.note(BEGIN, values).await, Record)?;
        self.add(*id, first, 0).await
    }

    /// Spends a member and returns what it was: of any number of uses at once, exactly one sees
    /// [`RefreshToken::Current`] and has to [`follow`](Self::follow) it. Take it back where the use is
    /// then refused.
    pub async fn spend(
        &mut self,
        digest: &Digest,
        now: Time,
    ) -> Result<Option<RefreshToken>, StoreError> {
        let first = self.0.note(SPEND, bind![digest, now]).await? > 0;
        let member = self.get(digest).await?;
        Ok(member.map(|member| match member {
            RefreshToken::Spent { family, place, .. } if first => {
                RefreshToken::Current { family, place }
            }
            other => other,
        }))
    }

    /// Keeps the member that follows one which was just spent.
    pub async fn follow(&mut self, spent: &RefreshToken, next: &Digest) -> Result<(), StoreError> {
        let place = spent.place().saturating_add(1);
        self.add(spent.family().id, next, place).await
    }

    /// Ends a family and says whether it wasn't already.
    pub async fn end(&mut self, family: RefreshFamilyId, at: Time) -> Result<bool, StoreError> {
        Ok(self.0.note(END, bind![family, at]).await? > 0)
    }

    /// Forgets families that ended, or whose session did, before a time: what is left of them is as
    /// unknown as what never was. With a session that is forgotten its families go by themselves.
    pub async fn forget(&mut self, ended_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![ended_before]).await
    }

    async fn add(
        &mut self,
        family: RefreshFamilyId,
        digest: &Digest,
        place: u32,
    ) -> Result<(), StoreError> {
        let values = bind![digest, family, place];
        taken!(self.0.note(ADD, values).await, Record).map(|_| ())
    }
}

fn member(row: &Row) -> Result<RefreshToken, StoreError> {
    let mut fields = row.fields();
    let family = RefreshFamily {
        id: fields.take()?,
        session: fields.take()?,
        client_id: fields.take()?,
        audience: fields.take()?,
        scope: fields.take()?,
        began_at: fields.take()?,
        stage: match fields.maybe()? {
            None => FamilyStage::Alive,
            Some(at) => FamilyStage::Ended { at },
        },
    };
    let place = fields.take()?;
    let spent_at = fields.maybe()?;
    let next_spent_at: Option<Time> = fields.maybe()?;
    Ok(match spent_at {
        None => RefreshToken::Current { family, place },
        Some(at) => RefreshToken::Spent {
            family,
            place,
            at,
            passed: next_spent_at.is_some(),
        },
    })
}
