//! `aeolus key`.

mod certificates;
mod import;
mod reseal;
mod shown;

use aeolus_api::client::{KeyRemoval, Wait};
use aeolus_api::key::KeyRotate as Wanted;
use aeolus_api::{PlaneAcks, key::Key};
use aeolus_model::{Clock as _, Secret};

use super::Context;
use crate::args::{KeyHeld, KeyList, KeyRemove, KeyRotate};
use crate::config::Sources;
use crate::control_client::refused;
use crate::report::Failure;
use crate::ui::{self, Output};

pub(super) use certificates::certificates;
pub(super) use import::import;
pub(super) use reseal::reseal;

/// Lists keys.
pub(super) async fn list(args: &KeyList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let listed = client.keys().await.map_err(refused)?;
    let mut keys = listed.items;
    keys.retain(|key| args.purpose.is_none_or(|purpose| key.purpose == purpose));
    let table = shown::table(&keys, context.clock.now());
    ui::answer(context.output, &keys, &table)?;
    say_needs(&keys);
    if let Some(ends) = listed.next_upgrade.and_then(|next| next.ends) {
        ui::note(&format!(
            "warning: keys.regenerateEachUpgrade: the next upgrade will end {ends}. keys.rotateEachUpgrade in its place gives new keys and ends nothing."
        ));
    }
    Ok(())
}

/// Rotates a key.
pub(super) async fn rotate(args: &KeyRotate, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let wanted = Wanted {
        activate_in: args.activate_in,
        regardless: args.regardless,
        compromised: args.compromised,
        dry_run: args.dry_run,
    };
    let rotated = client.rotate_key(args.purpose, &wanted, wait(args.no_wait));
    let rotated = rotated.await.map_err(refused)?;
    let table = shown::table(&rotated.keys, context.clock.now());
    ui::answer(context.output, &rotated, &table)?;
    say_ended(&rotated.removed, args.dry_run, context);
    say_needs(&rotated.keys);
    say_unconfirmed(rotated.planes.as_ref());
    Ok(())
}

/// Removes a key.
pub(super) async fn remove(args: &KeyRemove, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let how = KeyRemoval {
        compromised: args.compromised,
        dry_run: args.dry_run,
    };
    let removed = client.remove_key(&args.kid, how, wait(args.no_wait)).await;
    let removed = removed.map_err(refused)?;
    let keys = std::slice::from_ref(&removed.removed);
    let table = shown::needs(keys, context.clock.now());
    ui::answer(context.output, &removed, &table)?;
    say_ended(keys, args.dry_run, context);
    say_unconfirmed(removed.planes.as_ref());
    Ok(())
}

const fn wait(no_wait: bool) -> Wait {
    if no_wait { Wait::No } else { Wait::Planes }
}

/// What goes with removed keys.
fn say_ended(removed: &[Key], dry_run: bool, context: &Context) {
    for key in removed {
        let verb = if dry_run { "would end" } else { "ended" };
        ui::note(&format!(
            "Key {} ({}) {verb}, and with it {}.",
            key.kid,
            key.purpose,
            shown::ending(key)
        ));
    }
    let affected = removed
        .iter()
        .any(|key| !key.needed.organizations.is_empty());
    if affected && context.output == Output::Table {
        for key in removed {
            for place in &key.needed.organizations {
                ui::note(&format!("  {} tokens of {}", place.tokens, place.name));
            }
        }
        ui::note("Give each of these tokens a new value: aeolus token rotate ID");
    }
}

/// What an operator has to do before a key can sign.
fn say_needs(keys: &[Key]) {
    for key in keys {
        let needs = key.next.as_ref().and_then(|next| next.needs.as_ref());
        if let Some(needs) = needs {
            ui::note(&format!("Key {} ({}) needs {needs}.", key.kid, key.purpose));
        }
    }
}

fn say_unconfirmed(planes: Option<&PlaneAcks>) {
    for plane in planes.iter().flat_map(|planes| &planes.unconfirmed) {
        ui::note(&format!(
            "warning: plane {} has not said that its gates know of it; they go by what they knew before",
            plane.name
        ));
    }
}

/// The database's URL, and the master key that opens what it keeps sealed.
fn held(args: &KeyHeld, context: &Context) -> Result<(Secret<String>, Secret<[u8; 32]>), Failure> {
    let sources = Sources {
        file: args.file.config.as_deref(),
        environment: &context.environment,
        flags: args.flags(),
    };
    let effective = sources.load()?;
    let (config, base) = (effective.config, effective.base);
    let master = config.keys.master(&base, &context.environment)?;
    let url = &config.database.url;
    let url = url.read("database.url", &base, &context.environment)?;
    Ok((url, master))
}
