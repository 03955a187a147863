//! A fleet document as the sections of one plane's snapshot.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_api::fleet::{self, Fleet, Grantee};
use aeolus_model::{
    DeploymentId, Email, OrganizationId, PlaneId, Profile, Resource, Role, Slug, StalenessPolicy,
    TeamId, UserId, WorkspaceId,
};
use aeolus_snapshot::Sections;
use aeolus_snapshot::section::{
    self, Connection, Deployment, Grant, PathRule, ResourceKind, Revocations, Route, StalePolicy,
    Subject, SubjectKind, Team, TokenKey,
};

use super::ids::id;
use super::{ISSUER, Keys, StoredToken, built_in};
use crate::report::{Failure, Report};

/// A fleet with the ids of everything in it.
pub(crate) struct World<'a> {
    fleet: &'a Fleet,
    seed: [u8; 32],
}

/// A deployment and what it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The organization.
    pub(crate) organization: OrganizationId,
    /// The workspace; none for the organization itself.
    pub(crate) workspace: Option<WorkspaceId>,
    /// The deployment; none for the workspace itself.
    pub(crate) deployment: Option<DeploymentId>,
}

impl Place {
    /// As what roles are given on.
    pub(crate) fn resource(self) -> Resource {
        match (self.workspace, self.deployment) {
            (_, Some(id)) => Resource::Deployment(id),
            (Some(id), None) => Resource::Workspace(id),
            (None, None) => Resource::Organization(self.organization),
        }
    }
}

impl<'a> World<'a> {
    /// A fleet under a seed of ids.
    pub(crate) const fn new(fleet: &'a Fleet, seed: [u8; 32]) -> Self {
        Self { fleet, seed }
    }

    /// A plane's id.
    pub(crate) fn plane(&self, name: &str) -> PlaneId {
        PlaneId::from_bytes(id(&self.seed, "plane", &[name]))
    }

    /// A person's id. People are the same in all organizations.
    pub(crate) fn user(&self, email: &Email) -> UserId {
        UserId::from_bytes(id(&self.seed, "user", &[email.as_str()]))
    }

    fn team(&self, organization: &Slug, name: &Slug) -> TeamId {
        let names = [organization.as_str(), name.as_str()];
        TeamId::from_bytes(id(&self.seed, "team", &names))
    }

    fn organization(&self, name: &str) -> OrganizationId {
        OrganizationId::from_bytes(id(&self.seed, "organization", &[name]))
    }

    fn workspace(&self, organization: &str, name: &str) -> WorkspaceId {
        WorkspaceId::from_bytes(id(&self.seed, "workspace", &[organization, name]))
    }

    fn deployment(&self, organization: &str, workspace: &str, name: &str) -> DeploymentId {
        let names = [organization, workspace, name];
        DeploymentId::from_bytes(id(&self.seed, "deployment", &names))
    }

    /// Finds `ORGANIZATION`, `ORGANIZATION/WORKSPACE` or `ORGANIZATION/WORKSPACE/DEPLOYMENT`.
    pub(crate) fn find(&self, path: &str) -> Result<Place, Failure> {
        let unknown = || {
            Report::new("FLT-0002", format!("the fleet has no {path}"))
                .why("Only what the last `aeolus plane build` saw can be named.")
                .help("write ORGANIZATION/WORKSPACE/DEPLOYMENT as in the fleet document")
                .failed()
        };
        let mut names = path.split('/');
        let name = names.next().unwrap_or_default();
        let mut organizations = self.fleet.organizations.iter();
        let organization = organizations
            .find(|o| o.name.as_str() == name)
            .ok_or_else(unknown)?;
        let mut place = Place {
            organization: self.organization(name),
            workspace: None,
            deployment: None,
        };
        let Some(workspace_name) = names.next() else {
            return Ok(place);
        };
        let mut workspaces = organization.workspaces.iter();
        let workspace = workspaces
            .find(|w| w.name.as_str() == workspace_name)
            .ok_or_else(unknown)?;
        place.workspace = Some(self.workspace(name, workspace_name));
        if let Some(last) = names.next() {
            let mut deployments = workspace.deployments.iter();
            deployments
                .find(|d| d.name.as_str() == last)
                .ok_or_else(unknown)?;
            place.deployment = Some(self.deployment(name, workspace_name, last));
        }
        match names.next() {
            None => Ok(place),
            Some(_) => Err(unknown()),
        }
    }

