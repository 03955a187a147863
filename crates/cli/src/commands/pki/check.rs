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
                    for file in files {
                        one(&file, true, (&held, args, context), &mut shown, &mut unread);
                    }
                }
                Err(failure) => unread.push(failure),
            }
        } else if path.exists() || !place.contains(':') {
            one(path, false, (&held, args, context), &mut shown, &mut unread);
        } else {
            match live::chain(place, args.host.first().map(String::as_str)).await {
                Ok((name, chain)) => {
                    server(place, (&name, &chain), (&held, args, context), &mut shown)
                }
                Err(failure) => unread.push(failure),
            }
        }
    }
    if args.metrics {
        shown.print_metrics();
    } else {
        shown.print(context.output)?;
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
        held.trusted
            .extend(input(path, passphrase.as_ref())?.certificates);
    }
    for path in &args.crl {
        held.lists.extend(input(path, None)?.lists);
    }
    if let Some(path) = &args.key {
        let keys = input(path, passphrase.as_ref())?.keys;
        held.key = keys.first().map(|key| key.public().clone());
    }
    held.passphrase = passphrase;
    Ok(held)
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
        let extension = path.extension().and_then(|extension| extension.to_str());
        let named = matches!(
            extension,
            Some("crt" | "cer" | "cert" | "pem" | "der" | "p12" | "pfx")
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
    };
    let mut place = Place::new(path.display().to_string(), &read.certificates);
    place.found(examine(&subject, context.clock.now()));
    if read.certificates.is_empty() {
        place.nothing();
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
    if hosts.is_empty() {
        hosts.extend(San::parse(name));
    }
    let system = if held.trusted.is_empty() {
        live::system()
    } else {
        Vec::new()
    };
    let subject = Subject {
        certificates: chain,
        key: held.key.as_ref(),
        served: true,
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
    shown.add(found);
}

fn warn_before(args: &PkiCheck) -> Option<Duration> {
    args.warn_days
        .map(|days| Duration::from_secs(u64::from(days) * 86_400))
}
