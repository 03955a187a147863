//! Planes and connections of a document.

use aeolus_api::fleet::ApplyRequest;
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{ConnectionId, PlaneId};
use aeolus_store::{Connection, ManagedBy, Plane, PlaneStage, Unit as _};

use super::Run;
use crate::connections::{Settings, secret};
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

    pub(super) async fn connections(&mut self, body: &ApplyRequest) -> Result<(), ApiError> {
        for (index, wanted) in body.fleet.connections.iter().enumerate() {
            let found = self.write.connections().by_name(&wanted.name).await?;
            let id = found.as_ref().map_or_else(
                || ConnectionId::new(&*self.ctx.app.clock, &*self.ctx.app.rng),
                |connection| connection.id,
            );
            let held = found
                .as_ref()
                .map(|connection| Settings::parse(&connection.config));
            let held = held.transpose().map_err(ApiError::internal)?;
            let held = held.unwrap_or_default();
            let secret = match body.client_secret(index) {
                Some(given) => {
                    let with = (&self.ctx.app.master, &*self.ctx.app.rng);
                    let sealed =
                        secret::seal_unless_held(with, id, given, held.client_secret.clone());
                    Some(sealed.map_err(ApiError::internal)?)
                }
                None => held.client_secret.clone(),
            };
            let settings = Settings {
                sign_in: aeolus_oidc::Settings {
                    client_id: wanted.client_id.clone(),
                    discovery_url: wanted.discovery_url.clone(),
                    ..aeolus_oidc::Settings::default()
                },
                client_secret: secret,
                session_tokens: wanted.session_tokens.clone(),
                plane_registrations: wanted.plane_registrations.clone(),
                second_factor_acr: wanted.second_factor_acr.clone(),
                absent: false,
            };
            let connection = Connection {
                id,
                name: wanted.name.clone(),
                kind: wanted.kind.name().to_owned(),
                config: serde_json::to_string(&settings).map_err(ApiError::internal)?,
                managed_by: found
                    .as_ref()
                    .map_or(ManagedBy::Apply, |found| found.managed_by),
                revision: found.as_ref().map_or(0, |found| found.revision),
            };
            match found {
                None => {
                    self.write.connections().insert(&connection).await?;
                    self.note(ChangeOp::Create, "connection", wanted.name.as_str(), "");
                }
                Some(found) if held != settings || found.kind != connection.kind => {
                    self.write.connections().update(&connection).await?;
                    self.note(ChangeOp::Update, "connection", wanted.name.as_str(), "");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
