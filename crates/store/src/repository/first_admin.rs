//! What makes the first administrator: one code, kept by its digest, good once.

use aeolus_model::Time;

use super::Digest;
use crate::StoreError;
use crate::engine::bind;
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT digest FROM first_admin_code WHERE id = 1";
    KEEP = "INSERT INTO first_admin_code (id, digest, made_at) VALUES (1, $1, $2)
        ON CONFLICT (id) DO NOTHING";
    REPLACE = "INSERT INTO first_admin_code (id, digest, made_at) VALUES (1, $1, $2)
        ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, made_at = excluded.made_at";
    TAKE = "DELETE FROM first_admin_code WHERE id = 1 AND digest = $1";
}

/// What makes the first administrator.
#[derive(Debug)]
pub struct FirstAdminCodes<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> FirstAdminCodes<'_, U> {
    /// The digest of the code, while it is good.
    pub async fn get(&mut self) -> Result<Option<Digest>, StoreError> {
        let row = self.0.tx().first(GET, bind![]).await?;
        row.map(|row| row.only()).transpose()
    }
}

impl FirstAdminCodes<'_, Write> {
    /// Keeps one unless there is one; says whether it is this one. Of replicas that start together one
    /// tells its code.
    pub async fn keep(&mut self, digest: &Digest, now: Time) -> Result<bool, StoreError> {
        Ok(self.0.note(KEEP, bind![digest, now]).await? > 0)
    }

    /// Keeps one in place of any there is.
    pub async fn replace(&mut self, digest: &Digest, now: Time) -> Result<(), StoreError> {
        self.0.note(REPLACE, bind![digest, now]).await.map(|_| ())
    }

    /// Uses it up. Of any number of uses at once one counts; says whether it was this one.
    pub async fn take(&mut self, digest: &Digest) -> Result<bool, StoreError> {
        Ok(self.0.note(TAKE, bind![digest]).await? > 0)
    }
}
