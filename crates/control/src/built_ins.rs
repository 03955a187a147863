//! What the built-in roles allow in this installation (row F12): as control was last started, whichever
//! replica that was.
//!
//! The database keeps what control was last started with. A replica that was started with something else
//! before lets nobody do more at its own API than both allow, and leaves records to be published by the
//! others: so what was taken from a role stays taken while replicas are restarted one after another. Where no
//! other one publishes them it stands in, with what both allow.

use std::collections::BTreeMap;
use std::sync::Arc;

use aeolus_model::{Action, AuditEvent, BuiltIns, Change, Permission, PermissionSet, Role, Time};
use aeolus_store::{Store, StoreError, Unit, Write};
use serde::{Deserialize, Serialize};

use crate::app::App;

const SETTING: &str = "built-in-roles";
/// There while planes have records from a replica that stands in.
const STAND_IN: &str = "built-in-roles-stand-in";

/// What this process was started with.
pub(crate) struct StartedWith {
    roles: Arc<BuiltIns>,
    /// The same as it is kept.
    text: String,
}

/// What the built-in roles allow at a moment.
pub(crate) struct InForce {
    /// What each of them allows.
    pub(crate) roles: Arc<BuiltIns>,
    /// Another replica was started later, with other roles.
    pub(crate) overtaken: bool,
}

/// As it is kept: what each customised role allows. Releases before and after this one may have other names.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    roles: BTreeMap<String, Vec<String>>,
}

impl Kept {
    fn of(here: &BuiltIns) -> Self {
        let names = |set: PermissionSet| set.iter().map(|p| p.name().to_owned()).collect();
        let customised = here.customised();
        Self {
            roles: customised
                .map(|(role, set)| (role.name().to_owned(), names(set)))
                .collect(),
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        let wrong = |error| StoreError::Corrupt(format!("the setting {SETTING}: {error}"));
        serde_json::from_str(text).map_err(wrong)
    }

    /// As far as this release knows the names: what it doesn't know it allows nobody.
    fn built_ins(&self) -> BuiltIns {
        let set = |names: &Vec<String>| names.iter().filter_map(|name| name.parse().ok()).collect();
        let known = |(role, names): (&String, _)| Some((role.parse().ok()?, set(names)));
        self.roles.iter().filter_map(known).collect()
    }
}

impl StartedWith {
    /// Until it is noted, nothing counts that others don't allow as well.
    pub(crate) fn new(here: &BuiltIns) -> Result<Self, StoreError> {
        let text = serde_json::to_string(&Kept::of(here));
        Ok(Self {
            roles: Arc::new(here.clone()),
            text: text.map_err(|error| StoreError::Engine(error.to_string()))?,
        })
    }

    /// Notes what the built-in roles allow from now on. If that is something else, every plane gets its
    /// records anew. Only for a replica that answers requests: one that doesn't get so far overtakes nobody.
    pub(crate) async fn note(&self, store: &Store, now: Time) -> Result<(), StoreError> {
        let own = Kept::of(&self.roles);
        let before = store.read().await?.settings().get(SETTING).await?;
        let before = before.map_or(Ok(Kept::default()), |text| Kept::parse(&text));
        // What can't be read is something else.
        if !before.as_ref().is_ok_and(|before| *before == own) {
            let mut write = store.write().await?;
            let before = before.unwrap_or_default().built_ins();
            write.audit(event(&before, &self.roles, now));
            write.settings().put(SETTING, &self.text).await?;
            write.commit().await?;
        }
        Ok(())
    }

    /// What counts as of this view: if another replica was started later with other roles, no more than
    /// both say.
    pub(crate) async fn in_force(&self, unit: &mut impl Unit) -> Result<InForce, StoreError> {
        let kept = unit.settings().get(SETTING).await?;
        let own = || InForce {
            roles: Arc::clone(&self.roles),
            overtaken: false,
        };
        if kept.as_ref() == Some(&self.text) {
            return Ok(own());
        }
        let kept = kept.map_or(Ok(Kept::default()), |text| Kept::parse(&text))?;
        if kept == Kept::of(&self.roles) {
            return Ok(own());
        }
        Ok(InForce {
            roles: Arc::new(self.roles.narrowed(&kept.built_ins())),
            overtaken: true,
        })
    }
}

/// Whether planes have records from a replica that stands in: nobody else published any.
pub(crate) async fn stood_in(unit: &mut impl Unit) -> Result<bool, StoreError> {
    Ok(unit.settings().get(STAND_IN).await?.is_some())
}

/// Notes that a plane gets such records, in the transaction that stores them.
pub(crate) async fn stand_in(write: &mut Write) -> Result<(), StoreError> {
    if stood_in(write).await? {
        return Ok(());
    }
    write.settings().note(STAND_IN, "{}").await
}

/// Takes over from whoever stood in: every plane gets its records anew.
pub(crate) async fn take_over(app: &App) -> Result<(), StoreError> {
    let mut write = app.store.write().await?;
    write.settings().delete(STAND_IN).await?;
    app.commit(write).await.map(|_| ())
}

fn event(before: &BuiltIns, here: &BuiltIns, now: Time) -> AuditEvent {
    let text = |set: PermissionSet| {
        let names: Vec<_> = set.iter().map(Permission::name).collect();
        names.join(" ")
    };
    let change = |role: &Role| {
        let (had, has) = (before.of(*role), here.of(*role));
        Change::of(role.name(), &text(had), &text(has))
    };
    AuditEvent {
        target: "built-in roles".to_owned(),
        changes: Role::ALL.iter().filter_map(change).collect(),
        ..AuditEvent::of_system(now, Action::RoleCustomise)
    }
}
