//! `fleet.yaml`: the declarative description of a whole fleet that `aeolus apply` brings about.
//!
//! The types say what can be written; [`Fleet::check`] says what doesn't fit together. Nothing is
//! deleted because it isn't mentioned, unless an apply made it and the next one prunes.

mod apply;
mod check;
mod connection;
mod deployment;
mod plane_registration;
mod role;
mod rollout;
mod session_tokens;

use std::collections::BTreeMap;

use aeolus_model::{Email, Host, RoleName, Slug};
use serde::{Deserialize, Serialize};

pub use apply::{ApplyRequest, SecretUse};
pub use check::{Finding, Severity};
pub use connection::{
    ClaimsMapping, Connection, ConnectionKind, GroupTeams, Provision, SignInFlow, SystemGroups,
};
pub use deployment::{Deployment, Staleness, TaskExecution};
pub use plane_registration::{PlaneRegistration, TokenEndpointAuthMethod};
pub use role::Role;
pub use rollout::{Rollout, RolloutFallBack, RolloutRule};
pub use session_tokens::{
    SessionTokens, TokenAlgorithm, TokenType, UserIdentity, discovered_issuer, discovery_document,
};

use crate::SecretRef;
use crate::policy::Policy;
#[cfg(feature = "schema")]
use crate::schema;

/// The version of the document's format.
pub const VERSION: u32 = 1;

/// A fleet: what exists, who is in it, and what they may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fleet {
    /// The version of this format: 1.
    pub version: u32,
    /// The data planes, one per cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planes: Vec<Plane>,
    /// The identity providers people come through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<Connection>,
    /// The organizations with everything in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<Organization>,
    /// Which deployments decide by which path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollouts: Vec<Rollout>,
}

/// A data plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetPlane"))]
pub struct Plane {
    /// Its name, unique in the installation.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub name: Slug,
    /// The host on which the plane can sign people in by itself. No deployment may have it, nor control's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Host>"))]
    pub auth_host: Option<Host>,
}

/// An organization: the outermost owner of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetOrganization"))]
pub struct Organization {
    /// Its name, unique in the installation.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub name: Slug,
    /// The rules its members set for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Its people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<User>,
    /// Its teams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<Team>,
    /// The roles that it makes for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Its workspaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspaces: Vec<Workspace>,
}

/// A person in an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetUser"))]
pub struct User {
    /// Their address.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Email"))]
    pub email: Email,
    /// Their display name; absent: the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their role in the organization: one that begins with `ORGANIZATION_`, or one that the
    /// organization made for itself.
    #[cfg_attr(feature = "schema", schemars(with = "schema::RoleName"))]
    pub role: RoleName,
    /// Sets their password at the `local` connection; absent: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// Who they are at identity providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<UserIdentity>,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetTeam"))]
pub struct Team {
    /// Its name, unique in the organization.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub name: Slug,
    /// Its members' addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Email>"))]
    pub members: Vec<Email>,
}

/// A workspace of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetWorkspace"))]
pub struct Workspace {
    /// Its name, unique in the organization.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub name: Slug,
    /// Roles that begin with `WORKSPACE_`: they hold in all its deployments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Its deployments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<Deployment>,
}

/// A role for one user or one team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetGrant"))]
pub struct Grant {
    /// The person's address; or `team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Email>"))]
    pub user: Option<Email>,
    /// The team's name; or `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Slug>"))]
    pub team: Option<Slug>,
    /// The role, or the name of one that the organization made for itself.
    #[cfg_attr(feature = "schema", schemars(with = "schema::RoleName"))]
    pub role: RoleName,
}

/// Whom a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grantee<'a> {
    /// A person.
    User(&'a Email),
    /// A team.
    Team(&'a Slug),
}

impl Grant {
    /// Whom it is for; nobody unless exactly one of `user` and `team` is there.
    pub const fn grantee(&self) -> Option<Grantee<'_>> {
        match (&self.user, &self.team) {
            (Some(user), None) => Some(Grantee::User(user)),
            (None, Some(team)) => Some(Grantee::Team(team)),
            _ => None,
        }
    }
}

impl Organization {
    /// Everybody the organization has after an apply, with their role: its `users`, and as plain
    /// members those who are named only in a team or a grant.
    pub fn people(&self) -> BTreeMap<&Email, RoleName> {
        let in_teams = self.teams.iter().flat_map(|team| &team.members);
        let in_grants = self.workspaces.iter().flat_map(|workspace| {
            let below = workspace.deployments.iter().flat_map(|d| &d.grants);
            workspace.grants.iter().chain(below)
        });
        let named = in_teams.chain(in_grants.filter_map(|grant| grant.user.as_ref()));
        let mut people: BTreeMap<_, _> = named
            .map(|email| (email, aeolus_model::Role::OrganizationMember.into()))
            .collect();
        people.extend(
            self.users
                .iter()
                .map(|user| (&user.email, user.role.clone())),
        );
        people
    }
}
