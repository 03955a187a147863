//! Links that set a new password, kept by the digest of the value that is in them, and who asked for one.

use aeolus_model::{Email, PasswordResetId, Time, UserId};

use super::Digest;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    BY_DIGEST = "SELECT id, user_id, state, made_by, created_at, expires_at FROM password_resets
        WHERE digest = $1";
    LIVE = "SELECT COUNT(*) FROM password_resets WHERE user_id = $1 AND expires_at > $2";
    INSERT = "INSERT INTO password_resets (id, user_id, digest, state, made_by, created_at,
        expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    TAKE = "DELETE FROM password_resets WHERE id = $1 AND expires_at > $2";
    END = "DELETE FROM password_resets WHERE user_id = $1";
    FORGET = "DELETE FROM password_resets WHERE created_at < $1";
    ASK = "INSERT INTO password_requests (id, email, source, created_at) VALUES ($1, $2, $3, $4)";
    ASKED = "SELECT id, email, source, created_at FROM password_requests
        ORDER BY created_at, id LIMIT $1";
    ANSWER = "DELETE FROM password_requests WHERE id = $1";
    FORGET_ASKED = "DELETE FROM password_requests WHERE created_at < $1";
}

/// A link that sets a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordReset {
    /// Its id.
    pub id: PasswordResetId,
    /// Whose password.
    pub user: UserId,
    /// What their account was when it was made: it is good for that alone.
    pub state: Digest,
    /// Who made it for them: it is good as long as they may. None: the person asked for it.
    pub made_by: Option<UserId>,
    /// Since when.
    pub created_at: Time,
    /// Until when.
    pub expires_at: Time,
}

/// Somebody who says that they forgot the password of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordRequest {
    /// Its id, which becomes that of the link.
    pub id: PasswordResetId,
    /// The address.
    pub email: Email,
    /// From where it was asked.
    pub source: String,
    /// When.
    pub created_at: Time,
}

/// Links that set a new password.
#[derive(Debug)]
pub struct PasswordResets<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> PasswordResets<'_, U> {
    /// By the digest of the value that is in the link.
    pub async fn by_digest(
        &mut self,
        digest: &Digest,
    ) -> Result<Option<PasswordReset>, StoreError> {
        let row = self.0.tx().first(BY_DIGEST, bind![digest]).await?;
        row.as_ref().map(reset).transpose()
    }

    /// How many of somebody's are good at a moment.
    pub async fn live(&mut self, user: UserId, now: Time) -> Result<u64, StoreError> {
        let row = self.0.tx().first(LIVE, bind![user, now]).await?;
        row.map_or(Ok(0), |row| row.only())
    }

    /// Who asked and has no answer yet, the oldest first.
    pub async fn asked(&mut self, most: u32) -> Result<Vec<PasswordRequest>, StoreError> {
        let rows = self.0.tx().fetch(ASKED, bind![most]).await?;
        rows.iter().map(request).collect()
    }
}

impl PasswordResets<'_, Write> {
    /// Keeps one.
    pub async fn insert(&mut self, new: &PasswordReset, digest: &Digest) -> Result<(), StoreError> {
        let values = bind![
            new.id,
            new.user,
            digest,
            new.state,
            new.made_by,
            new.created_at,
            new.expires_at
        ];
        taken!(self.0.note(INSERT, values).await, Record).map(|_| ())
    }

    /// Uses one up. Of any number of uses at once one counts; says whether it was this one.
    pub async fn take(&mut self, id: PasswordResetId, now: Time) -> Result<bool, StoreError> {
        Ok(self.0.note(TAKE, bind![id, now]).await? > 0)
    }

    /// Ends all of a person.
    pub async fn end(&mut self, user: UserId) -> Result<(), StoreError> {
        self.0.note(END, bind![user]).await.map(|_| ())
    }

    /// Notes that somebody asks for one.
    pub async fn ask(&mut self, new: &PasswordRequest) -> Result<(), StoreError> {
        let values = bind![new.id, new.email, new.source, new.created_at];
        self.0.note(ASK, values).await.map(|_| ())
    }

    /// Takes a request to answer it; says whether nobody else did.
    pub async fn answer(&mut self, id: PasswordResetId) -> Result<bool, StoreError> {
        Ok(self.0.note(ANSWER, bind![id]).await? > 0)
    }

    /// Forgets what is from before a moment.
    pub async fn forget(&mut self, before: Time) -> Result<(), StoreError> {
        self.0.note(FORGET, bind![before]).await?;
        self.0.note(FORGET_ASKED, bind![before]).await.map(|_| ())
    }
}

fn reset(row: &Row) -> Result<PasswordReset, StoreError> {
    let mut fields = row.fields();
    Ok(PasswordReset {
        id: fields.take()?,
        user: fields.take()?,
        state: fields.take()?,
        made_by: fields.maybe()?,
        created_at: fields.take()?,
        expires_at: fields.take()?,
    })
}

fn request(row: &Row) -> Result<PasswordRequest, StoreError> {
    let mut fields = row.fields();
    Ok(PasswordRequest {
        id: fields.take()?,
        email: fields.take()?,
        source: fields.take()?,
        created_at: fields.take()?,
    })
}
