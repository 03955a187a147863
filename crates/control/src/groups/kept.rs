//! What is kept of a group: its name, whether it is there, and the Team's name while that is only the id.

use aeolus_model::{Action, AuditEvent, Change, Time};
use aeolus_store::{GroupTeam, StoreError, Team, Unit as _, Write};

use super::{Line, named};

/// Whether what a provider says of a group is something else than what is kept.
pub(super) fn is_news(found: &GroupTeam, name: Option<&str>) -> bool {
    found.gone_at.is_some() || name.is_some_and(|name| found.name.as_deref() != Some(name))
}

/// The group is there, and called so if that is known. Returns what is kept of it now. Its organization is locked
/// from then on, if something changes: that is where people name Teams, too.
pub(super) async fn there(
    write: &mut Write,
    found: GroupTeam,
    name: Option<&str>,
    line: Line<'_>,
) -> Result<GroupTeam, StoreError> {
    if !is_news(&found, name) {
        return Ok(found);
    }
    write.group_teams().hold(found.connection).await?;
    if let Some(team) = write.teams().get(found.team).await? {
        write.organizations().lock(team.organization).await?;
    }
    let (Some(found), Some(team)) = (
        write.group_teams().get(found.team).await?,
        write.teams().get(found.team).await?,
    ) else {
        return Ok(found);
    };
    let mut kept = GroupTeam {
        gone_at: None,
        ..found.clone()
    };
    if found.gone_at.is_some() {
        write.audit(about(line(Action::TeamBack), &team, Vec::new()));
    }
    if let Some(name) = name.filter(|name| found.name.as_deref() != Some(*name)) {
        kept.name = Some(name.to_owned());
        let mut changes: Vec<Change> =
            Change::of("group", found.name.as_deref().unwrap_or(""), name)
                .into_iter()
                .collect();
        if found.by_id {
            kept.by_id = false;
            let group = (found.connection, found.group.as_str());
            let wanted = named::free(write, team.organization, group, name).await?;
            changes.extend(Change::of("name", team.name.as_str(), wanted.as_str()));
            let renamed = Team {
                name: wanted,
                ..team.clone()
            };
            write.teams().update(&renamed).await?;
        }
        write.audit(about(line(Action::TeamUpdate), &team, changes));
    }
    write.group_teams().update(&kept).await?;
    Ok(kept)
}

/// The provider has the group no more: everybody is out, so that its roles end with the next that gates hear.
pub(super) async fn gone(
    write: &mut Write,
    found: GroupTeam,
    now: Time,
    line: Line<'_>,
) -> Result<(), StoreError> {
    write.group_teams().hold(found.connection).await?;
    let (Some(found), Some(team)) = (
        write.group_teams().get(found.team).await?,
        write.teams().get(found.team).await?,
    ) else {
        return Ok(());
    };
    let members = write.teams().members(team.id).await?;
    for member in &members {
        write.teams().remove(team.id, member.user).await?;
    }
    if found.gone_at.is_some() {
        return Ok(());
    }
    let changes = vec![Change::from("members", members.len().to_string())];
    write.audit(about(line(Action::TeamGone), &team, changes));
    write.group_teams().gone(team.id, now).await
}

/// A line about a Team.
pub(super) fn about(line: AuditEvent, team: &Team, changes: Vec<Change>) -> AuditEvent {
    AuditEvent {
        organization: Some(team.organization),
        target: team.id.to_string(),
        changes,
        ..line
    }
}
