//! Planes and connections of a document.

use aeolus_api::fleet::ApplyRequest;
use aeolus_api::tenancy::ChangeOp;
use aeolus_keys::Kind;
use aeolus_model::{ConnectionId, KeyId, Permission, PlaneId};
use aeolus_store::{Connection, ManagedBy, Plane, PlaneStage, Unit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Run;
use crate::connections::Settings;
use crate::error::ApiError;

impl Run<'_> {
    pub(super) async fn planes(&mut self, body: &ApplyRequest) -> Result<(), ApiError> {
        for wanted in &body.fleet.planes {
            match self.write.planes().by_name(&wanted.name).await? {
                None => {
                    self.require(Permission::SystemPlanesUpdate)?;
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
                    self.require(Permission::SystemPlanesUpdate)?;
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
            let secret = self.sealed(id, body.client_secret(index), held.client_secret.clone())?;
            let settings = Settings {
                client_id: wanted.client_id.clone(),
                discovery_url: wanted.discovery_url.clone(),
                client_secret: secret,
                session_tokens: wanted.session_tokens.clone(),
                plane_registrations: wanted.plane_registrations.clone(),
                second_factor_acr: wanted.second_factor_acr.clone(),
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
                    self.require(Permission::SystemConnectionsUpdate)?;
                    self.write.connections().insert(&connection).await?;
                    self.note(ChangeOp::Create, "connection", wanted.name.as_str(), "");
                }
                Some(found) if held != settings || found.kind != connection.kind => {
                    self.require(Permission::SystemConnectionsUpdate)?;
                    self.write.connections().update(&connection).await?;
                    self.note(ChangeOp::Update, "connection", wanted.name.as_str(), "");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The sealed client secret: the held one if it is the same secret, so that an apply that
    /// changes nothing changes nothing.
    fn sealed(
        &self,
        id: ConnectionId,
        secret: Option<&str>,
        held: Option<String>,
    ) -> Result<Option<String>, ApiError> {
        let Some(secret) = secret else {
            return Ok(held);
        };
        let (master, record) = (&self.ctx.app.master, KeyId::from_bytes(*id.as_bytes()));
        if let Some(held) = held {
            let bytes = STANDARD.decode(&held).map_err(ApiError::internal)?;
            let opened = master.open(record, Kind::Federated, &bytes);
            if opened.map_err(ApiError::internal)?.expose().as_slice() == secret.as_bytes() {
                return Ok(Some(held));
            }
        }
        let sealed = master.seal(
            record,
            Kind::Federated,
            secret.as_bytes(),
            &*self.ctx.app.rng,
        );
        Ok(Some(STANDARD.encode(sealed.map_err(ApiError::internal)?)))
    }
}
