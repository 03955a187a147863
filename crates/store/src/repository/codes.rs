//! Authorization codes, kept by the SHA-256 of their text.

use aeolus_model::{AuthorizationCode, Time};

use super::Digest;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::Write;

statements! {
    INSERT = "INSERT INTO codes (digest, client_id, redirect_uri, challenge, audience, scope,
        nonce, session, issued_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    TAKE = "UPDATE codes SET exchanged_at = $2 WHERE digest = $1 AND exchanged_at IS NULL
        RETURNING client_id, redirect_uri, challenge, audience, scope, nonce, session, issued_at";
    EXCHANGED = "SELECT session FROM codes WHERE digest = $1 AND exchanged_at IS NOT NULL";
    FORGET = "DELETE FROM codes WHERE issued_at < $1";
}

/// Authorization codes.
#[derive(Debug)]
pub struct Codes<'u, U>(pub(crate) &'u mut U);

impl Codes<'_, Write> {
    /// Keeps a code that is handed out.
    pub async fn insert(
        &mut self,
        digest: &Digest,
        code: &AuthorizationCode,
    ) -> Result<(), StoreError> {
        let AuthorizationCode::Issued {
            client_id,
            redirect_uri,
            challenge,
            audience,
            scope,
            nonce,
            session,
            issued_at,
        } = code
        else {
            return Err(StoreError::Conflict);
        };
        let mut values = bind![digest, client_id, redirect_uri, challenge, audience, scope];
        values.extend(bind![nonce, session, issued_at]);
        taken!(self.0.note(INSERT, values).await, Record).map(|_| ())
    }

    /// Uses a code up and returns what it was: of any number of exchanges at once, exactly one
    /// sees [`AuthorizationCode::Issued`]. Commit also when the exchange is then refused, so that
    /// a code can't be tried twice.
    pub async fn take(
        &mut self,
        digest: &Digest,
        now: Time,
    ) -> Result<Option<AuthorizationCode>, StoreError> {
        let taken = self.0.tx().first(TAKE, bind![digest, now]).await?;
        if let Some(row) = taken {
            return issued(&row).map(Some);
        }
        let row = self.0.tx().first(EXCHANGED, bind![digest]).await?;
        row.map(|row| {
            Ok(AuthorizationCode::Exchanged {
                session: row.only()?,
            })
        })
        .transpose()
    }

    /// Forgets those handed out before. Keep them for as long as the tokens they led to, so that a
    /// replay is recognised.
    pub async fn forget(&mut self, issued_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![issued_before]).await
    }
}

fn issued(row: &Row) -> Result<AuthorizationCode, StoreError> {
    let mut fields = row.fields();
    Ok(AuthorizationCode::Issued {
        client_id: fields.take()?,
        redirect_uri: fields.take()?,
        challenge: fields.take()?,
        audience: fields.take()?,
        scope: fields.take()?,
        nonce: fields.maybe()?,
        session: fields.take()?,
        issued_at: fields.take()?,
    })
}
