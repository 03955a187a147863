//! `aeolus pki rotate-ca`: another root, step by step, each of which can be taken back.

use aeolus_model::Clock as _;
use aeolus_pki::state::{Record, Rotation, Slot};
use aeolus_pki::{Certificate, KeyKind, Life, certificates_pem};
use serde::Serialize;

use super::authorities::Shape;
use super::folder::{CROSS, Folder};
use super::{Context, authorities, is_encrypted, key_text, new_key, refused};
use crate::args::PkiRotateCa;
use crate::files::{damaged, read, unwritable, write_public};
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    state: &'static str,
    root: String,
    not_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_root: Option<String>,
    /// Live certificates of the root that goes.
    of_root: usize,
    /// And of the one that comes.
    of_next_root: usize,
    then: &'static str,
}

/// Takes a step, or says where things stand.
pub(super) fn rotate(args: &PkiRotateCa, context: &Context) -> Result<(), Failure> {
    let mut folder = Folder::open(&args.folder, context)?;
    if args.advance {
        advance(&mut folder, args, context)?;
    } else if args.rollback {
        rollback(&mut folder, args.force, context)?;
    }
    show(&folder, context)
}

fn advance(folder: &mut Folder, args: &PkiRotateCa, context: &Context) -> Result<(), Failure> {
    match folder.state.rotation {
        Rotation::Standby => begin(folder, args, context)?,
        Rotation::Init if !(args.clients_have_bundle || args.force) => {
            let bundle = folder.dir.join("bundle.crt");
            return Err(Report::new(
                "PKI-015",
                "clients that trust only the old root may still be there",
            )
            .why("Nothing was changed.")
            .help(format!(
                "give {} to every client, then say --clients-have-bundle",
                bundle.display()
            ))
            .usage());
        }
        Rotation::Init => {}
        Rotation::UpdateClients => {
            let old = folder.root_certificate(Slot::Root)?;
            let left = folder.state.current(&old, context.clock.now());
            let help = "renew them (aeolus pki renew --now), revoke those that nobody serves (aeolus pki revoke SERIAL), or say --force";
            blocked(&left, args.force, help)?;
        }
        Rotation::UpdateServers => {
            let (old, new) = (
                folder.root_certificate(Slot::Root)?,
                folder.root_certificate(Slot::NextRoot)?,
            );
            let left = folder.state.alive(&old, context.clock.now());
            let help = "wait until they have expired, revoke them (aeolus pki revoke SERIAL), or say --force if no server serves them any more";
            blocked(&left, args.force, help)?;
            // Remembered before anything is written: a run that is stopped is ended by the next, and not taken back.
            folder.state.rotation = Rotation::Retiring;
            folder.remember()?;
            return retire(folder, &new);
        }
        Rotation::Retiring => {
            let new = folder.root_certificate(Slot::NextRoot)?;
            return retire(folder, &new);
        }
    }
    folder.state.rotation = folder.state.rotation.next();
    folder.remember()
}

/// Makes the next root, which nothing is issued from yet.
fn begin(folder: &Folder, args: &PkiRotateCa, context: &Context) -> Result<(), Failure> {
    let old = folder.root(Slot::Root)?;
    let certificate = old.certificate();
    let kind = args
        .key
        .unwrap_or_else(|| KeyKind::like(certificate.key.kind()));
    let name = authorities::successor_name(certificate.common_name.as_deref().unwrap_or("CA"));
    let below = folder.pair(Slot::Issuing).exists();
    let below_key = if below { Some(new_key(kind)?) } else { None };
    let keys = (new_key(kind)?, below_key);
    let shape = Shape {
        life: Life::ROOT,
        intermediate_life: folder.state.intermediate_life,
        constraints: folder.state.constraints(),
    };
    let (next, below) = authorities::made(&name, keys, &shape, context)?;
    let cross = old.cross_sign(&next, (context.clock.now(), &context.rng));
    let cross = cross.map_err(|error| refused(&error))?;
    let with = (folder.passphrase.as_ref(), context);
    let mut texts = Vec::new();
    for (slot, old, authority) in [
        (Slot::NextRoot, Slot::Root, Some(&next)),
        (Slot::NextIssuing, Slot::Issuing, below.as_ref()),
    ] {
        let key = match authority {
            None => None,
            Some(authority) => {
                // What was encrypted stays so.
                let encrypt = args.encrypt || is_encrypted(&folder.pair(old).key)?;
                Some(key_text(authority.key(), encrypt, with)?)
            }
        };
        texts.push((slot, authority, key));
    }
    for (slot, authority, key) in texts {
        let pair = folder.pair(slot);
        pair.remove()?;
        if let (Some(authority), Some(key)) = (authority, key) {
            let text = certificates_pem([authority.certificate()]);
            pair.write(text.as_bytes(), key.expose().as_bytes())?;
        }
    }
    let text = certificates_pem([&cross]);
    write_public(&folder.dir.join(CROSS), text.as_bytes())?;
    folder
        .write_bundle(&[certificate, next.certificate()])
        .map(|_| ())
}

