//! Planes of a document.

use aeolus_api::fleet::ApplyRequest;
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::PlaneId;
use aeolus_store::{ManagedBy, Plane, PlaneStage, Unit as _};

use super::Run;
use crate::error::ApiError;

impl Run<'_> {
    pub(super) async fn planes(&mut self, body: &ApplyRequest) -> Result<(), ApiError> {
        for wanted in &body.fleet.planes {
            match self.write.planes().by_name(&wanted.name).await? {
                None => {
                    let plane = Plane {
                        id: PlaneId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
                        name: wanted.name.clone(),
                        auth_host: wanted.auth_host.clone(),
                        stage: PlaneStage::Declared,
                        managed_by: ManagedBy::Apply,
                        revision: 0,
                    };
                    self.write.planes().insert(&plane).await?;
                    self.note(ChangeOp::Create, "plane", wanted.name.as_str(), "");
                }
                Some(plane) if plane.auth_host != wanted.auth_host => {
                    let auth_host = wanted.auth_host.clone();
                    let changed = Plane { auth_host, ..plane };
                    self.write.planes().update(&changed).await?;
                    self.note(ChangeOp::Update, "plane", wanted.name.as_str(), "authHost");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
