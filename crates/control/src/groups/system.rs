//! Roles in the whole installation that groups give: grants to their Teams, looked after by the configuration
//! (row D3). They are what it says and never more, and are taken back with it.

use aeolus_model::{
    Action, AuditEvent, Change, Clock, ConnectionId, Grant, GrantId, GrantedRole, Resource, Rng,
    Subject,
};
use aeolus_oidc::TeamRules;
use aeolus_store::{GrantRecord, GroupTeam, ManagedBy, StoreError, Unit as _, Write};

use super::Line;

/// With what ids are made.
type With<'a> = (&'a dyn Clock, &'a dyn Rng);

/// Lets all Teams of a connection have what its rules say; without rules nothing. The installation is locked. Whoever
/// makes a Team of it at this moment is waited for, or reads these rules (`made`).
pub(crate) async fn settle_all(
    write: &mut Write,
    with: With<'_>,
    (connection, rules): (ConnectionId, Option<&TeamRules>),
) -> Result<(), StoreError> {
    let now = with.0.now();
    write.group_teams().hold(connection).await?;
    for team in write.group_teams().of_connection(connection).await? {
        settle(write, with, (&team, rules), &|action| {
            AuditEvent::of_system(now, action)
        })
        .await?;
    }
    Ok(())
}

/// Lets a Team have what the rules say.
pub(super) async fn settle(
    write: &mut Write,
    (clock, rng): With<'_>,
    (team, rules): (&GroupTeam, Option<&TeamRules>),
    line: Line<'_>,
) -> Result<(), StoreError> {
    let wanted = rules.and_then(|rules| rules.system_role(&rules.id_of(&team.group, &team.place)));
    let wanted = wanted.map(GrantedRole::BuiltIn);
    let subject = Subject::Team(team.team);
    let held = write.grants().of(subject).await?;
    let held: Vec<GrantRecord> = held
        .into_iter()
        .filter(|record| record.grant.resource == Resource::System)
        .collect();
    for record in &held {
        let ours = record.managed_by == ManagedBy::Configuration;
        if !ours || Some(&record.grant.role) == wanted.as_ref() {
            continue;
        }
        write.grants().lock_system().await?;
        write.grants().delete(record.grant.id).await?;
        let change = Change::from("role", record.grant.role.to_string());
        write.audit(about(line(Action::GrantDelete), record, team, change));
    }
    let Some(role) = wanted.filter(|role| !held.iter().any(|held| held.grant.role == *role)) else {
        return Ok(());
    };
    let record = GrantRecord {
        grant: Grant {
            id: GrantId::new(clock, rng),
            subject,
            role,
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Configuration,
    };
    write.grants().insert(&record).await?;
    let change = Change::to("role", record.grant.role.to_string());
    write.audit(about(line(Action::GrantCreate), &record, team, change));
    Ok(())
}

fn about(line: AuditEvent, record: &GrantRecord, team: &GroupTeam, change: Change) -> AuditEvent {
    AuditEvent {
        target: record.grant.id.to_string(),
        changes: vec![change, Change::to("team", team.team.to_string())],
        ..line
    }
}
