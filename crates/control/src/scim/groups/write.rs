//! Making groups, changing and removing them.

use aeolus_model::{Action, AuditEvent, Change as Told, OrganizationId, Slug, Subject, TeamId};
use aeolus_scim::{Document, Error, MemberChanges, Reason, Resource};
use aeolus_store::{ManagedBy, ScimGroup, StoreError, Team, Unit as _, Write};

use super::super::answer::ScimFailure;
use super::super::caller::Caller;
use super::super::kept::{Change, Changed, Stored};
use super::super::team_templates::TeamTemplates;
use super::keys::Keys;
use super::members::{self, Moved};
use super::{roles, stored, team_of};
use crate::error::ApiError;
use crate::groups::free_name;
use crate::tenancy::grants;

/// So many are taken out ahead of what they are in. With more, a transaction counts as a change of everything.
const MOST_AHEAD: usize = 256;

/// Makes a group: a Team, with what the templates give one of this name, and with its members.
pub(super) async fn insert(
    caller: &Caller,
    write: &mut Write,
    document: Document,
) -> Result<Stored, ScimFailure> {
    let Document { resource, members } = document;
    let keys = Keys::of(&resource)?;
    let templates = templates(caller);
    let organization = organization(caller, write, &templates, &keys.display_name).await?;
    write.organizations().lock(organization).await?;
    let app = &caller.app;
    let (id, now) = (TeamId::new(&*app.clock, &*app.rng), app.clock.now());
    let of = id.to_string();
    let named = (caller.connection.id, of.as_str());
    let team = Team {
        id,
        organization,
        name: free_name(write, organization, named, &keys.display_name).await?,
        description: String::new(),
        managed_by: ManagedBy::Configuration,
        revision: 1,
    };
    write.teams().insert(&team).await?;
    let group = ScimGroup {
        team: id,
        connection: caller.connection.id,
        made_as: keys.display_name.clone(),
        display_name: keys.display_name,
        name_key: keys.name_key,
        external_id: keys.external_id,
        tree: text(&resource)?,
        version: 1,
        created_at: now,
        changed_at: now,
    };
    write.scim_groups().insert(&group).await?;
    let wanted = (organization, group.made_as.as_str());
    let wanted = roles::wanted(write, &templates, wanted).await?;
    let mut event = about(caller, Action::TeamCreate, &team);
    event.changes = vec![
        Told::to("name", team.name.to_string()),
        Told::to("connection", caller.connection.id.to_string()),
        Told::to("group", shown(&group.display_name)),
    ];
    let template = wanted
        .template
        .map(|at| Told::to("template", at.to_string()));
    let missing = wanted
        .missing
        .as_ref()
        .map(|what| Told::to("notGiven", what));
    event.changes.extend(template);
    event.changes.extend(missing);
    write.audit(event);
    let plan = roles::plan(write, id, &wanted).await?;
    let with = (&*app.clock, &*app.rng);
    let line = |action| caller.event(action, id);
    plan.carry_out(write, with, &team, line).await?;
    let members = members.map(MemberChanges::whole).unwrap_or_default();
    let moved = members::apply(caller, write, &team, &members).await?;
    moved.say(caller, write, &team);
    members::require_there(caller, write, &moved).await?;
    stored(group)
}

/// Makes a group another, and says who is in it.
///
/// What is in its tree is for the version that was seen. Changes to members are for whatever version it is in, unless the
/// request names one: they mean the same in any.
pub(super) async fn change(
    caller: &Caller,
    write: &mut Write,
    seen: &Stored,
    change: Change,
) -> Result<Changed, ScimFailure> {
    let keys = change
        .changed
        .then(|| Keys::of(&change.resource))
        .transpose()?;
    let (group, team) = held(caller, write, seen).await?;
    if (change.changed || change.exactly) && group.version != seen.version {
        return Err(StoreError::Conflict.into());
    }
    let moved = members::apply(caller, write, &team, &change.members).await?;
    let now = caller.app.clock.now();
    let after = match keys {
        Some(keys) => {
            let changed = ScimGroup {
                display_name: keys.display_name,
                name_key: keys.name_key,
                external_id: keys.external_id,
                tree: text(&change.resource)?,
                changed_at: now,
                ..group.clone()
            };
            let version = write.scim_groups().update(&changed, now).await?;
            say(caller, write, &team, (&group, &changed));
            ScimGroup { version, ..changed }
        }
        None if moved.is_empty() => group,
        None => {
            write.scim_groups().touch(group.team, now).await?;
            ScimGroup {
                version: group.version + 1,
                changed_at: now,
                ..group
            }
        }
    };
    moved.say(caller, write, &team);
    members::require_there(caller, write, &moved).await?;
    Ok(Changed {
        stored: stored(after)?,
        members: !moved.is_empty(),
        switched: None,
    })
}

