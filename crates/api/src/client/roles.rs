//! Roles of an organization.

use aeolus_model::RoleId;
use http::Method;
use http::header::IF_MATCH;

use super::{Call, Client, ClientError, Wait, escape};
use crate::role::{PermissionGroup, Role, RoleChanged, RoleSet};
use crate::{Deleted, Page};

/// What a change of a role does to grants that no longer fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleGrants {
    /// While there are any, nothing is changed.
    Keep,
    /// They end.
    End,
}

impl Client {
    /// Lists the roles that can be given: the first page begins with the built-in ones.
    pub async fn roles(
        &self,
        organization: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Role>, ClientError> {
        let cursor = cursor.map_or_else(String::new, |c| format!("&cursor={}", escape(c)));
        let path = format!("{}?limit=200{cursor}", all(organization));
        self.json(Call::get(&path)).await
    }

    /// One role, by name or id.
    pub async fn role(&self, organization: &str, role: &str) -> Result<Role, ClientError> {
        self.json(Call::get(&one(organization, role))).await
    }

    /// Every permission, by what it is about.
    pub async fn permission_groups(&self) -> Result<Page<PermissionGroup>, ClientError> {
        let path = "/v1/authorization/permission-groups";
        self.json(Call::get(path)).await
    }

    /// Makes a role of the organization's own.
    pub async fn create_role(
        &self,
        organization: &str,
        role: &RoleSet,
    ) -> Result<RoleChanged, ClientError> {
        let path = all(organization);
        self.json(Call::json(Method::POST, &path, role)?).await
    }

    /// Changes a role, by id, unless somebody has since the `revision` that was read.
    pub async fn update_role(
        &self,
        organization: &str,
        (role, revision): (RoleId, u64),
        wanted: &RoleSet,
        (grants, wait): (RoleGrants, Wait),
    ) -> Result<RoleChanged, ClientError> {
        let one = one(organization, &role.to_string());
        let path = format!("{one}{}", query(grants, wait));
        let mut call = Call::json(Method::PUT, &path, wanted)?;
        let read = format!("\"{role}.{revision}\"");
        call.headers.push((IF_MATCH.as_str(), read));
        self.json(call).await
    }

    /// Removes a role, by name or id.
    pub async fn delete_role(
        &self,
        organization: &str,
        role: &str,
        (grants, wait): (RoleGrants, Wait),
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}{}", one(organization, role), query(grants, wait));
        self.json(Call::new(Method::DELETE, &path)).await
    }
}

const fn query(grants: RoleGrants, wait: Wait) -> &'static str {
    match (grants, wait) {
        (RoleGrants::Keep, wait) => wait.query(),
        (RoleGrants::End, Wait::No) => "?end_grants=true",
        (RoleGrants::End, Wait::Planes) => "?end_grants=true&wait=planes",
    }
}

fn all(organization: &str) -> String {
    format!("/v1/organizations/{}/roles", escape(organization))
}

fn one(organization: &str, role: &str) -> String {
    format!("{}/{}", all(organization), escape(role))
}