/// The next root takes the place of the old one. That it is over is remembered last: a run that is stopped is run
/// again, and ends it.
fn retire(folder: &mut Folder, new: &Certificate) -> Result<(), Failure> {
    for (from, to) in [
        (Slot::NextIssuing, Slot::Issuing),
        (Slot::NextRoot, Slot::Root),
    ] {
        let (from, to) = (folder.pair(from), folder.pair(to));
        if !from.exists() {
            continue;
        }
        let (certificate, key) = (read(&from.certificate)?, read(&from.key)?);
        let (Some(certificate), Some(key)) = (certificate, key) else {
            return Err(damaged(&from.certificate, &"one file of the pair is gone"));
        };
        to.write(&certificate, &key)?;
    }
    folder.write_bundle(&[new])?;
    // The old root's key could still sign for whoever hasn't heard.
    for slot in [Slot::Issuing, Slot::Root] {
        folder.pair(slot).forget()?;
    }
    folder.state.rotation = Rotation::Standby;
    let former = std::mem::take(&mut folder.state.former);
    folder.remember()?;
    for former in former {
        folder.pair(former.slot()).remove()?;
    }
    clear(folder)
}

fn rollback(folder: &mut Folder, force: bool, context: &Context) -> Result<(), Failure> {
    if folder.state.rotation == Rotation::Retiring {
        let what = "the old root is being replaced: the last step was stopped half-way";
        return Err(Report::new("PKI-016", what)
            .why("Nothing was changed.")
            .help("end it with --advance")
            .usage());
    }
    let Some(back) = folder.state.rotation.back() else {
        return Err(Report::new("PKI-016", "there is no change of the root to take back").usage());
    };
    if back == Rotation::Standby {
        let next = folder.root_certificate(Slot::NextRoot)?;
        let left = folder.state.alive(&next, context.clock.now());
        let help = "renew them first (aeolus pki renew --now): they get certificates of the old root; revoke those that nobody serves, or say --force";
        blocked(&left, force, help)?;
        let old = folder.root_certificate(Slot::Root)?;
        folder.write_bundle(&[&old])?;
    }
    folder.state.rotation = back;
    folder.remember()?;
    if back == Rotation::Standby {
        clear(folder)?;
    }
    Ok(())
}

fn clear(folder: &Folder) -> Result<(), Failure> {
    for slot in [Slot::NextRoot, Slot::NextIssuing] {
        folder.pair(slot).remove()?;
    }
    let path = folder.dir.join(CROSS);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(unwritable(&path, &error))
        }
        _ => Ok(()),
    }
}

fn blocked(left: &[&Record], force: bool, help: &str) -> Result<(), Failure> {
    if left.is_empty() || force {
        return Ok(());
    }
    let shown = left.iter().take(10).map(|record| {
        let place = record
            .files()
            .map_or("a request", |files| files.stem.as_str());
        let names: Vec<String> = record.names.iter().map(ToString::to_string).collect();
        format!("{} ({place}, serial {})", names.join(" "), record.serial)
    });
    let what = format!(
        "{} certificates that are alive would be refused",
        left.len()
    );
    Err(Report::new("PKI-017", what)
        .why(shown.collect::<Vec<_>>().join("\n"))
        .help(help)
        .failed())
}

fn show(folder: &Folder, context: &Context) -> Result<(), Failure> {
    let now = context.clock.now();
    let root = folder.root_certificate(Slot::Root)?;
    let state = folder.state.rotation;
    let next = match state {
        Rotation::Standby => None,
        _ => Some(folder.root_certificate(Slot::NextRoot)?),
    };
    let standing = Standing {
        state: state.name(),
        not_after: moments::written(root.not_after),
        of_root: folder.state.alive(&root, now).len(),
        of_next_root: next
            .as_ref()
            .map_or(0, |next| folder.state.alive(next, now).len()),
        root: root.subject,
        next_root: next.map(|next| next.subject),
        then: match state {
            Rotation::Standby => "--advance makes the next root",
            Rotation::Init => {
                "give bundle.crt to every client, then --advance --clients-have-bundle"
            }
            Rotation::UpdateClients => {
                "aeolus pki renew --now, see that servers serve it, then --advance"
            }
            Rotation::Retiring => "--advance ends the last step, which was stopped",
            Rotation::UpdateServers => "once no certificate of the old root is alive, --advance",
        },
    };
    let mut table = Table::new(&[
        "STATE",
        "ROOT",
        "UNTIL",
        "ALIVE",
        "NEXT ROOT",
        "ALIVE",
        "THEN",
    ]);
    let (old, new) = (
        standing.of_root.to_string(),
        standing.of_next_root.to_string(),
    );
    let next = standing.next_root.clone().unwrap_or_default();
    let row = [
        standing.state,
        &standing.root,
        &standing.not_after,
        &old,
        &next,
        &new,
        standing.then,
    ];
    table.row(row);
    ui::answer(context.output, &standing, &table)
}
