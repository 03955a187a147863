//! Roles that organizations made for themselves.

use std::collections::BTreeSet;

use aeolus_model::{
    CustomRole, CustomScope, GrantedRole, OrganizationId, PermissionSet, RoleDefinition, RoleId,
    Slug, WorkspaceId,
};

use super::{ManagedBy, from_json, json};
use crate::engine::{Column, Row, bind, words};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

/// The columns of a role.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization, name, description, scope, permissions, workspaces,
            managed_by, revision FROM roles ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    BY_NAME = select!("WHERE organization = $1 AND name = $2");
    LIST = select!("WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3");
    INSERT = "INSERT INTO roles (id, organization, name, description, scope, permissions, workspaces,
        managed_by, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)";
    UPDATE = "UPDATE roles SET name = $1, description = $2, permissions = $3, workspaces = $4,
        revision = revision + 1 WHERE id = $5 AND revision = $6";
    DELETE = "DELETE FROM roles WHERE id = $1";
}

/// A role that an organization made for itself (row F15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRecord {
    /// Its id.
    pub id: RoleId,
    /// Whose it is; never changes.
    pub organization: OrganizationId,
    /// Its name, unique in the organization.
    pub name: Slug,
    /// What it is for.
    pub description: String,
    /// What it is. Its scope never changes: grants of it are at places of that kind.
    pub definition: RoleDefinition,
    /// Who looks after it; never changes.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub revision: u64,
}

impl RoleRecord {
    /// As it is granted.
    pub fn granted(&self) -> GrantedRole {
        GrantedRole::Custom(CustomRole {
            id: self.id,
            name: self.name.clone(),
            permissions: self.definition.permissions(),
        })
    }
}

words!(CustomScope {
    Organization = "organization",
    Workspace = "workspace",
    Deployment = "deployment",
});

impl Column for PermissionSet {
    type Raw = Vec<u8>;
    fn from_raw(raw: Vec<u8>) -> Option<Self> {
        Some(Self::from_bytes(&raw))
    }
    fn to_raw(&self) -> Vec<u8> {
        self.to_bytes().to_vec()
    }
}

/// Roles that organizations made for themselves.
#[derive(Debug)]
pub struct Roles<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Roles<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: RoleId) -> Result<Option<RoleRecord>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// By name in an organization.
    pub async fn by_name(
        &mut self,
        organization: OrganizationId,
        name: &Slug,
    ) -> Result<Option<RoleRecord>, StoreError> {
        let values = bind![organization, name];
        let row = self.0.tx().first(BY_NAME, values).await?;
        row.as_ref().map(record).transpose()
    }

    /// Those of an organization, by age.
    pub async fn list(
        &mut self,
        organization: OrganizationId,
        page: Page<RoleId>,
    ) -> Result<Listing<RoleRecord, RoleId>, StoreError> {
        let after = page.after.unwrap_or(RoleId::from_bytes([0; 16]));
        let values = bind![organization, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST, values).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record| record.id))
    }
}

impl Roles<'_, Write> {
    /// Adds one.
    pub async fn insert(&mut self, new: &RoleRecord) -> Result<(), StoreError> {
        let RoleRecord {
            id,
            organization,
            name,
            description,
            definition,
            managed_by,
            ..
        } = new;
        let (permissions, workspaces) = (definition.permissions(), places(definition)?);
        let mut values = bind![id, organization, name, description, definition.scope()];
        values.extend(bind![permissions, workspaces, managed_by]);
        taken!(self.0.change(INSERT, values).await, Role).map(|_| ())
    }

    /// Stores a change of anything but its scope; [`StoreError::Conflict`] if it isn't the revision that
    /// was read. Planes are told of every grant of it anew.
    pub async fn update(&mut self, changed: &RoleRecord) -> Result<(), StoreError> {
        let RoleRecord {
            id,
            name,
            description,
            definition,
            revision,
            ..
        } = changed;
        let (permissions, workspaces) = (definition.permissions(), places(definition)?);
        let values = bind![name, description, permissions, workspaces, id, revision];
        taken!(self.0.change_one(UPDATE, values).await, Role)
    }

    /// Removes one that nobody has; [`StoreError::Reference`] while somebody does.
    pub async fn delete(&mut self, id: RoleId) -> Result<bool, StoreError> {
        Ok(self.0.change(DELETE, bind![id]).await? > 0)
    }
}

fn places(definition: &RoleDefinition) -> Result<String, StoreError> {
    json(definition.workspaces())
}

fn record(row: &Row) -> Result<RoleRecord, StoreError> {
    let mut fields = row.fields();
    let (id, organization) = (fields.take()?, fields.take()?);
    let (name, description) = (fields.take()?, fields.take()?);
    let (scope, permissions) = (fields.take()?, fields.take()?);
    let workspaces: BTreeSet<WorkspaceId> = from_json(&fields.take::<String>()?)?;
    let definition = RoleDefinition::new(scope, permissions, workspaces);
    let definition = definition.map_err(|fault| StoreError::Corrupt(format!("role {id}: {fault}")));
    Ok(RoleRecord {
        id,
        organization,
        name,
        description,
        definition: definition?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}
