//! What `pki acme` and the servers share: a client as it is asked for, where its pair lies, and why it failed.

mod keeper;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aeolus_acme::{
    AcmeError, Asked, Client, External, Folder, Found, Hook, Limits, Place, Settings, Solver,
};
use aeolus_api::egress::Way;
use aeolus_api::trust::{Authorities, Believing, Trust};
use aeolus_keys::SystemRng;
use aeolus_model::{Secret, SystemClock};
use aeolus_pki::{Certificate, KeyKind, MAX_INPUT, San, read};
use zeroize::Zeroizing;

use super::pki::pair::Pair;
use crate::files::at_most;
use crate::moments;
use crate::report::{Failure, Report};

pub(super) use self::keeper::{Keeper, kept};

/// A client as it is asked for, by a command or a configuration.
pub(super) struct Wanted<'a> {
    pub(super) folder: &'a Path,
    pub(super) directory: &'a str,
    pub(super) names: Vec<San>,
    /// The hook of dns-01; none: http-01.
    pub(super) hook: Option<Hook>,
    pub(super) settings: Settings,
    pub(super) key: KeyKind,
    pub(super) trusted: Option<&'a Path>,
    /// The way out, and whom it believes beside the system's authorities.
    pub(super) way: (Way, Authorities),
    /// Who vouches for the authority's own server as well.
    pub(super) directory_ca: Option<&'a Path>,
    pub(super) limits: Limits,
}

impl Wanted<'_> {
    /// Says what can't be had before anything is sent or made.
    pub(super) fn client(self) -> Result<Client, Failure> {
        let solver = self.hook.map_or(Solver::Http, Solver::Dns);
        let asked = Asked::new(self.directory, self.names, solver.challenge());
        let asked = asked.map_err(|error| {
            Report::new(error.code(), error.to_string())
                .why("Nothing was sent.")
                .help(error.help())
                .usage()
        })?;
        let trusted = match self.trusted {
            Some(path) => certificates(path)?,
            None => Vec::new(),
        };
        let (way, believed) = self.way;
        let way = match self.directory_ca {
            Some(path) => {
                let own = Authorities::from_pem(&bytes(path)?);
                let own = own.map_err(|error| unusable(path, &error.to_string()))?;
                let trust = Trust::new(&Believing::Beside(believed.and(own)));
                way.trusting(trust.map_err(|error| unusable(path, &error.to_string()))?)
            }
            None => way,
        };
        Ok(Client {
            folder: Folder::open(self.folder).map_err(|error| failed(&error))?,
            asked,
            settings: self.settings,
            key: self.key,
            solver,
            trusted,
            way,
            limits: self.limits,
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
        })
    }
}

/// The account at the authority's site.
pub(super) fn external(kid: &str, key: &Secret<String>) -> Result<External, Failure> {
    External::parse(kid, key).map_err(|error| {
        Report::new("ACME-005", error.to_string())
            .why("Nothing was sent.")
            .help("copy both from the authority's site")
            .usage()
    })
}

impl Place for Pair {
    fn name(&self) -> String {
        let path = std::path::absolute(&self.certificate);
        let path = path.unwrap_or_else(|_| self.certificate.clone());
        path.display().to_string()
    }

    fn found(&self) -> Found {
        if !self.certificate.exists() || !self.key.exists() {
            return Found::Nothing;
        }
        let fitting = || {
            let certificates = certificates(&self.certificate).ok()?;
            let key = read(&bytes(&self.key).ok()?, None).ok()?.keys;
            let certificate = certificates.into_iter().next()?;
            let fits = *key.first()?.public() == certificate.key;
            fits.then(|| Box::new(certificate))
        };
        fitting().map_or(Found::Unusable, Found::Pair)
    }

    fn check(&self) -> Result<(), String> {
        let name = self.certificate.file_name().unwrap_or_default();
        let mut tried = std::ffi::OsString::from(".");
        tried.push(name);
        tried.push(".try");
        let tried = self.certificate.with_file_name(tried);
        // Never through a link that somebody put there.
        let made = match std::fs::remove_file(&tried) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => File::create_new(&tried).and_then(|_| std::fs::remove_file(&tried)),
        };
        made.map_err(|error| format!("{} can't be written: {error}", self.certificate.display()))
    }

    fn write(&self, certificate: &str, key: &Secret<String>) -> Result<Option<PathBuf>, String> {
        let written = Self::write(self, certificate.as_bytes(), key.expose().as_bytes());
        written.map_err(|failure| {
            let report = failure.reports.first();
            report.map_or_else(String::new, |report| report.what().to_owned())
        })
    }
}

/// Why there is no new certificate.
pub(super) fn failed(error: &AcmeError) -> Failure {
    let report = Report::new(error.code(), error.to_string()).help(error.help());
    match error {
        AcmeError::Waiting { until, .. } => report
            .why(format!(
                "It is not asked before {}; what is there was not touched.",
                moments::written(*until)
            ))
            .failed(),
        AcmeError::NotAgreed => report.why("Nothing was ordered.").usage(),
        // It may be the client's memory alone, after the pair was replaced.
        AcmeError::File { .. } => report
            .why("The pair is whole: what was there before, or the new one.")
            .failed(),
        _ => report
            .why("Nothing was replaced: what was there is there still.")
            .failed(),
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let found = read(&bytes(path)?, None);
    let found = found.map_err(|error| unusable(path, &error.to_string()))?;
    if found.certificates.is_empty() {
        return Err(unusable(path, "there is no certificate in it"));
    }
    Ok(found.certificates)
}

fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = File::open(path).and_then(|file| at_most(MAX_INPUT, file));
    read.map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, why: &str) -> Failure {
    Report::new(
        "ACME-006",
        format!("{} can't be used: {why}", path.display()),
    )
    .why("Nothing was sent.")
    .help("give certificates in PEM that this user may read")
    .usage()
}
