//! Rollouts of a document.

use aeolus_api::fleet::Fleet;
use aeolus_api::tenancy::ChangeOp;
use aeolus_store::{ManagedBy, Rollout, RolloutStage, Unit as _};

use super::Run;
use crate::error::ApiError;
use crate::rollout;

impl Run<'_> {
    /// Other settings set a rollout running, but not one that was aborted: that takes a person.
    pub(super) async fn rollouts(&mut self, fleet: &Fleet) -> Result<(), ApiError> {
        for wanted in &fleet.rollouts {
            let name = wanted.name.as_str();
            let settings = rollout::text(wanted)?;
            match self.write.rollouts().get(&wanted.name).await? {
                None => {
                    let record = Rollout {
                        name: wanted.name.clone(),
                        stage: RolloutStage::Running,
                        settings,
                        managed_by: ManagedBy::Apply,
                        revision: 0,
                    };
                    self.write.rollouts().insert(&record).await?;
                    self.note(ChangeOp::Create, "rollout", name, "");
                }
                Some(found) if rollout::settings(&found)? != *wanted => {
                    let stage = match found.stage {
                        RolloutStage::Aborted => {
                            let text = format!(
                                "rollout {name} stays aborted: `aeolus rollout set {name}` sets it running"
                            );
                            self.warnings.push(text);
                            RolloutStage::Aborted
                        }
                        RolloutStage::Running | RolloutStage::Promoted => RolloutStage::Running,
                    };
                    let record = Rollout {
                        stage,
                        settings,
                        ..found
                    };
                    self.write.rollouts().update(&record).await?;
                    self.note(ChangeOp::Update, "rollout", name, "");
                }
                Some(_) => {}
            }
        }
        for held in self.write.rollouts().list().await? {
            let mentioned = fleet.rollouts.iter().any(|w| w.name == held.name);
            if !mentioned && self.dispose(held.managed_by, "rollout", held.name.as_str()) {
                self.write.rollouts().delete(&held.name).await?;
            }
        }
        Ok(())
    }
}
