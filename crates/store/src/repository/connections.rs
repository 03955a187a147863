//! Configured identity providers.

use aeolus_model::{ConnectionId, Slug};

use super::{ManagedBy, ScimGroups, group_teams};
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT id, name, kind, config, managed_by, revision FROM connections WHERE id = $1";
    BY_NAME = "SELECT id, name, kind, config, managed_by, revision FROM connections
        WHERE name = $1";
    LIST = "SELECT id, name, kind, config, managed_by, revision FROM connections ORDER BY id";
    INSERT = "INSERT INTO connections (id, name, kind, config, managed_by, revision)
        VALUES ($1, $2, $3, $4, $5, 1)";
    UPDATE = "UPDATE connections SET name = $1, kind = $2, config = $3, managed_by = $4,
        revision = revision + 1 WHERE id = $5 AND revision = $6";
    DELETE = "DELETE FROM connections WHERE id = $1";
}

/// A configured identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Its name, unique.
    pub name: Slug,
    /// `local`, `okta`, `microsoft`, and so on.
    pub kind: String,
    /// Its configuration as JSON, without secrets; the store doesn't look inside.
    pub config: String,
    /// Who looks after it.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub revision: u64,
}

/// Configured identity providers.
#[derive(Debug)]
pub struct Connections<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Connections<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// By name.
    pub async fn by_name(&mut self, name: &Slug) -> Result<Option<Connection>, StoreError> {
        let row = self.0.tx().first(BY_NAME, bind![name]).await?;
        row.as_ref().map(record).transpose()
    }

    /// All, by age: there are few.
    pub async fn list(&mut self) -> Result<Vec<Connection>, StoreError> {
        let rows = self.0.tx().fetch(LIST, bind![]).await?;
        rows.iter().map(record).collect()
    }
}

impl Connections<'_, Write> {
    /// Adds one.
    pub async fn insert(&mut self, new: &Connection) -> Result<(), StoreError> {
        let Connection {
            id,
            name,
            kind,
            config,
            managed_by,
            ..
        } = new;
        let values = bind![id, name, kind, config, managed_by];
        taken!(self.0.change(INSERT, values).await, Connection).map(|_| ())
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the revision that was read.
    pub async fn update(&mut self, changed: &Connection) -> Result<(), StoreError> {
        let Connection {
            id,
            name,
            kind,
            config,
            managed_by,
            revision,
        } = changed;
        let values = bind![name, kind, config, managed_by, id, revision];
        taken!(self.0.change_one(UPDATE, values).await, Connection)
    }

    /// Removes one, with the teams that stand for its groups, and those that its provisioning client made and nobody is
    /// in. Sessions that came through it are refused by gates from then on.
    pub async fn delete(&mut self, id: ConnectionId) -> Result<bool, StoreError> {
        group_teams::delete_of(self.0, id).await?;
        ScimGroups(self.0).unlink(id).await?;
        Ok(self.0.change(DELETE, bind![id]).await? > 0)
    }
}

fn record(row: &Row) -> Result<Connection, StoreError> {
    let mut fields = row.fields();
    Ok(Connection {
        id: fields.take()?,
        name: fields.take()?,
        kind: fields.take()?,
        config: fields.take()?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}