    /// The sections of one plane: its deployments, and whoever may do something on them.
    pub(crate) fn sections(
        &self,
        plane: &Slug,
        keys: &Keys,
        tokens: &[StoredToken],
    ) -> Result<Sections, Failure> {
        if let Some(rollout) = self.fleet.rollouts.first() {
            let text = format!(
                "rollout {} chooses between paths, but without a control plane there is only one: take `rollouts` out of a document for `aeolus plane build`",
                rollout.name
            );
            return Err(Report::new("FLT-0003", text).usage());
        }
        let mut build = Build::default();
        for organization in &self.fleet.organizations {
            self.organization_sections(organization, plane, tokens, &mut build)?;
        }
        build.keep_effective();
        let mut sections = Sections::default();
        sections.deployments.deployments = build.deployments;
        sections.subjects.subjects = build.subjects.into_values().collect();
        sections.subjects.teams = build.teams.into_values().collect();
        sections.grants.grants = build.grants.into_values().collect();
        sections.revocations = build.revocations;
        ISSUER.clone_into(&mut sections.keys.issuer);
        for (kind, key) in keys.token_keys() {
            sections.keys.keys.push(TokenKey {
                kind: kind.name().to_owned(),
                jwk: key.public().to_jwk().to_json(),
            });
        }
        for connection in &self.fleet.connections {
            let name = connection.name.as_str();
            if connection.session_tokens.is_some() {
                let text = format!(
                    "connection {name} has sessionTokens, but only a control plane fetches a provider's keys: take it out of a document for `aeolus plane build`"
                );
                return Err(Report::new("FLT-0003", text).usage());
            }
            if !connection.plane_registrations.is_empty() {
                let text = format!(
                    "connection {name} has planeRegistrations, but without a control plane there is nobody to be away: take them out of a document for `aeolus plane build`"
                );
                return Err(Report::new("FLT-0003", text).usage());
            }
            sections.connections.connections.push(Connection {
                id: id(&self.seed, "connection", &[name]).to_vec(),
                name: name.to_owned(),
                kind: connection.kind.name().to_owned(),
                session_tokens: None,
                plane_registration: None,
            });
        }
        Ok(sections)
    }

    fn organization_sections(
        &self,
        organization: &fleet::Organization,
        plane: &Slug,
        tokens: &[StoredToken],
        build: &mut Build,
    ) -> Result<(), Failure> {
        let name = organization.name.as_str();
        let own = self.organization(name);
        let mut here = BTreeSet::from([Resource::Organization(own)]);
        let before = build.deployments.len();
        let mut written: Vec<(&fleet::Grant, Resource)> = Vec::new();
        for workspace in &organization.workspaces {
            let workspace_id = self.workspace(name, workspace.name.as_str());
            for deployment in workspace.deployments.iter().filter(|d| &d.plane == plane) {
                let id = self.deployment(name, workspace.name.as_str(), deployment.name.as_str());
                build
                    .deployments
                    .push(record(deployment, (own, workspace_id, id))?);
                if let Some(record) = build.deployments.last_mut() {
                    record.name = format!("{name}/{}/{}", workspace.name, deployment.name);
                    let policy = organization.policy.clone().unwrap_or_default();
                    let networks = policy.allowed_networks.iter();
                    record.networks = networks.map(ToString::to_string).collect();
                    record.second_factor = policy.second_factor.is_required();
                }
                here.insert(Resource::Workspace(workspace_id));
                here.insert(Resource::Deployment(id));
                let resource = Resource::Deployment(id);
                written.extend(deployment.grants.iter().map(|grant| (grant, resource)));
            }
            let resource = Resource::Workspace(workspace_id);
            if here.contains(&resource) {
                written.extend(workspace.grants.iter().map(|grant| (grant, resource)));
            }
        }
        if build.deployments.len() == before {
            return Ok(());
        }
        // A value whose place is past the end of the bits was never issued, and is refused.
        let places = tokens.iter().map(|token| token.index / 8 + 1).max();
        let revocations = Revocations {
            status: vec![0; places.map_or(0, |bytes| bytes as usize)],
            ..Revocations::default()
        };
        build.revocations.insert(own, revocations);
        for (grant, resource) in written {
            let subject = match grant.grantee() {
                Some(Grantee::User(email)) => {
                    (SubjectKind::User, self.user(email).as_bytes().to_vec())
                }
                Some(Grantee::Team(team)) => {
                    let id = self.team(&organization.name, team);
                    (SubjectKind::Team, id.as_bytes().to_vec())
                }
                None => continue,
            };
            build.grant(subject, resource, built_in(&grant.role)?);
        }
        for (email, role) in organization.people() {
            let id = self.user(email).as_bytes().to_vec();
            build.grant(
                (SubjectKind::User, id),
                Resource::Organization(own),
                built_in(&role)?,
            );
        }
        self.people(organization, build);
        for token in tokens.iter().filter(|token| token.organization == name) {
            if here.contains(&token.resource) {
                let id = token.id.as_bytes().to_vec();
                build.subject(SubjectKind::Token, &id, "", &token.name);
                build.grant((SubjectKind::Token, id), token.resource, token.role);
            }
        }
        Ok(())
    }

