//! Workspaces.

use aeolus_model::{OrganizationId, Slug, WorkspaceId};

use super::{ManagedBy, grants};
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

statements! {
    GET = "SELECT id, organization, name, managed_by, revision FROM workspaces WHERE id = $1";
    BY_NAME = "SELECT id, organization, name, managed_by, revision FROM workspaces
        WHERE organization = $1 AND name = $2";
    LIST = "SELECT id, organization, name, managed_by, revision FROM workspaces
        WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3";
    INSERT = "INSERT INTO workspaces (id, organization, name, managed_by, revision)
        VALUES ($1, $2, $3, $4, 1)";
    UPDATE = "UPDATE workspaces SET name = $1, managed_by = $2, revision = revision + 1
        WHERE id = $3 AND revision = $4";
    EMPTY = "SELECT id FROM deployments WHERE workspace = $1 LIMIT 1";
    DELETE = "DELETE FROM workspaces WHERE id = $1";
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Whose it is; never changes.
    pub organization: OrganizationId,
    /// Its name, unique in the organization.
    pub name: Slug,
    /// Who looks after it.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub revision: u64,
}

/// Workspaces.
#[derive(Debug)]
pub struct Workspaces<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Workspaces<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// By name in an organization.
    pub async fn by_name(
        &mut self,
        organization: OrganizationId,
        name: &Slug,
    ) -> Result<Option<Workspace>, StoreError> {
        let row = self
            .0
            .tx()
            .first(BY_NAME, bind![organization, name])
            .await?;
        row.as_ref().map(record).transpose()
    }

    /// Those of an organization, by age.
    pub async fn list(
        &mut self,
        organization: OrganizationId,
        page: Page<WorkspaceId>,
    ) -> Result<Listing<Workspace, WorkspaceId>, StoreError> {
        let after = page.after.unwrap_or(WorkspaceId::from_bytes([0; 16]));
        let values = bind![organization, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST, values).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record| record.id))
    }
}

impl Workspaces<'_, Write> {
    /// Adds one.
    pub async fn insert(&mut self, new: &Workspace) -> Result<(), StoreError> {
        let values = bind![new.id, new.organization, new.name, new.managed_by];
        taken!(self.0.change(INSERT, values).await, Workspace).map(|_| ())
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the revision that was read.
    pub async fn update(&mut self, changed: &Workspace) -> Result<(), StoreError> {
        let Workspace {
            id,
            name,
            managed_by,
            revision,
            ..
        } = changed;
        let values = bind![name, managed_by, id, revision];
        taken!(self.0.change_one(UPDATE, values).await, Workspace)
    }

    /// Removes an empty one with its grants; [`StoreError::Reference`] while it has deployments.
    /// Delete the tokens made in it before, so that gates learn of their end.
    pub async fn delete(&mut self, id: WorkspaceId) -> Result<bool, StoreError> {
        if self.0.tx().first(EMPTY, bind![id]).await?.is_some() {
            return Err(StoreError::Reference);
        }
        grants::delete_on(self.0, "workspace", id.as_bytes()).await?;
        Ok(self.0.change(DELETE, bind![id]).await? > 0)
    }
}

fn record(row: &Row) -> Result<Workspace, StoreError> {
    let mut fields = row.fields();
    Ok(Workspace {
        id: fields.take()?,
        organization: fields.take()?,
        name: fields.take()?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}
