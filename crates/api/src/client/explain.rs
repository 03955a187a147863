//! What somebody may do somewhere.

use aeolus_model::Permission;

use super::{Call, Client, ClientError, escape};
use crate::explain::Explanation;

impl Client {
    /// What a person (by address or id), a team (by `team:NAME` or id) or an API token (by id) may do at
    /// an organization, workspace or deployment (by names with slashes, or id), and why.
    pub async fn explain(
        &self,
        subject: &str,
        resource: &str,
        permission: Option<Permission>,
    ) -> Result<Explanation, ClientError> {
        let (subject, resource) = (escape(subject), escape(resource));
        let permission = permission.map(|p| format!("&permission={p}"));
        let permission = permission.unwrap_or_default();
        let path = format!("/v1/explain?subject={subject}&resource={resource}{permission}");
        self.json(Call::get(&path)).await
    }
}
