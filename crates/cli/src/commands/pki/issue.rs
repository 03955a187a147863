//! `aeolus pki issue` and `sign`.

use std::path::{Path, PathBuf};

use aeolus_model::Clock as _;
use aeolus_pki::state::{Files, Lies};
use aeolus_pki::{
    IssueError, Issued, Life, Note, PrivateKey, Profile, PublicKey, San, Wanted, certificates_pem,
};
use serde::Serialize;

use super::folder::Folder;
use super::pair::{Pair, write_one};
use super::{Context, input, key_text, names, new_key, refused, unusable};
use crate::args::{PkiIssue, PkiSign};
use crate::files::{Access, with};
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

/// What was issued.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    certificate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    serial: String,
    names: Vec<String>,
    not_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// Issues a certificate and its key.
pub(super) fn issue(args: &PkiIssue, context: &Context) -> Result<(), Failure> {
    let wanted = wanted(names(&args.san)?, args.profile.into(), args.days)?;
    let pair = Pair::of(&args.out);
    pair.may_be_written(args.force)?;
    let mut folder = Folder::open(&args.folder, context)?;
    // Another run may have written it while this one waited.
    pair.may_be_written(args.force)?;
    folder.is_outside(&args.out)?;
    let files = Files {
        stem: recorded(&args.out)?,
        key: args.key,
        encrypted: args.encrypt,
    };
    let before = folder.state.at(&files.stem);
    let before = before.map(|(record, _)| record.serial.clone());
    let key = new_key(args.key)?;
    let text = key_text(&key, args.encrypt, (folder.passphrase.as_ref(), context))?;
    let issued = issued(&mut folder, &wanted, Whose::Ours(&key, files), context)?;
    let written = pair.write(
        certificates_pem(&issued.chain).as_bytes(),
        text.expose().as_bytes(),
    );
    let before = match written {
        Ok(before) => before,
        Err(failure) => {
            let added = &issued.certificate.serial;
            folder.state.undo(before.as_ref(), added);
            folder.remember()?;
            return Err(failure);
        }
    };
    show(
        &issued,
        (&pair.certificate, Some(&pair.key)),
        before.as_deref(),
        context,
    )
}

/// Issues a certificate for a request's key.
pub(super) fn sign(args: &PkiSign, context: &Context) -> Result<(), Failure> {
    let request = input(&args.request, None)?.requests.into_iter().next();
    let request =
        request.ok_or_else(|| unusable(&args.request, aeolus_pki::InputError::Nothing))?;
    let mut asked = names(&args.san)?;
    if args.names_from_request {
        asked.extend(request.names().iter().cloned());
    }
    let wanted = wanted(asked, args.profile.into(), args.days)?;
    let path = with(&args.out, ".crt");
    let mut folder = Folder::open(&args.folder, context)?;
    folder.is_outside(&args.out)?;
    if !args.force && std::fs::symlink_metadata(&path).is_ok() {
        Pair::of(&args.out).may_be_written(false)?;
    }
    has_no_other_key(&args.out, request.key(), &folder)?;
    let theirs = Whose::Theirs(request.key());
    let issued = issued(&mut folder, &wanted, theirs, context)?;
    let text = certificates_pem(&issued.chain);
    let before = write_one(&path, text.as_bytes(), (Access::PUBLIC, args.force))?;
    for what in request.ignored() {
        ui::note(&format!("The request asked {what}: it doesn't get that."));
    }
    let unsaid = request
        .names()
        .iter()
        .filter(|name| !wanted.names().contains(name));
    for name in unsaid {
        ui::note(&format!(
            "The request asked for the name {name}: it doesn't get that."
        ));
    }
    show(&issued, (&path, None), before.as_deref(), context)
}

