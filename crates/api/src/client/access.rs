//! Who reaches which deployment.

use aeolus_model::DeploymentId;

use super::{Call, Client, ClientError, escape};
use crate::Page;
use crate::access::Access;

impl Client {
    /// Every way into an organization's deployments: into one, or of one person (by address or id) or
    /// API token (by id).
    pub async fn access(
        &self,
        organization: &str,
        (deployment, subject): (Option<DeploymentId>, Option<&str>),
        cursor: Option<&str>,
    ) -> Result<Page<Access>, ClientError> {
        let all = [
            ("deployment", deployment.map(|id| id.to_string())),
            ("subject", subject.map(escape)),
            ("cursor", cursor.map(escape)),
        ];
        let given = all
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let query = given.collect::<Vec<_>>().join("&");
        let organization = escape(organization);
        let path = format!("/v1/organizations/{organization}/access?{query}");
        self.json(Call::get(&path)).await
    }
}
