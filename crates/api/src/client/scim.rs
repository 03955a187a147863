//! Provisioning: credentials and the log of requests.

use http::Method;

use super::{Call, Client, ClientError, escape};
use crate::scim::{
    ScimCredential, ScimCredentialCreate, ScimCredentialCreated, ScimCredentialRotate,
    ScimEventsStatus, ScimRequest,
};
use crate::scim_templates::TemplatesApplied;
use crate::{Deleted, Page};

impl Client {
    /// The credentials with which a connection (id or name) is provisioned.
    pub async fn scim_credentials(
        &self,
        connection: &str,
    ) -> Result<Page<ScimCredential>, ClientError> {
        self.json(Call::get(&all(connection))).await
    }

    /// Makes one. Its secret is in this answer and nowhere else.
    pub async fn create_scim_credential(
        &self,
        connection: &str,
        wanted: &ScimCredentialCreate,
    ) -> Result<ScimCredentialCreated, ClientError> {
        let path = all(connection);
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }

    /// Gives one (id or name) a new secret, which is in this answer and nowhere else.
    pub async fn rotate_scim_credential(
        &self,
        (connection, credential): (&str, &str),
        wanted: &ScimCredentialRotate,
    ) -> Result<ScimCredentialCreated, ClientError> {
        let path = format!("{}/{}/rotate", all(connection), escape(credential));
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }

    /// Ends one (id or name) at once.
    pub async fn delete_scim_credential(
        &self,
        connection: &str,
        credential: &str,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}/{}", all(connection), escape(credential));
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Gives the Teams of a connection's groups what its templates say; `dry_run` only says what it would be.
    pub async fn apply_scim_templates(
        &self,
        connection: &str,
        dry_run: bool,
    ) -> Result<TemplatesApplied, ClientError> {
        let query = if dry_run { "?dry_run=true" } else { "" };
        let path = format!(
            "/v1/connections/{}/scim/templates:apply{query}",
            escape(connection)
        );
        self.json(Call::new(Method::POST, &path)).await
    }

    /// How telling a connection's receiver goes.
    pub async fn scim_events(&self, connection: &str) -> Result<ScimEventsStatus, ClientError> {
        let path = format!("/v1/connections/{}/scim/events", escape(connection));
        self.json(Call::get(&path)).await
    }

    /// The last requests of a connection's provider, the newest first; after one, those that came later, the oldest
    /// first.
    pub async fn scim_requests(
        &self,
        connection: &str,
        (after, limit): (Option<&str>, u32),
    ) -> Result<Page<ScimRequest>, ClientError> {
        let after = after.map_or_else(String::new, |id| format!("&after={}", escape(id)));
        let path = format!(
            "/v1/connections/{}/scim/requests?limit={limit}{after}",
            escape(connection)
        );
        self.json(Call::get(&path)).await
    }
}

fn all(connection: &str) -> String {
    format!("/v1/connections/{}/scim/credentials", escape(connection))
}
