//! The connections of control's configuration (design note 026). They end in the table like those of fleet
//! documents; the configuration wins, and what leaves it stays as a row that signs nobody in, so that a slip
//! costs nobody their link.

use std::collections::BTreeMap;

use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_model::{Action, AuditEvent, Change, Clock, ConnectionId, Rng, Secret, Time};
use aeolus_store::{Connection, ManagedBy, Store, StoreError, Unit, Write};

use super::provisioning::{self, Provisioning};
use super::{Settings, secret};
use crate::groups;

/// How people sign in, as the configuration says.
#[derive(Clone, Debug)]
pub struct SignInConfig {
    /// Whether accounts with a password kept here do.
    pub local: bool,
    /// Through which providers, each name once.
    pub connections: Vec<aeolus_oidc::Connection>,
    /// What provisions, each name once.
    pub provisioning: Vec<Provisioning>,
}

impl Default for SignInConfig {
    /// By password alone.
    fn default() -> Self {
        Self {
            local: true,
            connections: Vec::new(),
            provisioning: Vec::new(),
        }
    }
}

/// Why the connections of the configuration were not stored.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret could not be sealed.
    #[error("a connection's secret could not be sealed: {0}")]
    Seal(#[from] EnvelopeError),
}

/// What it is done with.
#[derive(Clone, Copy)]
pub(crate) struct With<'a> {
    pub(crate) master: &'a MasterKey,
    /// Under which codes are digested.
    pub(crate) scim_key: &'a Secret<[u8; 32]>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) rng: &'a dyn Rng,
}

impl<'a> With<'a> {
    pub(crate) fn new(
        master: &'a MasterKey,
        scim_key: &'a Secret<[u8; 32]>,
        (clock, rng): (&'a dyn Clock, &'a dyn Rng),
    ) -> Self {
        Self {
            master,
            scim_key,
            clock,
            rng,
        }
    }
}

/// How often it is tried where another replica does the same at the same moment.
const TRIES: usize = 5;

/// One row that has to be another.
struct Planned {
    row: Connection,
    is_new: bool,
    changes: Vec<Change>,
    reason: &'static str,
    /// Whether how people sign in is another, too.
    signs_in: bool,
}

/// What the audit log says where a connection is no more in the configuration.
const LEFT: &str = "left_the_configuration";

impl Planned {
    /// Whether nobody comes in through it from now on.
    fn leaves(&self) -> bool {
        self.reason == LEFT
    }

    /// Whether events go elsewhere from now on, or with another header.
    fn tells_another(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.field == provisioning::EVENTS)
    }
}

/// Brings the table about, if it is another: the transaction with its audit events, to be committed.
pub(crate) async fn begin(
    store: &Store,
    with: With<'_>,
    wanted: &SignInConfig,
) -> Result<Option<Write>, ConfigureError> {
    let mut view = store.read().await?;
    if plan(&mut view, with, wanted).await?.is_empty() {
        return Ok(None);
    }
    drop(view);
    // Whoever was faster may have left nothing to do.
    let mut write = store.write().await?;
    let planned = plan(&mut write, with, wanted).await?;
    if planned.is_empty() {
        write.rollback().await?;
        return Ok(None);
    }
    // What groups give in the whole installation is taken back with the rules.
    write.grants().lock_system().await?;
    for mut each in planned {
        if each.leaves() {
            // Whoever came through it has to come by another way.
            let mut sessions = write.sessions();
            let ended = sessions
                .end_all_through(each.row.id, with.clock.now())
                .await?;
            each.changes
                .push(Change::from("sessions", ended.to_string()));
        }
        // Whoever makes a Team by the rules of before is done, or reads those of now.
        if each.is_new {
            write.connections().insert(&each.row).await?;
        } else {
            if each.signs_in {
                write.group_teams().hold(each.row.id).await?;
            }
            write.connections().update(&each.row).await?;
            if each.tells_another() {
                write.scim_events().afresh(each.row.id).await?;
            }
        }
        write.audit(event(&each, with.clock.now()));
        if !each.signs_in {
            continue;
        }
        // What groups give in the whole installation is as the configuration says from the same moment.
        let mut wanted = wanted.connections.iter();
        let named = wanted.find(|wanted| *wanted.name() == each.row.name);
        let rules = named.and_then(aeolus_oidc::Connection::teams);
        groups::settle_all(&mut write, (with.clock, with.rng), (each.row.id, rules)).await?;
    }
    Ok(Some(write))
}

/// The same until the end: at a start, when nobody waits for the feed yet.
pub(crate) async fn store(
    store: &Store,
    with: With<'_>,
    wanted: &SignInConfig,
) -> Result<(), ConfigureError> {
    for _ in 1..TRIES {
        match once(store, with, wanted).await {
            // Another replica starts with the same configuration.
            Err(ConfigureError::Store(StoreError::Taken(_) | StoreError::Conflict)) => {}
            other => return other,
        }
    }
    once(store, with, wanted).await
}

async fn once(store: &Store, with: With<'_>, wanted: &SignInConfig) -> Result<(), ConfigureError> {
    if let Some(write) = begin(store, with, wanted).await? {
        write.commit().await?;
    }
    Ok(())
}

