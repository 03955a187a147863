//! What an organization may use.

use http::Method;

use super::{Call, Client, ClientError, escape};
use crate::quota::{Quota, QuotaShown};

impl Client {
    /// Shows an organization's quota.
    pub async fn quota(&self, organization: &str) -> Result<QuotaShown, ClientError> {
        self.json(Call::get(&path(organization))).await
    }

    /// Gives an organization another quota, as a whole.
    pub async fn set_quota(
        &self,
        organization: &str,
        quota: &Quota,
    ) -> Result<QuotaShown, ClientError> {
        self.json(Call::json(Method::PUT, &path(organization), quota)?)
            .await
    }
}

fn path(organization: &str) -> String {
    format!("/v1/organizations/{}/quota", escape(organization))
}
