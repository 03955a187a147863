//! Roles: those of every installation, and those that an organization makes for itself.

use aeolus_model::{
    CustomScope, OrganizationId, Permission, RoleId, RoleName, Scope, Slug, WorkspaceId,
};
use serde::{Deserialize, Serialize};

use crate::PlaneAcks;

/// A role that can be given in an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its name, with which it is given.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RoleName"))]
    pub name: RoleName,
    /// Whose it is.
    pub kind: RoleKind,
    /// Where it is given.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ScopeName"))]
    pub scope: Scope,
    /// What it allows there and below.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Vec<crate::schema::PermissionName>")
    )]
    pub permissions: Vec<Permission>,
    /// What only an organization's own has.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Own>,
}

/// Whose a role is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RoleKind {
    /// Every installation's, as it is shipped.
    BuiltIn,
    /// Every installation's, but in this one it allows something else.
    Customised,
    /// The organization's own.
    Custom,
}

/// What an organization's own role has beside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Own {
    /// Its id: it stays when the name changes, and can be given with as well.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: RoleId,
    /// Its organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub organization_id: OrganizationId,
    /// What it is for.
    pub description: String,
    /// The workspaces in which alone it can be given; none: everywhere in the organization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Id>"))]
    pub restricted_workspace_ids: Vec<WorkspaceId>,
    /// Rises with every change: `If-Match`, in quotation marks.
    pub revision: u64,
    /// How often it is given; only where one role is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<u64>,
}

/// `POST /v1/organizations/{o}/roles`, and `PUT …/{id}`: the role from now on, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleSet {
    /// Its name, unique in the organization and unlike any built-in role's.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// Where it is given; that never changes.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::CustomScopeName"))]
    pub scope: CustomScope,
    /// What it is for: at most 500 characters.
    #[serde(default)]
    pub description: String,
    /// What it allows where it is given and below; at least one.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Vec<crate::schema::PermissionName>")
    )]
    pub permissions: Vec<Permission>,
    /// The workspaces in which alone it can be given; none: everywhere in the organization. Not for
    /// roles of scope `ORGANIZATION`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Id>"))]
    pub restricted_workspace_ids: Vec<WorkspaceId>,
}

/// The answer to making or changing a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoleChanged {
    /// The role as it is now.
    #[serde(flatten)]
    pub role: Role,
    /// How many grants of it were ended, because they are outside of its workspaces.
    #[serde(default)]
    pub ended_grants: usize,
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who obeys it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

/// `GET /v1/authorization/permission-groups`: what roles can be made of (row P5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PermissionGroup {
    /// The beginning that the permissions have in common: `deployment.airflow`.
    pub name: String,
    /// What they are about.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ScopeName"))]
    pub scope: Scope,
    /// Each of them.
    pub permissions: Vec<PermissionItem>,
}

/// A permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PermissionItem {
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::PermissionName"))]
    pub name: Permission,
    /// Of which scopes an organization's own role with it can be; none: it is for built-in roles alone.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Vec<crate::schema::CustomScopeName>")
    )]
    pub custom_scopes: Vec<CustomScope>,
}
