//! What an actor may do, and what they may know of.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::policy::SessionLife;
use aeolus_model::{
    Actor, BuiltIns, DeploymentId, GrantedRole, Grants, OrganizationId, Permission, PermissionSet,
    Resource, Role, SessionId, Subject, UserId, WorkspaceId,
};
use aeolus_store::{Deployment, GrantRecord, Organization, Unit, Workspace};

use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::policy;

/// What an actor holds.
#[derive(Clone)]
pub(crate) struct Authority {
    records: Vec<GrantRecord>,
    held: Grants,
    built_ins: Arc<BuiltIns>,
    asked: Asked,
}

/// How the actor asks.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    /// Where requests about organizations are counted.
    pub(crate) counted: Option<(App, RequestInfo)>,
    /// From which address, if it is known.
    pub(crate) from: Option<IpAddr>,
    /// For how long the person has been signed in; none for a program.
    pub(crate) signed_in_for: Option<Duration>,
    /// Whether the person's session has a second factor; none for a program.
    pub(crate) second_factor: Option<bool>,
}

impl Asked {
    /// A request counts once for the organization that it names.
    fn count(&self, organization: &Organization) -> Result<(), ApiError> {
        match &self.counted {
            Some((app, request)) if request.count_once() => {
                let by = request.actor.get().unwrap_or(&Actor::Anonymous);
                let now = app.clock.now();
                app.meters.call(organization, (by, request.ends), now)
            }
            _ => Ok(()),
        }
    }
}

/// A resource with everything above it, nearest first; the system is implied.
pub(crate) type Path = Vec<Resource>;

impl Authority {
    pub(crate) async fn load(
        app: &App,
        unit: &mut impl Unit,
        actor: &Actor,
    ) -> Result<Self, ApiError> {
        let records = match actor {
            Actor::User(id) => unit.grants().effective(*id).await?,
            Actor::Token(id) => unit.grants().of(Subject::Token(*id)).await?,
            Actor::Plane(_) | Actor::Scim(_) | Actor::System | Actor::Anonymous => Vec::new(),
        };
        let built_ins = app.built_ins.in_force(unit).await?;
        Ok(Self::of(records, built_ins.roles))
    }

    fn of(records: Vec<GrantRecord>, built_ins: Arc<BuiltIns>) -> Self {
        let grants = records.iter().map(|record| &record.grant);
        let held = grants.map(|grant| (grant.resource, grant.role.permissions(&built_ins)));
        let held = held.collect();
        Self {
            records,
            held,
            built_ins,
            asked: Asked::default(),
        }
    }

    /// As somebody asks.
    pub(crate) fn asked(self, asked: Asked) -> Self {
        Self { asked, ..self }
    }

    /// Whether the actor holds something in the whole installation.
    pub(crate) fn is_system(&self) -> bool {
        let system = |r: &GrantRecord| r.grant.resource == Resource::System;
        self.records.iter().any(system)
    }

    /// What is left of it for a session: nothing in the organizations where that is over.
    pub(crate) async fn within(
        self,
        unit: &mut impl Unit,
        session: SessionId,
    ) -> Result<Self, ApiError> {
        let over = unit.sessions().over(session).await?;
        if over.is_empty() {
            return Ok(self);
        }
        let still = |r: &GrantRecord| r.organization.is_none_or(|id| !over.contains(&id));
        let records = self.records.into_iter().filter(still).collect();
        Ok(Self::of(records, self.built_ins))
    }

    /// What the built-in roles allow.
    pub(crate) const fn built_ins(&self) -> &Arc<BuiltIns> {
        &self.built_ins
    }

    /// The grants themselves.
    pub(crate) fn records(&self) -> &[GrantRecord] {
        &self.records
    }

    /// Whether the actor may know that an organization exists: they hold something in it, or in
    /// the whole installation.
    pub(crate) fn knows(&self, organization: OrganizationId) -> bool {
        let within = |r: &GrantRecord| match r.grant.resource {
            Resource::System => true,
            _ => r.organization == Some(organization),
        };
        self.records.iter().any(within)
    }

    /// Refuses unless a permission is held at the end of this path.
    pub(crate) fn require(
        &self,
        permission: Permission,
        path: &[Resource],
    ) -> Result<(), ApiError> {
        if self.held.on(path).contains(permission) {
            Ok(())
        } else {
            Err(ApiError::Forbidden(permission.name().to_owned()))
        }
    }

    /// Refuses whoever has not been given the ownership of the organization itself: administrators of the
    /// installation hold all that it allows, and are no owners (rows X10, N11). They can become one, which
    /// is seen.
    pub(crate) fn require_owner(&self, organization: OrganizationId) -> Result<(), ApiError> {
        let path = organization_path(organization);
        self.require(Permission::OrganizationDirectTokensCreate, &path)?;
        let owns = |record: &GrantRecord| {
            record.grant.resource == Resource::Organization(organization)
                && record.grant.role == GrantedRole::BuiltIn(Role::OrganizationOwner)
        };
        if self.records.iter().any(owns) {
            Ok(())
        } else {
            let what = format!("{} of this organization", Role::OrganizationOwner);
            Err(ApiError::Forbidden(what))
        }
    }

