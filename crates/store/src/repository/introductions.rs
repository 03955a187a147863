//! What people are called in organizations that added them by their address, as long as they haven't come there.

use aeolus_model::{OrganizationId, UserId};

use crate::StoreError;
use crate::engine::bind;
use crate::unit::{Unit, Write};

statements! {
    NAME = "SELECT name FROM introductions WHERE organization = $1 AND user_id = $2";
    INSERT = "INSERT INTO introductions (organization, user_id, name) VALUES ($1, $2, $3)
        ON CONFLICT (organization, user_id) DO NOTHING";
    CAME = "DELETE FROM introductions WHERE organization = $1 AND user_id = $2";
}

/// What people are called where nobody has met them yet: whoever adds an address learns nothing of its person.
#[derive(Debug)]
pub struct Introductions<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Introductions<'_, U> {
    /// What somebody is called who hasn't come to an organization.
    pub async fn name(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Option<String>, StoreError> {
        let row = self.0.tx().first(NAME, bind![organization, user]).await?;
        row.map(|row| row.fields().take()).transpose()
    }
}

impl Introductions<'_, Write> {
    /// Notes what somebody is called by whoever added them.
    pub async fn insert(
        &mut self,
        (organization, user): (OrganizationId, UserId),
        name: &str,
    ) -> Result<(), StoreError> {
        let values = bind![organization, user, name];
        self.0.note(INSERT, values).await.map(|_| ())
    }

    /// Somebody has come: from now on they have their own name there.
    pub async fn came(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<(), StoreError> {
        let values = bind![organization, user];
        self.0.note(CAME, values).await.map(|_| ())
    }
}
