//! Organizations.

use aeolus_model::{OrganizationId, Slug};

use super::ManagedBy;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

statements! {
    GET = "SELECT id, name, policy, quota, managed_by, revision FROM organizations WHERE id = $1";
    BY_NAME = "SELECT id, name, policy, quota, managed_by, revision FROM organizations WHERE name = $1";
    LIST = "SELECT id, name, policy, quota, managed_by, revision FROM organizations
        WHERE id > $1 ORDER BY id LIMIT $2";
    INSERT = "INSERT INTO organizations (id, name, policy, managed_by, revision)
        VALUES ($1, $2, $3, $4, 1)";
    INSERT_LIST = "INSERT INTO revocation_lists (organization, size, used, not_before)
        VALUES ($1, $2, 0, 0)";
    UPDATE = "UPDATE organizations
        SET name = $1, policy = $2, managed_by = $3, revision = revision + 1
        WHERE id = $4 AND revision = $5";
    SET_QUOTA = "UPDATE organizations SET quota = $2 WHERE id = $1";
    LOCK = "UPDATE organizations SET revision = revision WHERE id = $1";
    DELETE = "DELETE FROM organizations WHERE id = $1";
}

/// How many status indexes an organization has from the start: a power of two.
const FIRST_SIZE: i64 = 1024;

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, unique.
    pub name: Slug,
    /// Its policy as JSON; the store doesn't look inside.
    pub policy: String,
    /// What its operator allows it of what all share, as JSON; empty: as much as is usual. Ignored by
    /// `insert` and `update`.
    pub quota: String,
    /// Who looks after it.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub revision: u64,
}

/// Organizations.
#[derive(Debug)]
pub struct Organizations<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Organizations<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// By name.
    pub async fn by_name(&mut self, name: &Slug) -> Result<Option<Organization>, StoreError> {
        let row = self.0.tx().first(BY_NAME, bind![name]).await?;
        row.as_ref().map(record).transpose()
    }

    /// All, by age.
    pub async fn list(
        &mut self,
        page: Page<OrganizationId>,
    ) -> Result<Listing<Organization, OrganizationId>, StoreError> {
        let after = page.after.unwrap_or(OrganizationId::from_bytes([0; 16]));
        let rows = self.0.tx().fetch(LIST, bind![after, page.fetch()]).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record| record.id))
    }
}

impl Organizations<'_, Write> {
    /// Adds one, with its revocation list.
    pub async fn insert(&mut self, new: &Organization) -> Result<(), StoreError> {
        let values = bind![new.id, new.name, new.policy, new.managed_by];
        taken!(self.0.change(INSERT, values).await, Organization)?;
        self.0
            .change(INSERT_LIST, bind![new.id, FIRST_SIZE])
            .await?;
        Ok(())
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the revision that was read.
    pub async fn update(&mut self, changed: &Organization) -> Result<(), StoreError> {
        let Organization {
            id,
            name,
            policy,
            managed_by,
            revision,
            quota: _,
        } = changed;
        let values = bind![name, policy, managed_by, id, revision];
        taken!(self.0.change_one(UPDATE, values).await, Organization)
    }

    /// Allows an organization another quota: that alone, whatever else is being changed, so the revision
    /// stays.
    pub async fn set_quota(&mut self, id: OrganizationId, quota: &str) -> Result<(), StoreError> {
        self.0.change_one(SET_QUOTA, bind![id, quota]).await
    }

    /// Keeps others who do the same waiting until this transaction ends. What is read after it has all
    /// that they changed. Who may do what in an organization is read and changed only so: else two
    /// transactions at once could each rely on what the other takes away. Of several organizations lock
    /// the lowest id first.
    pub async fn lock(&mut self, id: OrganizationId) -> Result<(), StoreError> {
        self.0.note(LOCK, bind![id]).await.map(|_| ())
    }

    /// Removes it with everything in it. Gates refuse what they no longer know.
    pub async fn delete(&mut self, id: OrganizationId) -> Result<bool, StoreError> {
        Ok(self.0.change(DELETE, bind![id]).await? > 0)
    }
}

fn record(row: &Row) -> Result<Organization, StoreError> {
    let mut fields = row.fields();
    Ok(Organization {
        id: fields.take()?,
        name: fields.take()?,
        policy: fields.take()?,
        quota: fields.take()?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}
