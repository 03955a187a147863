//! Planes with a client of their own at a connection's provider.

use http::Method;

use super::{Call, Client, ClientError, Wait, escape};
use crate::connection::{PlaneRegister, PlaneRegistered, RegisteredPlane};
use crate::{Deleted, Page};

impl Client {
    /// The planes that have one at a connection (id or name).
    pub async fn registered_planes(
        &self,
        connection: &str,
    ) -> Result<Page<RegisteredPlane>, ClientError> {
        self.json(Call::get(&path(connection))).await
    }

    /// Gives a plane (id or name) one there, or another one.
    pub async fn register_plane(
        &self,
        (connection, plane): (&str, &str),
        client: &PlaneRegister,
        wait: Wait,
    ) -> Result<PlaneRegistered, ClientError> {
        let path = format!("{}{}", one(connection, plane), wait.query());
        self.json(Call::json(Method::PUT, &path, client)?).await
    }

    /// Takes a plane's client there away.
    pub async fn unregister_plane(
        &self,
        (connection, plane): (&str, &str),
        wait: Wait,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}{}", one(connection, plane), wait.query());
        self.json(Call::new(Method::DELETE, &path)).await
    }
}

fn path(connection: &str) -> String {
    format!("/v1/connections/{}/planes", escape(connection))
}

fn one(connection: &str, plane: &str) -> String {
    format!("{}/{}", path(connection), escape(plane))
}
