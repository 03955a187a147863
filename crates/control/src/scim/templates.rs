//! `POST /v1/connections/{connection}/scim/templates:apply?dry_run=`: gives the Teams of a connection's groups what its
//! templates say now, by the names that the groups were made under.

use std::collections::BTreeSet;

use aeolus_api::scim_templates::{TemplatedGroup, TemplatesApplied};
use aeolus_model::{ConnectionId, Permission, Resource};
use aeolus_store::{Connection, ScimGroup, StoreError, Team, Unit};
use axum::extract::Path;

use super::bytes::STEP;
use super::groups::{Plan, Wanted, plan, wanted};
use super::team_templates::TeamTemplates;
use crate::authority::Authority;
use crate::connections::{self, Settings};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::once::Reply;

/// Says what each group's Team is given and loses, and does it, unless it is a dry run. Only for who may say who has
/// which role in the whole installation: templates are about every organization.
pub(crate) async fn apply(
    ctx: Ctx,
    Path(connection): Path<String>,
    query: Query,
) -> Result<Reply<TemplatesApplied>, ApiError> {
    let dry_run = query.flag("dry_run")?;
    let mut view = ctx.app.store.read().await?;
    ctx.authority(&mut view)
        .await?
        .require(Permission::SystemIamUpdate, &[])?;
    let row = connections::find(&mut view, &connection).await?;
    let templates = templates(&row)?;
    // What there is to do is found without keeping anybody waiting.
    let found = all(&mut view, row.id, &templates).await?;
    let mut groups = Vec::new();
    for found in &found {
        groups.push(found.shown(&mut view).await?);
    }
    drop(view);
    let answer = |seq, groups| TemplatesApplied {
        groups,
        applied: !dry_run,
        seq,
    };
    if dry_run {
        return Ok(Reply::unchanged(answer(None, groups)));
    }
    let mut write = ctx.write_for(Permission::SystemIamUpdate).await?;
    let changing = found.iter().filter(|found| !found.plan.is_empty());
    let places: BTreeSet<_> = changing.map(|found| found.team.organization).collect();
    for place in places {
        write.organizations().lock(place).await?;
    }
    let authority = ctx.authority(&mut write).await?;
    let mut changed = false;
    let mut done = Vec::new();
    for (shown, found) in groups.into_iter().zip(found) {
        if found.plan.is_empty() {
            done.push(shown);
            continue;
        }
        // As it is by now: one that is gone meanwhile is given nothing, and isn't in the answer.
        let group = write.scim_groups().get(row.id, found.group.team).await?;
        let Some(group) = group else { continue };
        let Some(found) = Found::of(&mut write, &templates, group).await? else {
            continue;
        };
        done.push(found.shown(&mut write).await?);
        changed |= !found.plan.is_empty();
        found.require(&authority)?;
        let with = (&*ctx.app.clock, &*ctx.app.rng);
        let line = |action| ctx.event(action, None, "");
        found
            .plan
            .carry_out(&mut write, with, &found.team, line)
            .await?;
    }
    ctx.done(write, |seq| answer(changed.then_some(seq), done))
        .await
}

fn templates(row: &Connection) -> Result<TeamTemplates, ApiError> {
    let settings = Settings::parse(&row.config).map_err(ApiError::internal)?;
    let said = settings.scim.unwrap_or_default();
    TeamTemplates::read(&said.team_templates).map_err(|errors| {
        let first = errors.into_iter().next();
        ApiError::Conflict(first.map_or_else(String::new, |error| error.to_string()))
    })
}

/// What templates say of a group.
struct Found {
    group: ScimGroup,
    team: Team,
    wanted: Wanted,
    plan: Plan,
}

/// Every group of a connection.
async fn all(
    unit: &mut impl Unit,
    connection: ConnectionId,
    templates: &TeamTemplates,
) -> Result<Vec<Found>, ApiError> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let step = unit.scim_groups().walk(connection, &after, STEP).await?;
        let Some(last) = step.last() else {
            return Ok(all);
        };
        after.clone_from(&last.name_key);
        for group in step {
            all.extend(Found::of(unit, templates, group).await?);
        }
    }
}

impl Found {
    async fn of(
        unit: &mut impl Unit,
        templates: &TeamTemplates,
        group: ScimGroup,
    ) -> Result<Option<Self>, ApiError> {
        let Some(team) = unit.teams().get(group.team).await? else {
            return Ok(None);
        };
        let made = (team.organization, group.made_as.as_str());
        let wanted = wanted(unit, templates, made).await?;
        let plan = plan(unit, team.id, &wanted).await?;
        Ok(Some(Self {
            group,
            team,
            wanted,
            plan,
        }))
    }

    /// Refuses to give what the actor couldn't give by itself (P7).
    fn require(&self, authority: &Authority) -> Result<(), ApiError> {
        match &self.plan.gives {
            Some((role, path)) => authority.require_covers(role, path),
            None => Ok(()),
        }
    }

    /// As it is answered, with places by name.
    async fn shown(&self, unit: &mut impl Unit) -> Result<TemplatedGroup, ApiError> {
        let given = self.plan.gives.iter().filter_map(|(role, path)| {
            let resource = path.first().copied()?;
            Some((role.to_string(), resource))
        });
        let taken = self.plan.takes.iter();
        let taken = taken.map(|record| (record.grant.role.to_string(), record.grant.resource));
        let (mut gives, mut takes) = (Vec::new(), Vec::new());
        for (role, resource) in given {
            gives.push(format!("{role} at {}", place(unit, resource).await?));
        }
        for (role, resource) in taken {
            takes.push(format!("{role} at {}", place(unit, resource).await?));
        }
        Ok(TemplatedGroup {
            team: self.team.id,
            team_name: self.team.name.clone(),
            display_name: self.group.display_name.clone(),
            made_as: self.group.made_as.clone(),
            template: self.wanted.template.and_then(|at| u32::try_from(at).ok()),
            gives,
            takes,
            missing: self.wanted.missing.clone(),
        })
    }
}

/// A place by the names of what it is in.
async fn place(unit: &mut impl Unit, resource: Resource) -> Result<String, StoreError> {
    let (organization, workspace, deployment) = match resource {
        Resource::System => return Ok("the installation".to_owned()),
        Resource::Organization(id) => (Some(id), None, None),
        Resource::Workspace(id) => {
            let found = unit.workspaces().get(id).await?;
            (found.as_ref().map(|found| found.organization), found, None)
        }
        Resource::Deployment(id) => {
            let deployment = unit.deployments().get(id).await?;
            let workspace = match &deployment {
                Some(found) => unit.workspaces().get(found.workspace).await?,
                None => None,
            };
            let organization = deployment.as_ref().map(|found| found.organization);
            (organization, workspace, deployment)
        }
    };
    let organization = match organization {
        Some(id) => unit.organizations().get(id).await?,
        None => None,
    };
    let names = [
        organization.map(|found| found.name),
        workspace.map(|found| found.name),
        deployment.map(|found| found.name),
    ];
    let names: Vec<String> = names.into_iter().flatten().map(String::from).collect();
    Ok(names.join("/"))
}
