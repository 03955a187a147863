//! What people are called in organizations that added them by their address, as long as they haven't come there.

use std::collections::BTreeMap;

use aeolus_model::{OrganizationId, UserId};

use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    NAMES = "SELECT user_id, name FROM introductions WHERE organization = $1";
    INSERT = "INSERT INTO introductions (organization, user_id, name) VALUES ($1, $2, $3)
        ON CONFLICT (organization, user_id) DO NOTHING";
    CAME = "DELETE FROM introductions WHERE organization = $1 AND user_id = $2";
}

/// What people are called where nobody has met them yet: whoever adds an address learns nothing of its person.
#[derive(Debug)]
pub struct Introductions<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Introductions<'_, U> {
    /// The names of all who haven't come to an organization.
    pub async fn names(
        &mut self,
        organization: OrganizationId,
    ) -> Result<BTreeMap<UserId, String>, StoreError> {
        let rows = self.0.tx().fetch(NAMES, bind![organization]).await?;
        let read = |row: &Row| {
            let mut fields = row.fields();
            Ok((fields.take()?, fields.take()?))
        };
        rows.iter().map(read).collect()
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
