//! What the Team of a group is given: what the connection's templates say of the name that the group was made under. These
//! are grants that the configuration looks after; what people give the Team besides is theirs.

use aeolus_model::{
    Action, AuditEvent, Change, Clock, Grant, GrantId, GrantedRole, OrganizationId, Rng, Slug,
    Subject, TeamId,
};
use aeolus_store::{GrantRecord, ManagedBy, StoreError, Team, Unit, Write};

use super::super::team_templates::{TeamTemplates, Templated};
use crate::authority::{Path, deployment_path, organization_path, workspace_path};
use crate::error::ApiError;
use crate::tenancy::{grants, roles};

/// What a template comes to for one Team.
pub(crate) struct Wanted {
    /// Which template is for the group, counted from 0.
    pub(crate) template: Option<usize>,
    /// What it gives, with the place and what is above it.
    pub(crate) given: Option<(GrantedRole, Path)>,
    /// Why it gives nothing: what it names isn't there.
    pub(crate) missing: Option<String>,
}

/// What has to be done so that a Team has what is wanted.
pub(crate) struct Plan {
    /// What it is given.
    pub(crate) gives: Option<(GrantedRole, Path)>,
    /// What is taken back.
    pub(crate) takes: Vec<GrantRecord>,
}

/// What templates give the Team of a group of a name, in an organization.
pub(crate) async fn wanted(
    unit: &mut impl Unit,
    templates: &TeamTemplates,
    (organization, name): (OrganizationId, &str),
) -> Result<Wanted, ApiError> {
    let Some(found) = templates.of(name) else {
        return Ok(Wanted {
            template: None,
            given: None,
            missing: None,
        });
    };
    let given = match place(unit, organization, &found).await? {
        Ok(path) => match roles::resolve(unit, organization, &found.role, &path).await {
            Ok(role) => Ok((role, path)),
            Err(ApiError::Invalid(errors)) => {
                let what = errors.into_iter().next();
                Err(what.map_or_else(String::new, |error| error.message))
            }
            Err(error) => return Err(error),
        },
        Err(missing) => Err(missing),
    };
    let (given, missing) = match given {
        Ok(given) => (Some(given), None),
        Err(missing) => (None, Some(missing)),
    };
    Ok(Wanted {
        template: Some(found.index),
        given,
        missing,
    })
}

/// Where a template gives its role, or what of that isn't there.
async fn place(
    unit: &mut impl Unit,
    organization: OrganizationId,
    found: &Templated,
) -> Result<Result<Path, String>, StoreError> {
    if let Some(named) = &found.organization {
        let there = match Slug::parse(named) {
            Ok(name) => unit.organizations().by_name(&name).await?,
            Err(_) => None,
        };
        match there {
            None => return Ok(Err(format!("there is no organization {named:?}"))),
            Some(there) if there.id != organization => {
                let what = format!("the Team is not in organization {named}");
                return Ok(Err(what));
            }
            Some(_) => {}
        }
    }
    let Some(named) = &found.workspace else {
        return Ok(Ok(organization_path(organization)));
    };
    let workspace = match Slug::parse(named) {
        Ok(name) => unit.workspaces().by_name(organization, &name).await?,
        Err(_) => None,
    };
    let Some(workspace) = workspace else {
        return Ok(Err(format!("there is no workspace {named:?}")));
    };
    let Some(named) = &found.deployment else {
        return Ok(Ok(workspace_path(&workspace)));
    };
    let deployment = match Slug::parse(named) {
        Ok(name) => unit.deployments().by_name(workspace.id, &name).await?,
        Err(_) => None,
    };
    Ok(match deployment {
        Some(deployment) => Ok(deployment_path(&deployment)),
        None => Err(format!(
            "there is no deployment {named:?} in workspace {}",
            workspace.name
        )),
    })
}

/// What a Team lacks of what is wanted, and what it has by templates beyond.
pub(crate) async fn plan(
    unit: &mut impl Unit,
    team: TeamId,
    wanted: &Wanted,
) -> Result<Plan, StoreError> {
    let held = unit.grants().of(Subject::Team(team)).await?;
    let is_wanted = |record: &GrantRecord| {
        wanted.given.as_ref().is_some_and(|(role, path)| {
            record.grant.role.is(role) && path.first() == Some(&record.grant.resource)
        })
    };
    // Somebody may have given it by hand.
    let has = held.iter().any(is_wanted);
    let ours = |record: &GrantRecord| {
        record.managed_by == ManagedBy::Configuration && record.organization.is_some()
    };
    Ok(Plan {
        gives: wanted.given.clone().filter(|_| !has),
        takes: held
            .into_iter()
            .filter(|record| ours(record) && !is_wanted(record))
            .collect(),
    })
}

impl Plan {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.gives.is_none() && self.takes.is_empty()
    }

    /// Gives and takes back. The organization is locked.
    pub(crate) async fn carry_out(
        self,
        write: &mut Write,
        (clock, rng): (&dyn Clock, &dyn Rng),
        team: &Team,
        line: impl Fn(Action) -> AuditEvent,
    ) -> Result<(), StoreError> {
        let about = |event: AuditEvent, grant: &Grant, change: Change| AuditEvent {
            organization: Some(team.organization),
            target: grant.id.to_string(),
            changes: vec![change, Change::to("team", team.id.to_string())],
            ..event
        };
        for record in self.takes {
            write.grants().delete(record.grant.id).await?;
            let change = Change::from("role", grants::told(&record.grant));
            write.audit(about(line(Action::GrantDelete), &record.grant, change));
        }
        let Some((role, path)) = self.gives else {
            return Ok(());
        };
        let Some(resource) = path.first().copied() else {
            return Ok(());
        };
        let record = GrantRecord {
            grant: Grant {
                id: GrantId::new(clock, rng),
                subject: Subject::Team(team.id),
                role,
                resource,
            },
            organization: Some(team.organization),
            managed_by: ManagedBy::Configuration,
        };
        write.grants().insert(&record).await?;
        let change = Change::to("role", grants::told(&record.grant));
        write.audit(about(line(Action::GrantCreate), &record.grant, change));
        Ok(())
    }
}
