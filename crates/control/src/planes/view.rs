//! A plane as the API shows it.

use aeolus_api::oauth::{GATE_CALLBACK_PATH, GATE_CLIENT_KEYS_PATH};
use aeolus_api::plane::{Plane, PlaneState};
use aeolus_model::{Host, PlaneId, Slug, is_loopback};
use aeolus_store::{PlaneStage, Replica, StoreError, Unit};

use super::acks::Confirmed;
use crate::app::App;

/// Gates that were silent for longer don't count: they are gone, or will report again.
pub(crate) const SILENT: std::time::Duration = std::time::Duration::from_secs(120);

/// With its publication and what its gates report.
pub(super) async fn view(
    app: &App,
    unit: &mut impl Unit,
    plane: aeolus_store::Plane,
) -> Result<Plane, StoreError> {
    let epoch = unit.settings().feed().await?.epoch;
    let published = unit.publications().get(plane.id).await?;
    let replicas = unit.replicas().on_plane(plane.id).await?;
    let last = replicas.iter().map(|r| r.reported_at).max();
    Ok(Plane {
        id: plane.id,
        state: match plane.stage {
            PlaneStage::Declared | PlaneStage::Pending { .. } => PlaneState::Invited,
            PlaneStage::Enrolled { .. } => PlaneState::Enrolled,
            PlaneStage::Quarantined { .. } => PlaneState::Quarantined,
        },
        redirect_uri: plane.auth_host.as_ref().map(redirect_uri),
        auth_host: plane.auth_host.map(|host| host.to_string()),
        name: plane.name,
        published_seq: published.map_or(0, |p| p.seq),
        applied_seq: confirmed(app, plane.id, &replicas).in_epoch(epoch).records,
        last_seen_at: last.map(aeolus_model::Time::secs),
        alarm: alarm(app, plane.id),
    })
}

/// Where providers send people back to.
pub(crate) fn redirect_uri(auth_host: &Host) -> String {
    at_auth_host(auth_host, GATE_CALLBACK_PATH)
}

/// Where providers find the keys of a plane's client that signs.
pub(crate) fn jwks_uri(auth_host: &Host, connection: &Slug) -> String {
    at_auth_host(auth_host, &format!("{GATE_CLIENT_KEYS_PATH}{connection}"))
}

/// On this machine alone, at the port of the gate's proxy.
fn at_auth_host(auth_host: &Host, path: &str) -> String {
    if is_loopback(auth_host.as_str()) {
        format!("http://{auth_host}:PORT{path}")
    } else {
        format!("https://{auth_host}{path}")
    }
}

/// What every gate of a plane that is heard of has in force; nothing if none is.
fn applied(app: &App, replicas: &[Replica]) -> Confirmed {
    let since = app.clock.now().minus(SILENT);
    let heard = replicas.iter().filter(|r| r.reported_at >= since);
    let has = heard.map(|replica| Confirmed {
        epoch: replica.epoch,
        revocations: replica.seq,
        records: replica.records,
    });
    has.reduce(Confirmed::min).unwrap_or_default()
}

/// The same, with what a plane's only gate has said by polling: reports come every 15 s only.
pub(crate) fn confirmed(app: &App, plane: PlaneId, replicas: &[Replica]) -> Confirmed {
    // A poll says nothing about the other gates of the plane; with several, reports count.
    let polled = if replicas.len() > 1 {
        Confirmed::default()
    } else {
        app.acks.of(plane)
    };
    applied(app, replicas).max(polled)
}

fn alarm(app: &App, plane: PlaneId) -> Option<String> {
    app.published.borrow().alarms.get(&plane).cloned()
}
