//! Teams of an organization (note 031). Who is in one of a group's is the provider's to say (note 029).

mod add;
mod create;
mod delete;
mod get;
mod group;
mod import;
mod list;
mod members;
mod remove;
mod set;
mod view;

pub(crate) use add::add;
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(in crate::tenancy) use group::Group;
pub(crate) use import::import;
pub(crate) use list::list;
pub(crate) use members::members;
pub(crate) use remove::remove;
pub(crate) use set::set;

use aeolus_api::team::MAX_DESCRIPTION;
use aeolus_model::{
    Action, AuditEvent, Change, Grant, OrganizationId, Permission, Slug, Subject, TeamId, UserId,
};
use aeolus_store::{GrantRecord, ManagedBy, Member, Team, Unit, Write};

use crate::authority::{Authority, organization_path, path_within};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::tenancy::roles;

/// A team, and the group that it stands for if it does.
pub(super) struct Found {
    team: Team,
    group: Group,
}

/// A team by id or name. Some are named by the id of their group, which reads like one of ours.
async fn find(
    unit: &mut impl Unit,
    organization: OrganizationId,
    text: &str,
) -> Result<Found, ApiError> {
    let by_id = match text.parse() {
        Ok(id) => unit.teams().get(id).await?,
        Err(_) => None,
    };
    let mut found = by_id.filter(|team| team.organization == organization);
    if found.is_none()
        && let Ok(name) = text.parse()
    {
        found = unit.teams().by_name(organization, &name).await?;
    }
    let team = found.ok_or(ApiError::NotFound("team"))?;
    Found::of(unit, team).await
}

/// Refuses unless the actor may make, change and delete the organization's teams (row P1).
fn require(authority: &Authority, organization: OrganizationId) -> Result<(), ApiError> {
    let path = organization_path(organization);
    authority.require(Permission::OrganizationTeamsUpdate, &path)
}

/// Refuses to put somebody into a team that has a role which the actor couldn't give them by itself: what a team
/// has, everybody in it has (P7).
async fn require_gives(
    write: &mut Write,
    (authority, organization): (&Authority, OrganizationId),
    team: TeamId,
) -> Result<(), ApiError> {
    for record in write.grants().of(Subject::Team(team)).await? {
        let Grant { role, resource, .. } = &record.grant;
        let path = path_within(write, organization, *resource).await?;
        let path = path.unwrap_or_default();
        authority.require(roles::iam(*resource), &path)?;
        authority.require_covers(role, &path)?;
    }
    Ok(())
}

impl Found {
    async fn of(unit: &mut impl Unit, team: Team) -> Result<Self, ApiError> {
        let group = Group::of(unit, team.id).await?;
        Ok(Self { team, group })
    }

    /// Refuses to say who is in a team where a provider does.
    async fn refuse_group(&self, unit: &mut impl Unit) -> Result<(), ApiError> {
        self.group.refuse_members(unit, &self.team.name).await
    }

    /// Refuses to rename or delete a team that a provisioning client made.
    async fn refuse_provisioned(&self, unit: &mut impl Unit) -> Result<(), ApiError> {
        self.group.refuse_provisioned(unit, &self.team.name).await
    }

    /// Refuses where a fleet document counts on there being a team of this name: it made it, or gives it roles,
    /// which another team of that name would get.
    fn refuse_named(&self, held: &[GrantRecord]) -> Result<(), ApiError> {
        let name = &self.team.name;
        if self.team.managed_by == ManagedBy::Apply {
            return Err(ApiError::Managed(format!(
                "{name} was made by a fleet document."
            )));
        }
        let given = held.iter().filter(|r| r.managed_by == ManagedBy::Apply);
        match given.count() {
            0 => Ok(()),
            count => Err(ApiError::Managed(format!(
                "A fleet document gives {name} roles, {count} of those that it has."
            ))),
        }
    }
}

/// Refuses a name that reads like an id: people and programs name teams by either.
fn check_name(name: &Slug) -> Result<(), ApiError> {
    if name.as_str().parse::<TeamId>().is_ok() {
        return Err(ApiError::field("name", "it reads like an id; use words"));
    }
    Ok(())
}

fn check_description(text: &str) -> Result<(), ApiError> {
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(char::is_control) {
        let what = format!("use at most {MAX_DESCRIPTION} characters on one line");
        return Err(ApiError::field("description", what));
    }
    Ok(())
}

/// Puts somebody in. Says whether they weren't already.
async fn put_in(ctx: &Ctx, write: &mut Write, team: &Team, user: UserId) -> Result<bool, ApiError> {
    let member = Member {
        team: team.id,
        user,
        managed_by: ManagedBy::Api,
    };
    if !write.teams().add(&member).await? {
        return Ok(false);
    }
    let change = Change::to("team", team.name.to_string());
    write.audit(about_member(ctx, team, user, change));
    Ok(true)
}

/// The line that somebody is in a team from now on, or no more.
fn about_member(ctx: &Ctx, team: &Team, user: UserId, change: Change) -> AuditEvent {
    AuditEvent {
        changes: vec![change],
        ..ctx.event(Action::TeamMembers, Some(team.organization), user)
    }
}
