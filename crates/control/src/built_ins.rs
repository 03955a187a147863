//! Planes are told anew when control is started with other built-in roles (row F12).

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_model::{
    Action, Actor, AuditEvent, BuiltIns, Change, Outcome, Permission, PermissionSet, Role, Time,
};
use aeolus_store::{Store, StoreError, Unit as _};
use serde::{Deserialize, Serialize};

const SETTING: &str = "built-in-roles";

/// Replicas are restarted one after another, and the last of those with the old roles may have told planes
/// of them since. For so long every start tells anew.
const ROLLING: Duration = Duration::from_secs(86_400);

/// What control was started with last.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Started {
    /// What each customised role allows.
    roles: BTreeMap<Role, Vec<Permission>>,
    /// Since when, in milliseconds.
    since: i64,
}

/// Notes what the built-in roles allow from now on. If that is something else, or may have been, every
/// plane gets its records anew.
pub(crate) async fn note(store: &Store, here: &BuiltIns, now: Time) -> Result<(), StoreError> {
    let before = store.read().await?.settings().get(SETTING).await?;
    let before = before.map_or(Ok(Started::default()), |text| serde_json::from_str(&text));
    // What can't be read is something else.
    let readable = before.is_ok();
    let before = before.unwrap_or_default();
    let names = |set: PermissionSet| set.iter().collect::<Vec<_>>();
    let roles: BTreeMap<_, _> = here
        .customised()
        .map(|(role, set)| (role, names(set)))
        .collect();
    let same = readable && roles == before.roles;
    let since = Time::from_millis(before.since);
    if same && roles.is_empty() && now.since(since) >= ROLLING {
        return Ok(());
    }
    let mut write = store.write().await?;
    let since = if same { before.since } else { now.millis() };
    if !same {
        write.audit(event(&before.roles, here, now));
    }
    let started = Started { roles, since };
    let text = serde_json::to_string(&started);
    let text = text.map_err(|error| StoreError::Engine(error.to_string()))?;
    write.settings().put(SETTING, &text).await?;
    write.commit().await.map(|_| ())
}

fn event(before: &BTreeMap<Role, Vec<Permission>>, here: &BuiltIns, now: Time) -> AuditEvent {
    let text = |set: Vec<Permission>| {
        let names: Vec<_> = set.into_iter().map(Permission::name).collect();
        names.join(" ")
    };
    let change = |role: &Role| {
        let had = before.get(role).cloned();
        let had = had.unwrap_or_else(|| role.shipped().iter().collect());
        let has = here.of(*role).iter().collect();
        Change::of(role.name(), &text(had), &text(has))
    };
    AuditEvent {
        at: now,
        actor: Actor::System,
        action: Action::RoleCustomise,
        organization: None,
        target: "built-in roles".to_owned(),
        outcome: Outcome::Success,
        reason: String::new(),
        source: String::new(),
        request_id: String::new(),
        changes: Role::ALL.iter().filter_map(change).collect(),
    }
}