    fn people(&self, organization: &fleet::Organization, build: &mut Build) {
        for team in &organization.teams {
            let id = self.team(&organization.name, &team.name);
            let id = id.as_bytes().to_vec();
            build.teams.insert(
                id.clone(),
                Team {
                    id,
                    name: team.name.to_string(),
                },
            );
        }
        for email in organization.people().into_keys() {
            let written = organization.users.iter().find(|user| &user.email == email);
            let name = written.and_then(|user| user.name.as_deref());
            let id = self.user(email).as_bytes().to_vec();
            let name = name.unwrap_or(email.as_str());
            let subject = build.subject(SubjectKind::User, &id, email.as_str(), name);
            for team in organization
                .teams
                .iter()
                .filter(|t| t.members.contains(email))
            {
                let team = self.team(&organization.name, &team.name);
                subject.teams.push(team.as_bytes().to_vec());
            }
        }
    }
}

/// Who holds a grant, where.
type GrantKey = (i32, Vec<u8>, Resource);

#[derive(Default)]
struct Build {
    deployments: Vec<Deployment>,
    subjects: BTreeMap<Vec<u8>, Subject>,
    teams: BTreeMap<Vec<u8>, Team>,
    grants: BTreeMap<GrantKey, Grant>,
    revocations: BTreeMap<OrganizationId, Revocations>,
}

impl Build {
    /// Drops grants that allow nothing, and then people who may do nothing here: a plane is told
    /// about nobody else.
    fn keep_effective(&mut self) {
        let allows = |grant: &Grant| grant.permissions.iter().any(|byte| *byte != 0);
        self.grants.retain(|_, grant| allows(grant));
        let holders: BTreeSet<&Vec<u8>> = self.grants.keys().map(|(_, id, _)| id).collect();
        self.subjects.retain(|id, subject| {
            holders.contains(id) || subject.teams.iter().any(|team| holders.contains(team))
        });
    }

    fn subject(&mut self, kind: SubjectKind, id: &[u8], email: &str, name: &str) -> &mut Subject {
        let entry = self.subjects.entry(id.to_vec());
        entry.or_insert_with(|| Subject {
            id: id.to_vec(),
            kind: kind.into(),
            email: email.to_owned(),
            name: name.to_owned(),
            ..Subject::default()
        })
    }

    /// Adds a role: several of one subject at one place become one record.
    fn grant(&mut self, subject: (SubjectKind, Vec<u8>), resource: Resource, role: Role) {
        let (kind, id) = subject;
        let permissions = role.shipped();
        let (resource_kind, resource_id) = match resource {
            Resource::System => (ResourceKind::System, Vec::new()),
            Resource::Organization(id) => (ResourceKind::Organization, id.as_bytes().to_vec()),
            Resource::Workspace(id) => (ResourceKind::Workspace, id.as_bytes().to_vec()),
            Resource::Deployment(id) => (ResourceKind::Deployment, id.as_bytes().to_vec()),
        };
        let key = (i32::from(kind), id.clone(), resource);
        let grant = self.grants.entry(key).or_insert_with(|| Grant {
            subject_kind: kind.into(),
            subject: id,
            resource_kind: resource_kind.into(),
            resource: resource_id,
            permissions: Vec::new(),
        });
        let known = aeolus_model::PermissionSet::from_bytes(&grant.permissions);
        grant.permissions = known.union(permissions).to_bytes().to_vec();
    }
}

fn record(
    deployment: &fleet::Deployment,
    ids: (OrganizationId, WorkspaceId, DeploymentId),
) -> Result<Deployment, Failure> {
    let staleness = deployment.staleness().map_err(|error| {
        Report::new("FLT-0001", format!("{}: {error}", deployment.name)).usage()
    })?;
    let (organization, workspace, id) = ids;
    let routes = deployment.routes().into_iter().map(|route| Route {
        host: route.host,
        path_prefix: route.path_prefix.unwrap_or_default(),
    });
    let rules = deployment.rules.iter().map(|rule| PathRule {
        path: rule.path.to_string(),
        methods: rule.methods.iter().map(|m| m.name().to_owned()).collect(),
        require: String::from(rule.require),
    });
    let profile = match deployment.profile {
        Profile::Airflow3 => section::Profile::Airflow3,
        Profile::Airflow2 => section::Profile::Airflow2,
        Profile::Custom => section::Profile::Custom,
    };
    let then = match staleness.then() {
        StalenessPolicy::Deny => StalePolicy::Deny,
        StalenessPolicy::ServeUntilExp => StalePolicy::ServeUntilExp,
        StalenessPolicy::ReadOnly => StalePolicy::ReadOnly,
        StalenessPolicy::StaticAllow => StalePolicy::StaticAllow,
    };
    let tasks = deployment.task_execution.iter().flat_map(|t| &t.allow_from);
    Ok(Deployment {
        id: id.as_bytes().to_vec(),
        organization: organization.as_bytes().to_vec(),
        workspace: workspace.as_bytes().to_vec(),
        name: String::new(),
        routes: routes.collect(),
        upstream: deployment.upstream.clone().unwrap_or_default(),
        profile: profile.into(),
        rules: rules.collect(),
        max_stale: staleness.max().as_secs(),
        hard_stale: staleness.hard().as_secs(),
        stale_then: then.into(),
        task_execution_from: tasks.cloned().collect(),
        networks: Vec::new(),
        second_factor: false,
    })
}
