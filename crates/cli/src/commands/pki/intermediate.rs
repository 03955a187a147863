//! Another intermediate takes the place of the one that issues, with a new key and the same root.
//!
//! The one before is kept beside it, key and all, for as long as something that it issued is alive: it signs the
//! list of what it revoked.

use aeolus_model::{Clock as _, Time};
use aeolus_pki::state::{Rotation, Slot};
use aeolus_pki::{Authority, Fingerprint, KeyKind, certificates_pem, due};

use super::folder::Folder;
use super::issue::recorded;
use super::renew::Looked;
use super::{Context, authorities, is_encrypted, key_text, new_key, refused};
use crate::files::read;
use crate::report::{Failure, Report};

/// Renews the intermediate if it is due, or asked. None: there is none, or the root's change brings the next.
pub(super) fn renew(
    folder: &mut Folder,
    (anyway, context): (bool, &Context),
) -> Result<Option<Looked>, Failure> {
    forget(folder, context.clock.now())?;
    let pair = folder.pair(Slot::Issuing);
    if folder.state.rotation != Rotation::Standby || !pair.exists() {
        return Ok(None);
    }
    let stem = stem(folder)?;
    let own = folder.certificate(&pair.certificate)?;
    let times = (own.not_before, own.not_after);
    if !anyway && context.clock.now() < due(times.0, times.1) {
        return Ok(Some(Looked::of(stem, false, times)));
    }
    let root = root(folder, own.not_after)?;
    let kind = KeyKind::like(own.key.kind());
    let name = authorities::successor_name(own.common_name.as_deref().unwrap_or("Issuing"));
    let constraints = folder.state.constraints();
    let life = folder.state.intermediate_life;
    let at = (context.clock.now(), &context.rng as &dyn aeolus_model::Rng);
    let next = root.intermediate((&name, new_key(kind)?), &constraints, life, at);
    let next = next.map_err(|error| refused(&error))?;
    let encrypt = is_encrypted(&pair.key)?;
    let key = key_text(next.key(), encrypt, (folder.passphrase.as_ref(), context))?;
    keep(folder, own.fingerprint())?;
    let text = certificates_pem([next.certificate()]);
    pair.write(text.as_bytes(), key.expose().as_bytes())?;
    let made = next.certificate();
    let times = (made.not_before, made.not_after);
    Ok(Some(Looked::of(stem, true, times)))
}

/// The path of its pair, as others are said.
pub(super) fn stem(folder: &Folder) -> Result<String, Failure> {
    recorded(&folder.stem(Slot::Issuing))
}

/// The root signs it; its key may be kept elsewhere.
fn root(folder: &Folder, until: Time) -> Result<Authority, Failure> {
    let key = folder.pair(Slot::Root).key;
    if key.exists() {
        return folder.root(Slot::Root);
    }
    let until = crate::moments::written(until);
    let what = format!(
        "the intermediate is to be renewed, and {} is not there",
        key.display()
    );
    Err(Report::new("PKI-023", what)
        .why(format!(
            "It ends at {until}, and what it issues ends with it; it goes on until then."
        ))
        .help("bring the root's key back for one run of aeolus pki renew")
        .failed())
}

/// Keeps the pair beside itself, and remembers it before it is replaced: a run that is stopped is run again.
fn keep(folder: &mut Folder, issuer: Fingerprint) -> Result<(), Failure> {
    if folder.state.former.iter().any(|one| one.issuer == issuer) {
        return Ok(());
    }
    let number = folder.state.free_number();
    let (from, to) = (
        folder.pair(Slot::Issuing),
        folder.pair(Slot::Former(number)),
    );
    let (Some(certificate), Some(key)) = (read(&from.certificate)?, read(&from.key)?) else {
        let gone = "one file of the pair is gone";
        return Err(crate::files::damaged(&from.certificate, &gone));
    };
    // One of that name was left by a run that was stopped before it remembered it.
    to.remove()?;
    to.write(&certificate, &key)?;
    folder.state.keep_former(number, issuer);
    folder.remember()
}

/// Those whose last certificate has ended go, keys and all.
pub(super) fn forget(folder: &mut Folder, now: Time) -> Result<(), Failure> {
    let gone = folder.state.ended(now);
    for former in &gone {
        let pair = folder.pair(former.slot());
        folder.unpublish(&pair.certificate)?;
        pair.remove()?;
    }
    if gone.is_empty() {
        return Ok(());
    }
    folder.state.former.retain(|one| !gone.contains(one));
    folder.remember()
}
