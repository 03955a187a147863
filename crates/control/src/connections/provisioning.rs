//! What the configuration says of how connections provision: a code, and how users and groups are taken. It is said
//! apart from how people sign in, so that somebody provisions who signs nobody in, and the other way round.

use aeolus_api::scim::ScimConnection;
use aeolus_model::{Change, ConnectionId, Secret, Slug};
use aeolus_store::{Connection, ManagedBy};

use super::Settings;
use super::configured::{ConfigureError, With, text};
use super::receiver::{Receiver, ScimEventsTo};
use crate::scim::ScimCode;

/// What the audit log calls who is told.
pub(super) const EVENTS: &str = "scimEvents";

/// How one connection provisions, as the configuration says.
#[derive(Clone, Debug)]
pub struct Provisioning {
    /// The connection's name.
    pub name: Slug,
    /// Its type: `okta`, `microsoft` and so on.
    pub kind: String,
    /// What the provider shows: a token, or `user:password`.
    pub code: Option<Secret<String>>,
    /// How users and groups are taken.
    pub settings: ScimConnection,
    /// Who is told of them.
    pub events: Option<ScimEventsTo>,
}

/// Another row for one that is wanted, with what changes; none if it is right.
pub(super) fn bring(
    With {
        master,
        scim_key,
        clock,
        rng,
    }: With<'_>,
    wanted: &Provisioning,
    found: Option<&Connection>,
) -> Result<Option<(Connection, Vec<Change>)>, ConfigureError> {
    let code = wanted.code.as_ref();
    let code = code.map(|code| ScimCode::new(scim_key, code.expose()));
    let said = (wanted.settings != ScimConnection::default()).then(|| wanted.settings.clone());
    let row = match found {
        Some(found) => found.clone(),
        None => Connection {
            id: ConnectionId::new(clock, rng),
            name: wanted.name.clone(),
            kind: wanted.kind.clone(),
            config: String::new(),
            // A fleet document may say how people sign in there.
            managed_by: ManagedBy::Api,
            revision: 0,
        },
    };
    let before = Settings::of(&row).unwrap_or_default();
    let held = before.scim_events.as_ref();
    let events = wanted.events.as_ref();
    let events = events.map(|to| Receiver::of(to, (master, rng), (row.id, held)));
    let after = Settings {
        scim_code: code,
        scim_events: events.transpose()?,
        // What a document says counts where nothing is said here.
        scim: said.or_else(|| {
            before
                .scim
                .clone()
                .filter(|_| row.managed_by == ManagedBy::Apply)
        }),
        ..before.clone()
    };
    changed(row, (&before, &after), found.is_none())
}

/// Another row for one that isn't wanted any more.
pub(super) fn leave(row: &Connection) -> Result<Option<(Connection, Vec<Change>)>, ConfigureError> {
    let Some(before) = Settings::of(row) else {
        return Ok(None);
    };
    let after = Settings {
        scim_code: None,
        scim_events: None,
        scim: before
            .scim
            .clone()
            .filter(|_| row.managed_by == ManagedBy::Apply),
        ..before.clone()
    };
    changed(row.clone(), (&before, &after), false)
}

fn changed(
    row: Connection,
    (before, after): (&Settings, &Settings),
    is_new: bool,
) -> Result<Option<(Connection, Vec<Change>)>, ConfigureError> {
    if before == after && !is_new {
        return Ok(None);
    }
    let shown = |of: &Settings| {
        let said = of.scim.as_ref();
        said.map_or_else(String::new, |said| {
            serde_json::to_string(said).unwrap_or_default()
        })
    };
    let had = |of: &Settings| {
        if of.scim_code.is_some() {
            "one"
        } else {
            "none"
        }
    };
    let now = match (&before.scim_code, &after.scim_code) {
        (Some(one), Some(other)) if one != other => "another",
        _ => had(after),
    };
    let changes = [
        Change::of("scim", &shown(before), &shown(after)),
        Change::of("scimAuthCode", had(before), now),
        receiver((before, after)),
    ];
    let row = Connection {
        config: text(after)?,
        ..row
    };
    Ok(Some((row, changes.into_iter().flatten().collect())))
}

/// Where events go. Of the header only that it is another.
fn receiver((before, after): (&Settings, &Settings)) -> Option<Change> {
    let shown = |of: &Settings, mark: &str| {
        let to = of.scim_events.as_ref();
        to.map_or_else(String::new, |to| {
            format!("{} for {}{mark}", to.endpoint, to.audience())
        })
    };
    let header = |of: &Settings| of.scim_events.as_ref().map(|to| to.authorization.clone());
    let another = header(before) != header(after);
    let mark = if another {
        ", another authorization"
    } else {
        ""
    };
    Change::of(EVENTS, &shown(before, ""), &shown(after, mark))
}
