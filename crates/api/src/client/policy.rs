//! An organization's own rules.

use http::Method;

use super::{Call, Client, ClientError, Wait, escape};
use crate::policy::{Policy, PolicyChanged, PolicyShown};

/// How a policy is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyChange {
    /// Not at all: only say what would end.
    Preview,
    /// At once.
    Now,
    /// At once, and say which planes obey.
    NowAndWait,
}

impl Client {
    /// Shows an organization's rules.
    pub async fn policy(&self, organization: &str) -> Result<PolicyShown, ClientError> {
        self.json(Call::get(&path(organization))).await
    }

    /// Gives an organization other rules, as a whole.
    pub async fn set_policy(
        &self,
        organization: &str,
        policy: &Policy,
        how: PolicyChange,
    ) -> Result<PolicyChanged, ClientError> {
        let query = match how {
            PolicyChange::Preview => "?dry_run=true",
            PolicyChange::Now => Wait::No.query(),
            PolicyChange::NowAndWait => Wait::Planes.query(),
        };
        let path = format!("{}{query}", path(organization));
        self.json(Call::json(Method::PUT, &path, policy)?).await
    }
}

fn path(organization: &str) -> String {
    format!("/v1/organizations/{}/policy", escape(organization))
}
