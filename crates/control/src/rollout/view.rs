//! A rollout as the API shows it.

use std::collections::BTreeMap;

use aeolus_api::plane::Status;
use aeolus_api::rollout::{Changed, Figures, Rollout, Stage};
use aeolus_model::Slug;
use aeolus_store::{RolloutStage, StoreError, Unit};

use crate::app::App;
use crate::error::ApiError;
use crate::planes::{SILENT, Wait, heard};
use crate::seen::Tag;

/// What gates that were heard of lately report of each rollout.
pub(super) async fn figures(
    app: &App,
    unit: &mut impl Unit,
) -> Result<BTreeMap<Slug, Figures>, StoreError> {
    let since = app.clock.now().minus(SILENT);
    let mut sums: BTreeMap<Slug, Figures> = BTreeMap::new();
    for plane in unit.planes().list().await? {
        for replica in unit.replicas().on_plane(plane.id).await? {
            // A report of another version that can't be read has nothing to show.
            let status: Option<Status> = serde_json::from_str(&replica.status).ok();
            let Some(status) = status.filter(|_| replica.reported_at >= since) else {
                continue;
            };
            for report in status.rollouts {
                sums.entry(report.name).or_default().add(&report.figures);
            }
        }
    }
    sums.values_mut().for_each(Figures::measure);
    Ok(sums)
}

pub(super) fn view(
    record: &aeolus_store::Rollout,
    sums: &mut BTreeMap<Slug, Figures>,
) -> Result<Rollout, StoreError> {
    Ok(Rollout {
        settings: super::settings(record)?,
        stage: match record.stage {
            RolloutStage::Running => Stage::Running,
            RolloutStage::Promoted => Stage::Promoted,
            RolloutStage::Aborted => Stage::Aborted,
        },
        figures: sums.remove(&record.name).unwrap_or_default(),
    })
}

/// Stands for what somebody would change of it: not for what gates count.
pub(super) fn tag(record: &aeolus_store::Rollout) -> Result<Tag, ApiError> {
    let stage = format!("{:?}", record.stage);
    Tag::of(&(record.revision, stage, &record.settings))
}

/// The answer to a change that is committed at `seq`.
pub(super) async fn changed(
    app: &App,
    record: &aeolus_store::Rollout,
    (seq, wait): (u64, bool),
) -> Result<axum::Json<Changed>, ApiError> {
    let planes = heard(app, wait.then_some(Wait::any(None)), seq).await?;
    let mut unit = app.store.read().await?;
    let mut sums = figures(app, &mut unit).await?;
    let rollout = view(record, &mut sums)?;
    Ok(axum::Json(Changed {
        rollout,
        seq,
        planes,
    }))
}
