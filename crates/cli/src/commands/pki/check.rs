//! `aeolus pki check`: what is wrong with certificates, wherever they are.

mod live;
mod shown;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aeolus_model::Clock as _;
use aeolus_model::Secret;
use aeolus_pki::check::{Subject, examine, key_of};
use aeolus_pki::{Certificate, Input, PublicKey, RevocationList, San};

use self::shown::{Place, Shown};
use super::{Context, input, names};
use crate::args::PkiCheck;
use crate::report::{Exit, Failure, Report};
use crate::ui;

/// What everything is held against.
struct Held {
    trusted: Vec<Certificate>,
    hosts: Vec<San>,
    key: Option<PublicKey>,
    lists: Vec<RevocationList>,
    passphrase: Option<Secret<String>>,
}

/// Checks every place. What can't be read doesn't keep the others from being checked.
pub(super) async fn check(args: &PkiCheck, context: &Context) -> Result<(), Failure> {
    let held = held(args, context)?;
    let mut shown = Shown::default();
    let mut unread = Vec::new();
    for place in &args.places {
        let path = Path::new(place);
        if path.is_dir() {
            match files(path) {
                Ok(files) => {
                    let before = (shown.count(), unread.len());
                    for file in files {
                        one(&file, true, (&held, args, context), &mut shown, &mut unread);
                    }
                    if before == (shown.count(), unread.len()) {
                        let mut empty = Place::new(place.clone(), &[]);
                        empty.nothing(
                            "no file in it has one (.crt, .cer, .cert, .pem, .der, .p12, .pfx)",
                        );
                        shown.add(empty);
                    }
                }
                Err(failure) => unread.push(failure),
            }
        } else if path.exists() || !place.contains(':') {
            one(path, false, (&held, args, context), &mut shown, &mut unread);
        } else {
            match live::chain(place, args.host.first().map(String::as_str)).await {
                Ok((name, chain)) => {
                    server(place, (&name, &chain), (&held, args, context), &mut shown);
                }
                Err(failure) => unread.push(failure),
            }
        }
    }
    if args.metrics {
        shown.print_metrics();
    } else {
        shown.print(context.output, unread.is_empty())?;
    }
    if held.trusted.is_empty() && shown.has_files() {
        ui::note("The chains of files weren't proved: say with --ca whom clients trust.");
    }
    if !unread.is_empty() {
        let reports = unread.into_iter().flat_map(|failure| failure.reports);
        return Err(Failure {
            reports: reports.collect(),
            exit: Exit::Usage,
        });
    }
    shown.verdict()
}

fn held(args: &PkiCheck, context: &Context) -> Result<Held, Failure> {
    let passphrase = args.passphrase.read(context)?;
    let mut held = Held {
        trusted: Vec::new(),
        hosts: names(&args.host)?,
        key: None,
        lists: Vec::new(),
        passphrase: None,
    };
    for path in &args.ca {
        let found = input(path, passphrase.as_ref())?.certificates;
        held.trusted.extend(some(found, path, "certificate")?);
    }
    for path in &args.crl {
        let found = input(path, None)?.lists;
        held.lists.extend(some(found, path, "revocation list")?);
    }
    if let Some(path) = &args.key {
        let keys = some(input(path, passphrase.as_ref())?.keys, path, "private key")?;
        held.key = keys.first().map(|key| key.public().clone());
    }
    held.passphrase = passphrase;
    Ok(held)
}

/// What was given to be held against must be there: without it less would be checked than was asked.
fn some<T>(found: Vec<T>, path: &Path, what: &str) -> Result<Vec<T>, Failure> {
    if !found.is_empty() {
        return Ok(found);
    }
    let what = format!("{}: there is no {what} in it", path.display());
    Err(Report::new("PKI-003", what)
        .why("Nothing was checked.")
        .help("give the file that has it")
        .usage())
}

/// The files of a folder that may be certificates, by name; folders in it aren't entered.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unread = |error: std::io::Error| {
        Report::new(
            "PKI-002",
            format!("{} can't be read: {error}", folder.display()),
        )
        .usage()
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let named = matches!(
            &*extension.to_ascii_lowercase(),
            "crt" | "cer" | "cert" | "pem" | "der" | "p12" | "pfx"
        );
        if named && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn one(
    path: &Path,
    of_folder: bool,
    (held, args, context): (&Held, &PkiCheck, &Context),
    shown: &mut Shown,
    unread: &mut Vec<Failure>,
) {
    let read = match input(path, held.passphrase.as_ref()) {
        Ok(read) => read,
        Err(failure) => return unread.push(failure),
    };
    if read.certificates.is_empty() && of_folder {
        return;
    }
    let beside = match beside(path, &read, held) {
        Ok(key) => key,
        Err(failure) => {
            unread.push(failure);
            None
        }
    };
    let own = read
        .certificates
        .first()
        .and_then(|first| key_of(first, &read.keys));
    let subject = Subject {
        certificates: &read.certificates,
        key: held.key.as_ref().or(own).or(beside.as_ref()),
        hosts: &held.hosts,
        trusted: &held.trusted,
        lists: &held.lists,
        warn_before: warn_before(args),
        rsa_only: args.rsa_only,
        served: false,
        own: held.key.is_some(),
    };
    let mut place = Place::new(path.display().to_string(), &read.certificates);
    place.found(examine(&subject, context.clock.now()));
    if read.certificates.is_empty() {
        place.nothing("it has something else only");
    }
    let key = path.with_extension("key");
    for file in [path, &key]
        .into_iter()
        .filter(|file| (*file == key || !read.keys.is_empty()) && file.exists())
    {
        let mode = std::fs::metadata(file).map_or(0, |found| found.permissions().mode());
        if mode & 0o077 != 0 {
            place.open(file, mode & 0o777);
        }
    }
    shown.add(place);
}

/// `NAME.key` beside `NAME.crt`, unless the file has a key of its own.
fn beside(path: &Path, read: &Input, held: &Held) -> Result<Option<PublicKey>, Failure> {
    let key = path.with_extension("key");
    if held.key.is_some() || !read.keys.is_empty() || key == path || !key.exists() {
        return Ok(None);
    }
    let keys = input(&key, held.passphrase.as_ref())?.keys;
    Ok(keys.first().map(|key| key.public().clone()))
}

fn server(
    place: &str,
    (name, chain): (&str, &[Certificate]),
    (held, args, context): (&Held, &PkiCheck, &Context),
    shown: &mut Shown,
) {
    let mut hosts = held.hosts.clone();
    let own = San::parse(name);
    hosts.extend(own.clone().ok().filter(|own| !held.hosts.contains(own)));
    let system = if held.trusted.is_empty() {
        live::system()
    } else {
        Vec::new()
    };
    let subject = Subject {
        certificates: chain,
        key: held.key.as_ref(),
        served: true,
        own: true,
        hosts: &hosts,
        trusted: if held.trusted.is_empty() {
            &system
        } else {
            &held.trusted
        },
        lists: &held.lists,
        warn_before: warn_before(args),
        rsa_only: args.rsa_only,
    };
    let mut found = Place::new(place.to_owned(), chain);
    found.found(examine(&subject, context.clock.now()));
    if let Err(error) = own {
        found.nameless(name, &error.to_string());
    }
    if chain.is_empty() {
        found.nothing("the server sent none");
    }
    shown.add(found);
}

fn warn_before(args: &PkiCheck) -> Option<Duration> {
    args.warn_days
        .map(|days| Duration::from_secs(u64::from(days) * 86_400))
}