/// Takes everybody out of a Team that is about to be removed and has roles, so that gates hear of each of them (note 031).
/// With more people they hear of it with everything.
pub(super) async fn empty(
    caller: &Caller,
    write: &mut Write,
    seen: &Stored,
) -> Result<bool, ScimFailure> {
    let (group, team) = held(caller, write, seen).await?;
    let roles = write.grants().of(Subject::Team(team.id)).await?;
    if roles.is_empty()
        || !write
            .scim_groups()
            .has_at_most(group.team, MOST_AHEAD)
            .await?
    {
        return Ok(false);
    }
    let out = write.scim_groups().keep_only(group.team, &[]).await?;
    let moved = Moved {
        out,
        ..Moved::default()
    };
    moved.say(caller, write, &team);
    Ok(!moved.is_empty())
}

/// Removes a group with its Team and what that was given.
pub(super) async fn remove(
    caller: &Caller,
    write: &mut Write,
    seen: &Stored,
) -> Result<(), ScimFailure> {
    let id = team_of(&seen.id).ok_or(StoreError::Conflict)?;
    // Whoever gives roles there, or makes a Team of this name, is waited for before the group is.
    if let Some(team) = write.teams().get(id).await? {
        write.organizations().lock(team.organization).await?;
    }
    let (_, team) = held(caller, write, seen).await?;
    let members = write.teams().count_members(team.id).await?;
    let roles = write.grants().of(Subject::Team(team.id)).await?;
    write.teams().delete(team.id).await?;
    let mut event = about(caller, Action::TeamDelete, &team);
    event.changes = vec![
        Told::from("name", team.name.to_string()),
        Told::from("members", members.to_string()),
    ];
    let roles = roles.iter().map(|record| grants::told(&record.grant));
    event
        .changes
        .extend(roles.map(|role| Told::from("role", role)));
    write.audit(event);
    Ok(())
}

/// The group as nobody else changes it until this transaction ends.
async fn held(
    caller: &Caller,
    write: &mut Write,
    seen: &Stored,
) -> Result<(ScimGroup, Team), ScimFailure> {
    let gone = || ScimFailure::from(StoreError::Conflict);
    let id = team_of(&seen.id).ok_or_else(gone)?;
    let group = write.scim_groups().hold(caller.connection.id, id).await?;
    let group = group.ok_or_else(gone)?;
    let team = write.teams().get(id).await?.ok_or_else(gone)?;
    Ok((group, team))
}

/// Where the Team is: where its template says, else where the connection does. A template may name an organization that
/// isn't there: then the Team has no role, and is where it would be without one.
async fn organization(
    caller: &Caller,
    write: &mut Write,
    templates: &TeamTemplates,
    name: &str,
) -> Result<OrganizationId, ScimFailure> {
    let named = templates.of(name).and_then(|found| found.organization);
    let named = named.and_then(|named| Slug::parse(&named).ok());
    if let Some(named) = named
        && let Some(found) = write.organizations().by_name(&named).await?
    {
        return Ok(found.id);
    }
    caller.settings.organization.ok_or_else(|| {
        let why = "It isn't said here which organization the groups of this connection belong to: an administrator has \
                   to set scim.organization of the connection.";
        Error::new(Reason::Unavailable, why).into()
    })
}

/// They were judged when they were configured.
fn templates(caller: &Caller) -> TeamTemplates {
    TeamTemplates::read(&caller.settings.team_templates).unwrap_or_else(|errors| {
        let connection = &caller.connection.name;
        for error in errors {
            tracing::error!(%connection, %error, "a connection's templates can't be read: its groups get no roles");
        }
        TeamTemplates::default()
    })
}

fn about(caller: &Caller, action: Action, team: &Team) -> AuditEvent {
    AuditEvent {
        organization: Some(team.organization),
        ..caller.event(action, team.id)
    }
}

/// What changed of what people see.
fn say(caller: &Caller, write: &mut Write, team: &Team, (before, after): (&ScimGroup, &ScimGroup)) {
    let id = |group: &ScimGroup| shown(group.external_id.as_deref().unwrap_or_default());
    let changes = [
        Told::of(
            "group",
            &shown(&before.display_name),
            &shown(&after.display_name),
        ),
        Told::of("externalId", &id(before), &id(after)),
    ];
    write.audit(AuditEvent {
        changes: changes.into_iter().flatten().collect(),
        ..about(caller, Action::TeamUpdate, team)
    });
}

/// A name as the audit log has it: short, on one line.
fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    let text = text.chars().filter(|c| !c.is_control());
    text.take(LONGEST).collect()
}

fn text(resource: &Resource) -> Result<String, ScimFailure> {
    Ok(serde_json::to_string(resource.tree()).map_err(ApiError::internal)?)
}
