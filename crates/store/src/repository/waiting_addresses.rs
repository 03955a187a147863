//! Accounts that wait for an address: they were added by it while another account had it unproved.

use aeolus_model::{Email, UserId};

use crate::StoreError;
use crate::engine::bind;
use crate::unit::{Unit, Write};

statements! {
    OF = "SELECT user_id FROM waiting_addresses WHERE email = $1";
    IS_WAITING = "SELECT 1 FROM waiting_addresses WHERE user_id = $1";
    INSERT = "INSERT INTO waiting_addresses (email, user_id) VALUES ($1, $2)";
    DELETE = "DELETE FROM waiting_addresses WHERE user_id = $1";
}

/// Who waits for which address. A [`User`](crate::User) is shown with the address that they wait for;
/// [`by_email`](crate::Users::by_email) finds who has it.
#[derive(Debug)]
pub struct WaitingAddresses<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> WaitingAddresses<'_, U> {
    /// Who waits for an address.
    pub async fn of(&mut self, email: &Email) -> Result<Option<UserId>, StoreError> {
        let row = self.0.tx().first(OF, bind![email]).await?;
        row.map(|row| row.fields().take()).transpose()
    }

    /// Whether somebody waits for theirs.
    pub async fn is_waiting(&mut self, user: UserId) -> Result<bool, StoreError> {
        let row = self.0.tx().first(IS_WAITING, bind![user]).await?;
        Ok(row.is_some())
    }
}

impl WaitingAddresses<'_, Write> {
    /// Lets somebody wait for an address. One at a time does.
    pub async fn insert(&mut self, email: &Email, user: UserId) -> Result<(), StoreError> {
        taken!(self.0.note(INSERT, bind![email, user]).await, User).map(|_| ())
    }

    /// Lets somebody wait no more. What their record says as their address is to be written by the same unit.
    pub async fn delete(&mut self, user: UserId) -> Result<bool, StoreError> {
        Ok(self.0.note(DELETE, bind![user]).await? > 0)
    }
}