async fn plan<U: Unit>(
    unit: &mut U,
    with: With<'_>,
    wanted: &SignInConfig,
) -> Result<Vec<Planned>, ConfigureError> {
    let held = unit.connections().list().await?;
    let mut planned = Vec::new();
    for connection in &wanted.connections {
        let found = held.iter().find(|row| row.name == *connection.name());
        planned.extend(bring(with, connection, found)?);
    }
    for row in &held {
        let mut names = wanted.connections.iter();
        let named = names.any(|wanted| *wanted.name() == row.name);
        let settings = Settings::of(row).unwrap_or_default();
        if row.managed_by == ManagedBy::Configuration && !named && !settings.absent {
            planned.push(Planned {
                row: Connection {
                    config: text(&Settings {
                        absent: true,
                        ..settings
                    })?,
                    ..row.clone()
                },
                is_new: false,
                changes: Vec::new(),
                reason: LEFT,
                signs_in: true,
            });
        }
    }
    provision(with, &wanted.provisioning, &held, &mut planned)?;
    Ok(planned)
}

/// Adds what the configuration says of provisioning to what is planned.
fn provision(
    with: With<'_>,
    wanted: &[Provisioning],
    held: &[Connection],
    planned: &mut Vec<Planned>,
) -> Result<(), ConfigureError> {
    let mut names: Vec<_> = wanted.iter().map(|wanted| &wanted.name).collect();
    names.extend(held.iter().map(|row| &row.name));
    names.sort_unstable();
    names.dedup();
    for name in names {
        let so_far = planned.iter().position(|each| each.row.name == *name);
        let found = match so_far {
            Some(at) => planned.get(at).map(|each| each.row.clone()),
            None => held.iter().find(|row| row.name == *name).cloned(),
        };
        let changed = match wanted.iter().find(|wanted| wanted.name == *name) {
            Some(wanted) => provisioning::bring(with, wanted, found.as_ref())?,
            None => match &found {
                Some(row) => provisioning::leave(row)?,
                None => None,
            },
        };
        let Some((row, changes)) = changed else {
            continue;
        };
        match so_far.and_then(|at| planned.get_mut(at)) {
            Some(each) => {
                each.row = row;
                each.changes.extend(changes);
            }
            None => planned.push(Planned {
                row,
                is_new: found.is_none(),
                changes,
                reason: "provisioning",
                signs_in: false,
            }),
        }
    }
    Ok(())
}

/// What of a connection has to be another, if anything.
fn bring(
    With {
        master, clock, rng, ..
    }: With<'_>,
    wanted: &aeolus_oidc::Connection,
    found: Option<&Connection>,
) -> Result<Option<Planned>, ConfigureError> {
    let id = found.map_or_else(|| ConnectionId::new(clock, rng), |row| row.id);
    // What can't be read is written anew.
    let before = found.and_then(Settings::of).unwrap_or_default();
    let secret = wanted.client_secret().map(|secret| {
        let held = before.client_secret.clone();
        secret::seal_unless_held((master, rng), (id, secret::CLIENT), secret.expose(), held)
    });
    let after = Settings {
        sign_in: wanted.settings().clone(),
        client_secret: secret.transpose()?,
        absent: false,
        // The terms for tokens and the planes' clients are the fleet document's to say.
        ..before.clone()
    };
    let row = Connection {
        id,
        name: wanted.name().clone(),
        kind: wanted.kind().name().to_owned(),
        config: text(&after)?,
        managed_by: ManagedBy::Configuration,
        revision: found.map_or(0, |row| row.revision),
    };
    let same = found.is_some_and(|found| {
        before == after
            && Settings::of(found).is_some()
            && found.kind == row.kind
            && found.managed_by == row.managed_by
    });
    if same {
        return Ok(None);
    }
    let reason = match found {
        None => "new",
        Some(_) if before.absent => "back_in_the_configuration",
        Some(found) if found.managed_by != ManagedBy::Configuration => "taken_over",
        Some(_) => "changed",
    };
    Ok(Some(Planned {
        changes: changes(&before, &after),
        is_new: found.is_none(),
        row,
        reason,
        signs_in: true,
    }))
}

pub(super) fn text(settings: &Settings) -> Result<String, StoreError> {
    serde_json::to_string(settings).map_err(|error| StoreError::Engine(error.to_string()))
}

/// Key by key. Of a secret only that it is another.
fn changes(before: &Settings, after: &Settings) -> Vec<Change> {
    let shown = |settings: &Settings| -> BTreeMap<String, String> {
        let value = serde_json::to_value(&settings.sign_in).unwrap_or_default();
        let keys = value.as_object().into_iter().flatten();
        keys.map(|(key, value)| {
            let text = value.as_str().map(str::to_owned);
            (key.clone(), text.unwrap_or_else(|| value.to_string()))
        })
        .collect()
    };
    let (had, has) = (shown(before), shown(after));
    let keys: std::collections::BTreeSet<_> = had.keys().chain(has.keys()).collect();
    let empty = String::new();
    let mut changes: Vec<Change> = keys
        .into_iter()
        .filter_map(|key| {
            let text = |of: &BTreeMap<String, String>| of.get(key).unwrap_or(&empty).clone();
            Change::of(key, &text(&had), &text(&has))
        })
        .collect();
    if before.client_secret != after.client_secret {
        let said = |secret: &Option<String>| if secret.is_some() { "one" } else { "none" };
        let now = match (&before.client_secret, &after.client_secret) {
            (Some(_), Some(_)) => "another",
            (_, now) => said(now),
        };
        changes.extend(Change::of("clientSecret", said(&before.client_secret), now));
    }
    changes
}

fn event(planned: &Planned, at: Time) -> AuditEvent {
    AuditEvent {
        target: planned.row.name.to_string(),
        reason: planned.reason.to_owned(),
        changes: planned.changes.clone(),
        ..AuditEvent::of_system(at, Action::ConnectionConfigure)
    }
}
