//! Rollouts: which deployments take which path to their decision, moved by people.
//!
//! The stage lies beside the settings, so that a document that is applied again undoes neither a
//! promotion nor an abort.

mod delete;
mod get;
mod list;
mod set;
mod stage;
mod view;

use aeolus_api::fleet;
use aeolus_model::{RolloutPath, Slug};
use aeolus_snapshot::section;
use aeolus_store::{Rollout, RolloutStage, StoreError, Unit};

use crate::error::ApiError;

pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use set::set;
pub(crate) use stage::{abort, promote};

/// The settings of a record.
pub(crate) fn settings(record: &Rollout) -> Result<fleet::Rollout, StoreError> {
    serde_json::from_str(&record.settings)
        .map_err(|_| StoreError::Corrupt("a rollout's settings are unreadable".to_owned()))
}

/// Settings as a record keeps them.
pub(crate) fn text(settings: &fleet::Rollout) -> Result<String, ApiError> {
    serde_json::to_string(settings).map_err(ApiError::internal)
}

/// The flags that are about a plane, each as its stage has it.
pub(crate) async fn of_plane(
    unit: &mut impl Unit,
    plane: &Slug,
) -> Result<Vec<section::Rollout>, StoreError> {
    let mut flags = Vec::new();
    for record in unit.rollouts().list().await? {
        let settings = settings(&record)?;
        let planes = &settings.rule.planes;
        if planes.is_empty() || planes.contains(plane) {
            flags.push(flag(&settings, record.stage));
        }
    }
    Ok(flags)
}

fn flag(settings: &fleet::Rollout, stage: RolloutStage) -> section::Rollout {
    let (percent, list) = match stage {
        RolloutStage::Running => (settings.percent, settings.deployments.as_slice()),
        RolloutStage::Promoted => (100, [].as_slice()),
        RolloutStage::Aborted => (0, [].as_slice()),
    };
    let path = match settings.path {
        RolloutPath::Plane => section::RolloutPath::Plane,
        RolloutPath::Central => section::RolloutPath::Central,
    };
    let millis = |time: std::time::Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    let fall_back = settings.fall_back.map(|written| {
        let filled = written.filled();
        section::FallBack {
            bad_percent: filled.bad_percent.into(),
            slow_millis: millis(filled.slow),
            requests: filled.requests,
            hold: u32::try_from(filled.hold.as_secs()).unwrap_or(u32::MAX),
        }
    });
    section::Rollout {
        name: settings.name.to_string(),
        path: path.into(),
        percent: percent.into(),
        deployments: list.iter().map(ToString::to_string).collect(),
        within: settings
            .rule
            .within
            .iter()
            .map(ToString::to_string)
            .collect(),
        shadow_percent: settings.shadowed().into(),
        fall_back,
    }
}
