//! Rollouts: which deployments take which path to their decision.

use aeolus_model::Slug;

use super::ManagedBy;
use crate::StoreError;
use crate::engine::{Row, bind, words};
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT name, stage, settings, managed_by, revision FROM rollouts WHERE name = $1";
    LIST = "SELECT name, stage, settings, managed_by, revision FROM rollouts ORDER BY name";
    INSERT = "INSERT INTO rollouts (name, stage, settings, managed_by, revision)
        VALUES ($1, $2, $3, $4, 1)";
    UPDATE = "UPDATE rollouts SET stage = $1, settings = $2, managed_by = $3,
        revision = revision + 1 WHERE name = $4 AND revision = $5";
    DELETE = "DELETE FROM rollouts WHERE name = $1";
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RolloutStage {
    /// Its settings say who gets the path.
    Running,
    /// All that it is about get it.
    Promoted,
    /// Nobody does.
    Aborted,
}

words!(RolloutStage { Running = "running", Promoted = "promoted", Aborted = "aborted" });

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Its name, unique.
    pub name: Slug,
    /// Where it stands.
    pub stage: RolloutStage,
    /// Its settings as JSON; the store doesn't look inside.
    pub settings: String,
    /// Who looks after it.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub revision: u64,
}

/// Rollouts.
#[derive(Debug)]
pub struct Rollouts<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Rollouts<'_, U> {
    /// By name.
    pub async fn get(&mut self, name: &Slug) -> Result<Option<Rollout>, StoreError> {
        let row = self.0.tx().first(GET, bind![name]).await?;
        row.as_ref().map(record).transpose()
    }

    /// All, by name: there are few.
    pub async fn list(&mut self) -> Result<Vec<Rollout>, StoreError> {
        let rows = self.0.tx().fetch(LIST, bind![]).await?;
        rows.iter().map(record).collect()
    }
}

impl Rollouts<'_, Write> {
    /// Adds one.
    pub async fn insert(&mut self, new: &Rollout) -> Result<(), StoreError> {
        let Rollout {
            name,
            stage,
            settings,
            managed_by,
            ..
        } = new;
        let values = bind![name, stage, settings, managed_by];
        taken!(self.0.change(INSERT, values).await, Rollout).map(|_| ())
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the revision that was read.
    pub async fn update(&mut self, changed: &Rollout) -> Result<(), StoreError> {
        let Rollout {
            name,
            stage,
            settings,
            managed_by,
            revision,
        } = changed;
        let values = bind![stage, settings, managed_by, name, revision];
        self.0.change_one(UPDATE, values).await
    }

    /// Removes one: what it was about obeys the next that fits, or decides on the plane.
    pub async fn delete(&mut self, name: &Slug) -> Result<bool, StoreError> {
        Ok(self.0.change(DELETE, bind![name]).await? > 0)
    }
}

fn record(row: &Row) -> Result<Rollout, StoreError> {
    let mut fields = row.fields();
    Ok(Rollout {
        name: fields.take()?,
        stage: fields.take()?,
        settings: fields.take()?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}
