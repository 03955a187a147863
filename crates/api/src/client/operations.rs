//! What people and programs ask.

use http::Method;
use serde::Serialize;

use super::{Call, Client, ClientError, escape};
use crate::connection::Connection;
use crate::email::{EmailTest, EmailTested};
use crate::fleet;
use crate::oauth::{DeviceAnswer, Metadata, TokenAnswer};
use crate::plane::{Plane, PlaneChanged, PlaneCreate, PlaneCreated};
use crate::rollout::{Changed, Rollout};
use crate::tenancy::{ApplyAnswer, Deployment, Me, Organization, User, Workspace};
use crate::{Deleted, Page};

/// Whether an answer waits (at most 2 s) until planes have applied the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Answer as soon as it is stored.
    No,
    /// Wait, and say who has applied it.
    Planes,
}

impl Wait {
    pub(super) const fn query(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Planes => "?wait=planes",
        }
    }

    /// As a parameter beside others.
    pub(super) const fn pair(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::No => &[],
            Self::Planes => &[("wait", "planes")],
        }
    }
}

impl Client {
    /// The provider's metadata (RFC 8414).
    pub async fn metadata(&self) -> Result<Metadata, ClientError> {
        self.json(Call::get("/.well-known/oauth-authorization-server"))
            .await
    }

    /// Whether control is ready to serve.
    pub async fn ready(&self) -> Result<(), ClientError> {
        self.bytes(Call::get("/readyz")).await.map(|_| ())
    }

    /// Asks the token endpoint: `form` holds the parameters of the grant type (RFC 6749 §4.1.3, …).
    pub async fn exchange(&self, form: &[(&str, &str)]) -> Result<TokenAnswer, ClientError> {
        self.json(Call::form("/oauth2/token", form)).await
    }

    /// Asks for a machine to be signed in: `form` holds the parameters of RFC 8628 §3.1.
    pub async fn device_authorization(
        &self,
        form: &[(&str, &str)],
    ) -> Result<DeviceAnswer, ClientError> {
        self.json(Call::form("/oauth2/device_authorization", form))
            .await
    }

    /// Ends the session behind a token (RFC 7009).
    pub async fn revoke(&self, token: &str, client_id: &str) -> Result<(), ClientError> {
        let form = [("token", token), ("client_id", client_id)];
        let call = Call::form("/oauth2/revoke", &form);
        self.bytes(call).await.map(|_| ())
    }

    /// Who the bearer is.
    pub async fn me(&self) -> Result<Me, ClientError> {
        self.json(Call::get("/v1/me")).await
    }

    /// Applies a fleet document.
    pub async fn apply(
        &self,
        fleet: &impl Serialize,
        dry_run: bool,
        prune: bool,
    ) -> Result<ApplyAnswer, ClientError> {
        let path = format!("/v1/apply?dry_run={dry_run}&prune={prune}");
        let mut call = Call::json(Method::POST, &path, fleet)?;
        call.extra_wait = std::time::Duration::from_secs(50);
        self.json(call).await
    }

    /// Organizations the bearer may see.
    pub async fn organizations(
        &self,
        cursor: Option<&str>,
    ) -> Result<Page<Organization>, ClientError> {
        self.json(Call::get(&paged("/v1/organizations", cursor)))
            .await
    }

    /// One organization (id or name).
    pub async fn organization(&self, organization: &str) -> Result<Organization, ClientError> {
        let path = format!("/v1/organizations/{}", escape(organization));
        self.json(Call::get(&path)).await
    }

