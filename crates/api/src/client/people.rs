//! Invitations, whether people may sign in, and links to a new password.

use aeolus_model::InvitationId;
use http::Method;

use super::{Call, Client, ClientError, Wait, escape};
use crate::invitation::{Invitation, InvitationCreate, InvitationCreated};
use crate::person::{PasswordResetCreated, UserAbled};
use crate::{Deleted, Page};

impl Client {
    /// Lists an organization's invitations, oldest first.
    pub async fn invitations(
        &self,
        organization: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Invitation>, ClientError> {
        let cursor = cursor.map_or_else(String::new, |c| format!("&cursor={}", escape(c)));
        let path = format!("{}?limit=200{cursor}", all(organization));
        self.json(Call::get(&path)).await
    }

    /// Invites somebody.
    pub async fn invite(
        &self,
        organization: &str,
        invitation: &InvitationCreate,
    ) -> Result<InvitationCreated, ClientError> {
        let path = all(organization);
        self.json(Call::json(Method::POST, &path, invitation)?)
            .await
    }

    /// Takes an invitation back.
    pub async fn revoke_invitation(
        &self,
        organization: &str,
        id: InvitationId,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}/{id}", all(organization));
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Keeps somebody (by id or address) from signing in, and ends everything they had signed in to; or lets
    /// them sign in again.
    pub async fn set_disabled(
        &self,
        user: &str,
        disabled: bool,
        wait: Wait,
    ) -> Result<UserAbled, ClientError> {
        let deed = if disabled { "disable" } else { "enable" };
        let wait = if disabled { wait } else { Wait::No };
        let path = format!("/v1/users/{}/{deed}{}", escape(user), wait.query());
        self.json(Call::new(Method::POST, &path)).await
    }

    /// Makes a link by which somebody (by id or address) sets a new password.
    pub async fn reset_password(&self, user: &str) -> Result<PasswordResetCreated, ClientError> {
        let path = format!("/v1/users/{}/password-reset", escape(user));
        self.json(Call::new(Method::POST, &path)).await
    }
}

fn all(organization: &str) -> String {
    format!("/v1/organizations/{}/invitations", escape(organization))
}
