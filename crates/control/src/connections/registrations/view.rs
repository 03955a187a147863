//! A registration as the API shows it.

use aeolus_api::connection::{RegisteredPlane, RegistrationOrigin};
use aeolus_api::fleet::{PlaneRegistration, TokenEndpointAuthMethod};
use aeolus_model::{Slug, Time};
use aeolus_store::{Connection, Plane, ProviderKeys, StoreError, Unit};

use super::Found;
use crate::connections::Settings;
use crate::connections::terms::Believed;
use crate::planes::{jwks_uri, redirect_uri};

/// What it takes to say whether a registration is of use.
pub(super) struct Surroundings {
    connections: Vec<Connection>,
    held: Vec<ProviderKeys>,
    planes: Vec<Plane>,
    now: Time,
}

impl Surroundings {
    pub(super) async fn read(unit: &mut impl Unit, now: Time) -> Result<Self, StoreError> {
        Ok(Self {
            connections: unit.connections().list().await?,
            held: unit.provider_keys().list().await?,
            planes: unit.planes().list().await?,
            now,
        })
    }

    pub(super) fn view(&self, of: &Found, registration: &PlaneRegistration) -> RegisteredPlane {
        let mut planes = self.planes.iter();
        let plane = planes.find(|plane| plane.name == registration.plane);
        let auth_host = plane.and_then(|plane| plane.auth_host.as_ref());
        let method = registration.token_endpoint_auth_method;
        let signs = method == TokenEndpointAuthMethod::PrivateKeyJwt;
        let mut declared = of.settings.plane_registrations.iter();
        RegisteredPlane {
            plane: registration.plane.clone(),
            client_id: registration.client_id.clone(),
            token_endpoint_auth_method: method,
            origin: if declared.any(|each| each.plane == registration.plane) {
                RegistrationOrigin::Document
            } else {
                RegistrationOrigin::Api
            },
            redirect_uri: auth_host.map(redirect_uri),
            jwks_uri: auth_host
                .filter(|_| signs)
                .map(|host| jwks_uri(host, &of.row.name)),
            problem: if auth_host.is_none() {
                Some("the plane has no authHost, to which the provider could send people back")
            } else {
                self.problem(&of.row, &registration.plane)
            }
            .map(str::to_owned),
        }
    }

    /// What keeps a plane's gates from signing people in there.
    fn problem(&self, connection: &Connection, plane: &Slug) -> Option<&'static str> {
        let Some(believed) = Believed::of(connection, &self.held, self.now) else {
            return Some(
                "control has no fresh answer of the provider, so the plane is not told of it",
            );
        };
        let Some(endpoints) = believed.endpoints() else {
            return Some(
                "the provider does not say where people sign in, or where codes are exchanged",
            );
        };
        let alone = endpoints.names_itself || !self.is_elsewhere(connection, plane);
        (!alone).then_some(
            "the plane has clients at other providers, too, and this one does not name itself in its answers (RFC 9207): gates leave it out",
        )
    }

    /// Whether a plane has a client at another provider that it is told of.
    fn is_elsewhere(&self, connection: &Connection, plane: &Slug) -> bool {
        let others = self
            .connections
            .iter()
            .filter(|other| other.id != connection.id);
        let registered = |other: &&Connection| {
            Settings::of(other).is_some_and(|settings| settings.registration(plane).is_some())
        };
        let told = |other: &Connection| {
            let believed = Believed::of(other, &self.held, self.now);
            believed.is_some_and(|believed| believed.endpoints().is_some())
        };
        others.filter(registered).any(told)
    }
}
