//! Organizations, workspaces, deployments, users, teams and grants.

use aeolus_model::{
    Actor, ConnectionId, DeploymentId, Email, GrantId, OrganizationId, PathRule, PlaneId, Profile,
    Resource, RoleId, RoleName, SessionId, Slug, StalenessPolicy, Subject, TeamId, UserId,
    WorkspaceId,
};
use serde::{Deserialize, Serialize};

/// The answer to making something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "{T}Created"))]
pub struct Created<T> {
    /// What was made.
    #[serde(flatten)]
    pub item: T,
    /// The position of the change in the feed.
    pub seq: u64,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: OrganizationId,
    /// Its name, unique in the installation.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
}

/// A new organization or workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedCreate {
    /// Its name, unique in its parent.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: WorkspaceId,
    /// Its organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub organization_id: OrganizationId,
    /// Its name, unique in the organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
}

/// A place where a deployment answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// The host, without a port, or `*.DOMAIN`.
    pub host: String,
    /// The path prefix on a shared host; absent: the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
}

/// How long a gate goes on without news, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Staleness {
    /// Past this age of knowledge `then` takes hold.
    pub max_stale: u64,
    /// Past this everything but `static_allow` is `deny`.
    pub hard_stale: u64,
    /// What then.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "crate::schema::StalenessPolicyName")
    )]
    pub then: StalenessPolicy,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: DeploymentId,
    /// Its organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub organization_id: OrganizationId,
    /// Its workspace.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub workspace_id: WorkspaceId,
    /// The plane it lives on.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub plane_id: PlaneId,
    /// Its name, unique in the workspace.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// Where it answers.
    pub routes: Vec<Route>,
    /// Where the built-in proxy forwards to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// The kind of application.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ProfileName"))]
    pub profile: Profile,
    /// Its own path rules.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::PathRule>"))]
    pub rules: Vec<PathRule>,
    /// What happens without news.
    pub staleness: Staleness,
}

/// `POST /v1/organizations/{o}/deployments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentCreate {
    /// In which workspace.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub workspace_id: WorkspaceId,
    /// On which plane.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub plane_id: PlaneId,
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// Where it answers; at least one.
    pub routes: Vec<Route>,
    /// `http://host:port` or `https://host:port` for the built-in proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// The kind of application.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::ProfileName"))]
    pub profile: Profile,
    /// Its own path rules.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::PathRule>"))]
    pub rules: Vec<PathRule>,
    /// What happens without news; absent: 24 h, then `serve_until_exp`, at most 7 d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness: Option<Staleness>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: UserId,
    /// Their address.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// Their display name.
    pub name: String,
    /// Their role in the organization asked about, if the question was about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::RoleName>"))]
    pub role: Option<RoleName>,
}

/// `POST /v1/organizations/{o}/users`: adds a person to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserCreate {
    /// Their address. The answer is the same whether somebody has it here or not. Where somebody merely said that it
    /// is theirs, another account waits for it until a provider shows whose it is.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// Their display name; absent: the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their role in the organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RoleName"))]
    pub role: RoleName,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: TeamId,
    /// Its organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub organization_id: OrganizationId,
    /// Its name, unique in the organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether a fleet document made it, which then says what it is called and whether there is one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_document: bool,
    /// The group that says who is in it; absent: people here do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<TeamGroup>,
}

/// A group of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamGroup {
    /// The connection's name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub connection: Slug,
    /// What names it there for good.
    pub id: String,
    /// What it is called there, where that is something else and is known. Others may be called the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Since when the provider has it no more, in seconds; the Team is removed 30 days later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<i64>,
    /// Whether the provider made it by SCIM: then it alone says who is in it, and that it is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisioned: bool,
}

/// `PUT /v1/organizations/{o}/teams/{id}`: what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TeamSet {
    /// Its name, unique in the organization. One that stands for a group keeps it, whatever the group is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Slug>"))]
    pub name: Option<Slug>,
    /// What it is for: at most 500 characters on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamChanged {
    /// As it is now.
    pub team: Team,
    /// The feed's position.
    pub seq: u64,
}

/// `POST /v1/organizations/{o}/grants`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantCreate {
    /// Who.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Subject"))]
    pub subject: Subject,
    /// What.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RoleName"))]
    pub role: RoleName,
    /// Where: the organization or something in it.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Resource"))]
    pub resource: Resource,
}

/// A subject has a role on a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Its own id, so that it can be taken back.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: GrantId,
    /// Who.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Subject"))]
    pub subject: Subject,
    /// What.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RoleName"))]
    pub role: RoleName,
    /// The id of a role that an organization made for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Id>"))]
    pub role_id: Option<RoleId>,
    /// Where.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Resource"))]
    pub resource: Resource,
}

impl From<aeolus_model::Grant> for Grant {
    fn from(grant: aeolus_model::Grant) -> Self {
        Self {
            id: grant.id,
            subject: grant.subject,
            role: grant.role.name(),
            role_id: grant.role.id(),
            resource: grant.resource,
        }
    }
}

/// `GET /v1/me`: who the credential is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// Who.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Actor"))]
    pub actor: Actor,
    /// A person's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Email>"))]
    pub email: Option<Email>,
    /// The person's or the token's name.
    pub name: String,
    /// The session, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Id>"))]
    pub session: Option<SessionId>,
    /// The identity provider, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Id>"))]
    pub connection: Option<ConnectionId>,
    /// What was granted, directly and through teams.
    pub grants: Vec<Grant>,
}

/// `POST /v1/apply`: what a fleet document changes, or would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApplyAnswer {
    /// The differences, parents first.
    pub changes: Vec<Change>,
    /// Whether they were made.
    pub applied: bool,
    /// Things to know that stop nothing.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The position of the change in the feed, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", schemars(rename = "ApplyChange"))]
pub struct Change {
    /// What is done.
    pub op: ChangeOp,
    /// The kind of thing: `organization`, `grant`, …
    pub kind: String,
    /// Its path: `acme/sales/etl`.
    pub path: String,
    /// What of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What is done to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChangeOp {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed (only with `prune`).
    Delete,
    /// It was made by an earlier apply, is no longer in the document, and stays for want of `prune`.
    Keep,
}
