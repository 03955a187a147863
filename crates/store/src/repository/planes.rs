//! Planes and how far they are enrolled.

use aeolus_model::{Host, PlaneId, Slug, Time};

use super::ManagedBy;
use crate::StoreError;
use crate::engine::{Fields, Row, Value, bind};
use crate::unit::{Unit, Write};

/// The columns of a plane.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, auth_host, stage, join_digest, expires_at, identity, stage_at,
            managed_by, revision FROM planes ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    BY_NAME = select!("WHERE name = $1");
    LIST = select!("ORDER BY id");
    HOSTING = select!("WHERE id IN (SELECT plane FROM deployments WHERE organization = $1)
        ORDER BY id");
    INSERT = "INSERT INTO planes (id, name, auth_host, stage, join_digest, expires_at, identity,
        stage_at, managed_by, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)";
    UPDATE = "UPDATE planes SET name = $1, auth_host = $2, stage = $3, join_digest = $4,
        expires_at = $5, identity = $6, stage_at = $7, managed_by = $8, revision = revision + 1
        WHERE id = $9 AND revision = $10";
    DELETE = "DELETE FROM planes WHERE id = $1";
}

/// How far a plane is enrolled; each stage has exactly what exists in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaneStage {
    /// A fleet document names it; nobody asked for a join token yet.
    Declared,
    /// A join token is out.
    Pending {
        /// What control keeps of the join secret: a key derived from it or the sealed secret,
        /// never its text.
        join: Vec<u8>,
        /// The token's end.
        expires_at: Time,
    },
    /// Its gates prove themselves with this key.
    Enrolled {
        /// The identity's public key as a JSON Web Key.
        identity: String,
        /// Since when.
        at: Time,
    },
    /// Its identity is no longer believed.
    Quarantined {
        /// The identity that was.
        identity: Option<String>,
        /// Since when.
        at: Time,
    },
}

/// A data plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Its id.
    pub id: PlaneId,
    /// Its name, unique.
    pub name: Slug,
    /// Where people sign in while control is away.
    pub auth_host: Option<Host>,
    /// How far it is.
    pub stage: PlaneStage,
    /// Who looks after it.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw, which is also what makes a
    /// join token good for one enrolment only. Ignored by `insert`.
    pub revision: u64,
}

/// Planes.
#[derive(Debug)]
pub struct Planes<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Planes<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: PlaneId) -> Result<Option<Plane>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// By name.
    pub async fn by_name(&mut self, name: &Slug) -> Result<Option<Plane>, StoreError> {
        let row = self.0.tx().first(BY_NAME, bind![name]).await?;
        row.as_ref().map(record).transpose()
    }

    /// All, by age.
    pub async fn list(&mut self) -> Result<Vec<Plane>, StoreError> {
        let rows = self.0.tx().fetch(LIST, bind![]).await?;
        rows.iter().map(record).collect()
    }

    /// Those on which an organization has a deployment.
    pub async fn hosting(
        &mut self,
        organization: aeolus_model::OrganizationId,
    ) -> Result<Vec<Plane>, StoreError> {
        let rows = self.0.tx().fetch(HOSTING, bind![organization]).await?;
        rows.iter().map(record).collect()
    }
}

impl Planes<'_, Write> {
    /// Adds one.
    pub async fn insert(&mut self, new: &Plane) -> Result<(), StoreError> {
        let mut values = bind![new.id, new.name, new.auth_host];
        values.extend(stage_columns(&new.stage));
        values.extend(bind![new.managed_by]);
        taken!(self.0.change(INSERT, values).await, Plane).map(|_| ())
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the revision that was read.
    pub async fn update(&mut self, changed: &Plane) -> Result<(), StoreError> {
        let mut values = bind![changed.name, changed.auth_host];
        values.extend(stage_columns(&changed.stage));
        values.extend(bind![changed.managed_by, changed.id, changed.revision]);
        taken!(self.0.change_one(UPDATE, values).await, Plane)
    }

    /// Removes one; [`StoreError::Reference`] while deployments live on it.
    pub async fn delete(&mut self, id: PlaneId) -> Result<bool, StoreError> {
        Ok(self.0.change(DELETE, bind![id]).await? > 0)
    }
}

/// `stage, join_digest, expires_at, identity, stage_at`.
fn stage_columns(stage: &PlaneStage) -> Vec<Value> {
    let none = (None::<Vec<u8>>, None::<Time>, None::<String>, None::<Time>);
    let (name, (join, expires_at, identity, at)) = match stage.clone() {
        PlaneStage::Declared => ("declared", none),
        PlaneStage::Pending { join, expires_at } => {
            ("pending", (Some(join), Some(expires_at), None, None))
        }
        PlaneStage::Enrolled { identity, at } => {
            ("enrolled", (None, None, Some(identity), Some(at)))
        }
        PlaneStage::Quarantined { identity, at } => {
            ("quarantined", (None, None, identity, Some(at)))
        }
    };
    bind![name, join, expires_at, identity, at]
}

fn stage(fields: &mut Fields<'_>) -> Result<PlaneStage, StoreError> {
    let name: String = fields.take()?;
    let join = fields.maybe()?;
    let expires_at = fields.maybe()?;
    let identity = fields.maybe()?;
    let at = fields.maybe()?;
    Ok(match (name.as_str(), join, expires_at, identity, at) {
        ("declared", None, None, None, None) => PlaneStage::Declared,
        ("pending", Some(join), Some(expires_at), None, None) => {
            PlaneStage::Pending { join, expires_at }
        }
        ("enrolled", None, None, Some(identity), Some(at)) => PlaneStage::Enrolled { identity, at },
        ("quarantined", None, None, identity, Some(at)) => PlaneStage::Quarantined { identity, at },
        _ => return Err(StoreError::Corrupt("a plane's stage".to_owned())),
    })
}

fn record(row: &Row) -> Result<Plane, StoreError> {
    let mut fields = row.fields();
    Ok(Plane {
        id: fields.take()?,
        name: fields.take()?,
        auth_host: fields.maybe()?,
        stage: stage(&mut fields)?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}