    /// Refuses to hand out a role that holds more than the actor holds there themselves.
    pub(crate) fn require_covers(
        &self,
        role: &GrantedRole,
        path: &[Resource],
    ) -> Result<(), ApiError> {
        let allows = role.permissions(&self.built_ins);
        if self.held.on(path).covers(allows) {
            Ok(())
        } else {
            let what = format!("everything that {role} allows, there");
            Err(ApiError::Forbidden(what))
        }
    }

    /// Refuses to touch what somebody signs in by who holds more anywhere than the actor holds there. Who says
    /// who has which role in the whole installation stands above all organizations, though they may not do there
    /// all that their people do.
    pub(crate) async fn require_covers_person(
        &self,
        unit: &mut impl Unit,
        user: UserId,
    ) -> Result<(), ApiError> {
        let above = self.may(Permission::SystemIamUpdate, &[]);
        for record in unit.grants().effective(user).await? {
            let path = match record.organization {
                Some(_) if above => continue,
                Some(id) => path_within(unit, id, record.grant.resource).await?,
                None => None,
            };
            self.require_covers(&record.grant.role, &path.unwrap_or_default())?;
        }
        Ok(())
    }

    /// Refuses unless all of them are held at the end of this path; names what isn't.
    pub(crate) fn require_all(
        &self,
        permissions: PermissionSet,
        path: &[Resource],
    ) -> Result<(), ApiError> {
        let missing = permissions.without(self.held.on(path));
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = missing.iter().map(Permission::name).collect();
        Err(ApiError::Forbidden(names.join(", ")))
    }

    /// Whether a permission is held at the end of this path.
    pub(crate) fn may(&self, permission: Permission, path: &[Resource]) -> bool {
        self.held.on(path).contains(permission)
    }

    /// An organization by id or name, if the actor may know of it and comes as its policy wants.
    pub(crate) async fn organization(
        &self,
        unit: &mut impl Unit,
        text: &str,
    ) -> Result<Organization, ApiError> {
        let found = match text.parse::<OrganizationId>() {
            Ok(id) => unit.organizations().get(id).await?,
            Err(_) => match text.parse() {
                Ok(name) => unit.organizations().by_name(&name).await?,
                Err(_) => None,
            },
        };
        let seen = found.filter(|organization| self.knows(organization.id));
        let found = seen.ok_or(ApiError::NotFound("organization"))?;
        if self.is_system() {
            return Ok(found);
        }
        let policy = policy::of(&found)?;
        let longest = policy.session_life.map(SessionLife::absolute);
        let signed_in_for = self.asked.signed_in_for;
        if longest
            .zip(signed_in_for)
            .is_some_and(|(longest, life)| life >= longest)
        {
            return Err(ApiError::SignInAgain);
        }
        if !policy.admits(self.asked.from) {
            return Err(ApiError::Network);
        }
        if self.is_asked_for_more(&found)? {
            return Err(ApiError::SecondFactor);
        }
        self.asked.count(&found)?;
        Ok(found)
    }
}

impl Authority {
    /// Whether an organization wants a second factor that the actor's session doesn't have. It is not even
    /// named to them then.
    pub(crate) fn is_asked_for_more(&self, organization: &Organization) -> Result<bool, ApiError> {
        if self.is_system() || self.asked.second_factor != Some(false) {
            return Ok(false);
        }
        Ok(policy::of(organization)?.second_factor.is_required())
    }
}

/// The path of an organization.
pub(crate) fn organization_path(organization: OrganizationId) -> Path {
    vec![Resource::Organization(organization)]
}

/// The path of a workspace.
pub(crate) fn workspace_path(workspace: &Workspace) -> Path {
    vec![
        Resource::Workspace(workspace.id),
        Resource::Organization(workspace.organization),
    ]
}

/// The path of a deployment.
pub(crate) fn deployment_path(deployment: &Deployment) -> Path {
    vec![
        Resource::Deployment(deployment.id),
        Resource::Workspace(deployment.workspace),
        Resource::Organization(deployment.organization),
    ]
}

/// The path of a resource inside an organization; none if it isn't in there.
pub(crate) async fn path_within(
    unit: &mut impl Unit,
    organization: OrganizationId,
    resource: Resource,
) -> Result<Option<Path>, ApiError> {
    Ok(match resource {
        Resource::System => None,
        Resource::Organization(id) => (id == organization).then(|| organization_path(id)),
        Resource::Workspace(id) => workspace_in(unit, organization, id)
            .await?
            .map(|workspace| workspace_path(&workspace)),
        Resource::Deployment(id) => deployment_in(unit, organization, id)
            .await?
            .map(|deployment| deployment_path(&deployment)),
    })
}

pub(crate) async fn workspace_in(
    unit: &mut impl Unit,
    organization: OrganizationId,
    id: WorkspaceId,
) -> Result<Option<Workspace>, ApiError> {
    let found = unit.workspaces().get(id).await?;
    Ok(found.filter(|workspace| workspace.organization == organization))
}

pub(crate) async fn deployment_in(
    unit: &mut impl Unit,
    organization: OrganizationId,
    id: DeploymentId,
) -> Result<Option<Deployment>, ApiError> {
    let found = unit.deployments().get(id).await?;
    Ok(found.filter(|deployment| deployment.organization == organization))
}
