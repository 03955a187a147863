//! `aeolus pki renew`.

use std::path::Path;

use aeolus_model::{Clock as _, Time};
use aeolus_pki::{Certificate, certificates_pem, due};
use serde::Serialize;

use super::folder::Folder;
use super::hook::Hook;
use super::issue::{Whose, issued, recorded, say};
use super::pair::Pair;
use super::{Context, intermediate, is_encrypted, key_text, new_key};
use crate::args::PkiRenew;
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

/// What came of one pair.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Looked {
    stem: String,
    renewed: bool,
    not_after: Option<String>,
    due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Looked {
    /// What lies there now.
    pub(super) fn of(stem: String, renewed: bool, (from, until): (Time, Time)) -> Self {
        Self {
            stem,
            renewed,
            not_after: Some(moments::written(until)),
            due: Some(moments::written(due(from, until))),
            error: None,
        }
    }

    fn failed(stem: String, failure: &Failure) -> Self {
        let first = failure.reports.first();
        Self {
            stem,
            renewed: false,
            not_after: None,
            due: None,
            error: first.map(|report| report.what().to_owned()),
        }
    }
}

/// Renews what is due. One that fails doesn't keep the others from it.
pub(super) fn renew(args: &PkiRenew, context: &Context) -> Result<(), Failure> {
    let hook = args.run.as_deref().map(hook).transpose()?;
    let mut folder = Folder::open(&args.folder, context)?;
    let stems = stems(&folder, args)?;
    let (mut looked, mut failures) = (Vec::new(), Vec::new());
    if args.stems.is_empty() || args.intermediate {
        match intermediate::renew(&mut folder, (args.intermediate, context)) {
            Ok(found) => looked.extend(found),
            Err(failure) => {
                let stem = intermediate::stem(&folder)?;
                looked.push(Looked::failed(stem, &failure));
                failures.push(failure);
            }
        }
    }
    for stem in stems {
        looked.push(match one(&mut folder, &stem, (args.now, context)) {
            Ok(looked) => looked,
            Err(failure) => {
                let looked = Looked::failed(stem, &failure);
                failures.push(failure);
                looked
            }
        });
    }
    show(&looked, context)?;
    if let Some(hook) = hook {
        let renewed = looked.iter().filter(|one| one.renewed);
        let renewed = renewed.map(|one| one.stem.clone()).collect();
        failures.extend(tell(folder, &hook, renewed, (args, context)).err());
    }
    let mut failures = failures.into_iter();
    let Some(mut failure) = failures.next() else {
        return Ok(());
    };
    let others = failures.flat_map(|failure| failure.reports);
    failure.reports.extend(others);
    Err(failure)
}

fn hook(text: &str) -> Result<Hook, Failure> {
    Hook::parse(text).ok_or_else(|| {
        Report::new("PKI-025", "there is no program to run")
            .why("Nothing was renewed.")
            .help("say which: --run \"systemctl reload nginx\"")
            .usage()
    })
}

/// Which pairs are looked at.
fn stems(folder: &Folder, args: &PkiRenew) -> Result<Vec<String>, Failure> {
    if !args.stems.is_empty() {
        return args.stems.iter().map(|stem| recorded(stem)).collect();
    }
    let alive = folder.state.issued.iter();
    let alive = alive.filter(|record| record.revoked.is_none());
    let stems = alive.filter_map(|record| Some(record.files()?.stem.clone()));
    Ok(stems.collect())
}

fn show(looked: &[Looked], context: &Context) -> Result<(), Failure> {
    let mut table = Table::new(&["PAIR", "RENEWED", "UNTIL", "DUE"]);
    for one in looked {
        let renewed = match (&one.error, one.renewed) {
            (Some(_), _) => "failed",
            (None, true) => "yes",
            (None, false) => "not due",
        };
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        table.row([
            one.stem.clone(),
            renewed.to_owned(),
            said(&one.not_after),
            said(&one.due),
        ]);
    }
    ui::answer(context.output, &looked, &table)
}

/// Runs the program if something changed, now or before it last failed. Nobody is kept out of the folder meanwhile:
/// the program may use it itself.
fn tell(
    mut folder: Folder,
    hook: &Hook,
    renewed: Vec<String>,
    (args, context): (&PkiRenew, &Context),
) -> Result<(), Failure> {
    for stem in renewed {
        if !folder.state.untold.contains(&stem) {
            folder.state.untold.push(stem);
        }
    }
    let untold = folder.state.untold.clone();
    if untold.is_empty() {
        return Ok(());
    }
    folder.remember()?;
    drop(folder);
    hook.run(&untold)?;
    let mut folder = Folder::open(&args.folder, context)?;
    folder.state.untold.retain(|stem| !untold.contains(stem));
    folder.remember()
}

fn one(
    folder: &mut Folder,
    stem: &str,
    (anyway, context): (bool, &Context),
) -> Result<Looked, Failure> {
    let known = folder.state.at(stem);
    let known = known.map(|(record, files)| (record.clone(), files.clone()));
    let (record, files) = known.ok_or_else(|| {
        Report::new(
            "PKI-013",
            format!("{stem}: this authority issued nothing there that is alive"),
        )
        .why("It was not renewed.")
        .help("issue it: aeolus pki issue --out STEM")
        .usage()
    })?;
    let pair = Pair::of(Path::new(stem));
    let lying = lying(folder, &pair)?;
    let ((record, mut files), is_known) = match &lying {
        Some(lying) if lying.serial != record.serial => {
            // A run that was stopped remembered what it never wrote, or somebody put another one there.
            let settled = folder.state.settle(stem, &lying.serial);
            folder.remember()?;
            let is_known = settled.is_some();
            (settled.unwrap_or((record, files)), is_known)
        }
        Some(_) => ((record, files), true),
        None => ((record, files), false),
    };
    let times = (record.not_before, record.not_after);
    if is_known && !anyway && context.clock.now() < due(times.0, times.1) {
        return Ok(Looked::of(stem.to_owned(), false, times));
    }
    let wanted = record.wanted().map_err(|error| folder.damaged(&error))?;
    // The file may have been encrypted, or be gone: a secret isn't made plain by a renewal.
    files.encrypted |= is_encrypted(&pair.key)?;
    let key = new_key(files.key)?;
    let passphrase = folder.passphrase.as_ref();
    let text = key_text(&key, files.encrypted, (passphrase, context))?;
    let issued = issued(folder, &wanted, Whose::Ours(&key, files), context)?;
    if let Err(failure) = pair.write(
        certificates_pem(&issued.chain).as_bytes(),
        text.expose().as_bytes(),
    ) {
        // What lies there is the one before: it is due again, and not superseded.
        let added = &issued.certificate.serial;
        folder.state.undo(Some(&record.serial), added);
        folder.remember()?;
        return Err(failure);
    }
    issued.notes.iter().for_each(say);
    let leaf = &issued.certificate;
    let times = (leaf.not_before, leaf.not_after);
    Ok(Looked::of(stem.to_owned(), true, times))
}

/// The certificate that lies in the files; none if one of the two is gone.
fn lying(folder: &Folder, pair: &Pair) -> Result<Option<Certificate>, Failure> {
    if !pair.certificate.exists() || !pair.key.exists() {
        return Ok(None);
    }
    folder.certificate(&pair.certificate).map(Some)
}