/// A certificate beside a key that isn't its own serves nobody.
fn has_no_other_key(out: &Path, own: &PublicKey, folder: &Folder) -> Result<(), Failure> {
    let path = with(out, ".key");
    if std::fs::symlink_metadata(&path).is_err() {
        return Ok(());
    }
    let keys = input(&path, folder.passphrase.as_ref())?.keys;
    if keys.first().is_some_and(|key| key.public() == own) {
        return Ok(());
    }
    let what = format!("{} is not the key of the request", path.display());
    Err(Report::new("PKI-021", what)
        .why("Nothing was written: the certificate would lie beside a key of another.")
        .help("choose another place with --out")
        .usage())
}

/// Whose key it is that a certificate is for.
pub(in crate::commands) enum Whose<'a> {
    /// Made here, for these files.
    Ours(&'a PrivateKey, Files),
    /// Of a request.
    Theirs(&'a PublicKey),
}

/// Issues, and remembers it before anything is written: whatever gets out can be revoked.
pub(in crate::commands) fn issued(
    folder: &mut Folder,
    wanted: &Wanted,
    whose: Whose<'_>,
    context: &Context,
) -> Result<Issued, Failure> {
    let now = context.clock.now();
    let issuer = folder.issuer()?;
    let (key, lies) = match whose {
        Whose::Theirs(key) => (key, Lies::Request),
        Whose::Ours(key, files) => (key.public(), Lies::Files(files)),
    };
    let issued = issuer.issue(wanted, key, (now, &context.rng));
    let issued = issued.map_err(|error| {
        let help = match error {
            IssueError::AuthorityNotValid => {
                "compare this machine's clock; a new intermediate comes with aeolus pki renew --intermediate, and a root that has expired is replaced by aeolus pki init --force"
            }
            IssueError::Uri(_) => "leave it out, or issue it from an authority without --permit",
            _ => "see what the authority may issue: aeolus pki inspect on its certificates",
        };
        Report::new("PKI-008", error.to_string())
            .why("Nothing was written.")
            .help(help)
            .failed()
    })?;
    let what = (&issued.certificate, &issuer);
    folder.state.add(what, wanted, lies, now);
    folder.remember()?;
    Ok(issued)
}

/// The form in which files are remembered: they are found from any folder.
pub(super) fn recorded(stem: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(stem).map_err(|error| refused(&error))?;
    let text = path.into_os_string().into_string();
    text.map_err(|_| {
        Report::new(
            "PKI-009",
            "the path of the pair has letters that can't be remembered",
        )
        .usage()
    })
}

pub(in crate::commands) fn wanted(
    names: Vec<San>,
    profile: Profile,
    life: Life,
) -> Result<Wanted, Failure> {
    let wanted = Wanted::new(names, profile, life);
    wanted.map_err(|error| {
        Report::new("PKI-005", error.to_string())
            .why("Nothing was issued.")
            .help("name what clients connect to with --san")
            .usage()
    })
}

fn show(
    issued: &Issued,
    (certificate, key): (&Path, Option<&PathBuf>),
    before: Option<&Path>,
    context: &Context,
) -> Result<(), Failure> {
    let leaf = &issued.certificate;
    let shown = Shown {
        certificate: certificate.display().to_string(),
        key: key.map(|key| key.display().to_string()),
        serial: leaf.serial.to_string(),
        names: leaf.names.iter().map(ToString::to_string).collect(),
        not_after: moments::written(leaf.not_after),
        before: before.map(|before| before.display().to_string()),
    };
    let mut table = Table::new(&["CERTIFICATE", "NAMES", "UNTIL", "SERIAL"]);
    table.row([
        &shown.certificate,
        &shown.names.join(" "),
        &shown.not_after,
        &shown.serial,
    ]);
    ui::answer(context.output, &shown, &table)?;
    for note in &issued.notes {
        say(note);
    }
    Ok(())
}

pub(in crate::commands) fn say(note: &Note) {
    ui::note(&match note {
        Note::Clipped(until) => format!(
            "note: it ends at {}, because the authority's own certificate does",
            moments::written(*until)
        ),
        Note::NoCommonName => {
            "note: every name has more than 64 characters, so the subject is empty: old programs dislike that".to_owned()
        }
        Note::LongLived => {
            "note: it lives for more than 825 days, which Apple's systems refuse".to_owned()
        }
    });
}
