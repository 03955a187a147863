//! `aeolus gate client-keys`: what an identity provider verifies the plane's client by.

use aeolus_gate::ClientKeys as Keys;
use aeolus_keys::JwkSet;
use aeolus_model::{Clock as _, ConnectionId};

use super::super::Context;
use super::moment::Moment;
use super::secret::{Known, file};
use super::{no_snapshot, unusable};
use crate::args::ClientKeys;
use crate::report::{Failure, Report};
use crate::ui;

/// Prints the public keys as a JWK Set (RFC 7517 §5), whatever form of answers is asked for: that is what
/// providers take.
pub(crate) fn print(args: &ClientKeys, context: &Context) -> Result<(), Failure> {
    let keys = keys(args, context)?;
    let text = serde_json::to_string_pretty(&keys);
    let text = text.map_err(|error| unmade(&error.to_string()))?;
    ui::print(&format!("{text}\n"));
    Ok(())
}

fn keys(args: &ClientKeys, context: &Context) -> Result<JwkSet, Failure> {
    let read = file(&args.data)?.read().map_err(|error| unusable(&error))?;
    let known = Known::of(&args.data)?;
    let connection = find(&known, &args.connection)?;
    let Moment { now, drift } = Moment::of(context.clock.now(), known.time);
    if let Some(drift) = drift {
        ui::note(&format!("warning: {drift}; the keys may be others"));
    }
    let counting = read.keyring.from_generation(known.min_generation);
    let counting = counting.ok_or_else(|| {
        unmade("the snapshot refuses every generation of the plane secret that is here")
    })?;
    let keys = Keys::new(known.plane, &counting, now).jwks(connection);
    keys.map_err(|error| unmade(&error.to_string()))
}

/// The connection by its name, as the snapshot has it.
fn find(known: &Known, name: &str) -> Result<ConnectionId, Failure> {
    let all = known.connections.as_ref().ok_or_else(no_snapshot)?;
    let all = &all.connections;
    let found = all.iter().find(|connection| connection.name == name);
    let id = found.and_then(|connection| ConnectionId::from_slice(&connection.id).ok());
    id.ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
        Report::new("GATE-0012", format!("the plane knows no connection {name}"))
            .why("Each connection's client has a key of its own.")
            .help(format!("give one of: {}", names.join(", ")))
            .failed()
    })
}

fn unmade(why: &str) -> Failure {
    Report::new("GATE-0013", format!("no keys can be shown: {why}")).failed()
}