    /// Workspaces of an organization (id or name).
    pub async fn workspaces(
        &self,
        organization: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Workspace>, ClientError> {
        self.json(Call::get(&within(organization, "workspaces", cursor)))
            .await
    }

    /// Deployments of an organization (id or name).
    pub async fn deployments(
        &self,
        organization: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Deployment>, ClientError> {
        self.json(Call::get(&within(organization, "deployments", cursor)))
            .await
    }

    /// People of an organization (id or name).
    pub async fn users(
        &self,
        organization: &str,
        cursor: Option<&str>,
    ) -> Result<Page<User>, ClientError> {
        self.json(Call::get(&within(organization, "users", cursor)))
            .await
    }

    /// Adds a plane. The join token is in this answer and nowhere else.
    pub async fn create_plane(&self, plane: &PlaneCreate) -> Result<PlaneCreated, ClientError> {
        self.json(Call::json(Method::POST, "/v1/planes", plane)?)
            .await
    }

    /// Believes a plane's identity no more.
    pub async fn quarantine_plane(&self, plane: &str) -> Result<PlaneChanged, ClientError> {
        self.json(Call::new(Method::POST, &one_plane(plane, "/quarantine")))
            .await
    }

    /// Believes it again.
    pub async fn release_plane(&self, plane: &str) -> Result<PlaneChanged, ClientError> {
        self.json(Call::new(Method::POST, &one_plane(plane, "/release")))
            .await
    }

    /// Lists connections to identity providers.
    pub async fn connections(&self, cursor: Option<&str>) -> Result<Page<Connection>, ClientError> {
        self.json(Call::get(&paged("/v1/connections", cursor)))
            .await
    }

    /// Sends a message at once, to try out what is configured.
    pub async fn test_email(&self, test: &EmailTest) -> Result<EmailTested, ClientError> {
        let mut call = Call::json(Method::POST, "/v1/email:test", test)?;
        call.extra_wait = std::time::Duration::from_secs(35);
        self.json(call).await
    }

    /// Lists planes.
    pub async fn planes(&self, cursor: Option<&str>) -> Result<Page<Plane>, ClientError> {
        self.json(Call::get(&paged("/v1/planes", cursor))).await
    }

    /// One plane, by id or name.
    pub async fn plane(&self, plane: &str) -> Result<Plane, ClientError> {
        self.json(Call::get(&one_plane(plane, ""))).await
    }

    /// All rollouts.
    pub async fn rollouts(&self) -> Result<Page<Rollout>, ClientError> {
        self.json(Call::get("/v1/rollouts")).await
    }

    /// One rollout.
    pub async fn rollout(&self, name: &str) -> Result<Rollout, ClientError> {
        let path = format!("/v1/rollouts/{}", escape(name));
        self.json(Call::get(&path)).await
    }

    /// Adds a rollout, or gives one these settings and sets it running.
    pub async fn set_rollout(
        &self,
        settings: &fleet::Rollout,
        wait: Wait,
    ) -> Result<Changed, ClientError> {
        let name = escape(settings.name.as_str());
        let path = format!("/v1/rollouts/{name}{}", wait.query());
        self.json(Call::json(Method::PUT, &path, settings)?).await
    }

    /// Moves a rollout on: `promote` or `abort`.
    pub async fn move_rollout(
        &self,
        name: &str,
        what: &str,
        wait: Wait,
    ) -> Result<Changed, ClientError> {
        let path = format!("/v1/rollouts/{}/{what}{}", escape(name), wait.query());
        self.json(Call::new(Method::POST, &path)).await
    }

    /// Removes a rollout.
    pub async fn delete_rollout(&self, name: &str) -> Result<Deleted, ClientError> {
        let path = format!("/v1/rollouts/{}", escape(name));
        self.json(Call::new(Method::DELETE, &path)).await
    }
}

fn paged(path: &str, cursor: Option<&str>) -> String {
    match cursor {
        Some(cursor) => format!("{path}?cursor={}", escape(cursor)),
        None => path.to_owned(),
    }
}

fn one_plane(plane: &str, deed: &str) -> String {
    format!("/v1/planes/{}{deed}", escape(plane))
}

fn within(organization: &str, list: &str, cursor: Option<&str>) -> String {
    let path = format!("/v1/organizations/{}/{list}", escape(organization));
    paged(&path, cursor)
}
