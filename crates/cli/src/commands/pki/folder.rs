//! An authority's folder: `ca.crt`, `ca.key`, the intermediate's pair, `bundle.crt`, `authority.json`.

mod lock;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use aeolus_model::{Clock as _, Secret, Time};
use aeolus_pki::state::{Rotation, Slot, State};
use aeolus_pki::{Authority, Certificate, PrivateKey, Stage, certificates_pem, list_name};

use super::pair::{Pair, write_one};
use super::{Context, input, refused};
use crate::args::PkiFolder;
use crate::files::{
    Access, damaged, folder as make_folder, read as read_file, unwritable, write_private,
    write_public,
};
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui;

/// The folder, while no other run is in it.
pub(in crate::commands) struct Folder {
    pub(super) dir: PathBuf,
    pub(super) state: State,
    pub(super) passphrase: Option<Secret<String>>,
    _lock: File,
}

impl Folder {
    /// One that is there.
    pub(in crate::commands) fn open(args: &PkiFolder, context: &Context) -> Result<Self, Failure> {
        let dir = &args.dir;
        if !Pair::of(&dir.join(Slot::Root.file_name())).exists() {
            return Err(
                Report::new("PKI-010", format!("{} has no authority", dir.display()))
                    .help("make one: aeolus pki init --dir DIR")
                    .usage(),
            );
        }
        let folder = Self::locked(args, context)?;
        folder.say_its_age(context.clock.now());
        Ok(folder)
    }

    /// A root isn't renewed by itself, and what it issues ends with it: that it has to be is said in time.
    fn say_its_age(&self, now: Time) {
        if self.state.rotation != Rotation::Standby {
            return;
        }
        // An intermediate is renewed when it is due: one that is late never was.
        for (slot, worst, act) in [
            (
                Slot::Root,
                Stage::Due,
                "begin a new one (aeolus pki rotate-ca --advance)",
            ),
            (
                Slot::Issuing,
                Stage::Late,
                "renew it (aeolus pki renew, with the root's key in its place)",
            ),
        ] {
            let path = self.pair(slot).certificate;
            // One that can't be read is for whoever needs it to say.
            let read = self.certificate(&path).ok();
            if let Some(certificate) = read.filter(|one| stage(one, now) >= worst) {
                let (path, until) = (path.display(), moments::written(certificate.not_after));
                ui::note(&format!(
                    "note: the authority's own {path} ends at {until}, and what is issued ends with it: {act}"
                ));
            }
        }
    }

    /// One that may be made.
    pub(super) fn make(args: &PkiFolder, context: &Context) -> Result<Self, Failure> {
        make_folder(&args.dir)?;
        Self::locked(args, context)
    }

    fn locked(args: &PkiFolder, context: &Context) -> Result<Self, Failure> {
        let dir = args.dir.clone();
        let lock = lock::lock(&dir).map_err(|error| unwritable(&lock::path(&dir), &error))?;
        let path = dir.join(STATE);
        // A pair that openssl made has none.
        let state = match read_file(&path)? {
            Some(json) => State::parse(&json).map_err(|error| damaged(&path, &error))?,
            None => State::default(),
        };
        Ok(Self {
            passphrase: args.passphrase.read(context)?,
            dir,
            state,
            _lock: lock,
        })
    }

    /// What is remembered can't be.
    pub(super) fn damaged(&self, cause: &dyn std::fmt::Display) -> Failure {
        damaged(&self.dir.join(STATE), cause)
    }

    /// Writes what is remembered.
    pub(super) fn remember(&self) -> Result<(), Failure> {
        write_private(&self.dir.join(STATE), &self.state.json())
    }

    /// Forgets everything; what was remembered is kept beside.
    pub(super) fn begin_anew(&mut self) -> Result<(), Failure> {
        self.state = State::default();
        let path = self.dir.join(STATE);
        write_one(&path, &self.state.json(), (Access::PRIVATE, true)).map(|_| ())
    }

    /// The authority's own files are written by nobody but it.
    pub(super) fn is_outside(&self, stem: &Path) -> Result<(), Failure> {
        let above = match stem.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let own = self.dir.canonicalize();
        let is_inside = own.is_ok_and(|own| {
            above
                .canonicalize()
                .is_ok_and(|above| above.starts_with(own))
        });
        if !is_inside {
            return Ok(());
        }
        let what = format!("{} is in the authority's own folder", stem.display());
        Err(Report::new("PKI-022", what)
            .why("Nothing was written: what is there belongs to the authority alone.")
            .help("choose a place outside of it with --out")
            .usage())
    }

    /// Moves what belonged to an authority before out of the way, keys and all; says where to, if there was any.
    pub(super) fn set_aside(&self, slots: &[Slot]) -> Result<Option<PathBuf>, Failure> {
        let mut moved = Vec::new();
        for slot in slots {
            moved.extend(self.pair(*slot).files());
        }
        moved.push(self.dir.join(CROSS));
        moved.retain(|path| path.symlink_metadata().is_ok());
        if moved.is_empty() {
            return Ok(None);
        }
        let mut numbers = 1_u32..;
        let aside = numbers.find_map(|number| {
            let path = self.dir.join(format!("before-{number}"));
            path.symlink_metadata().is_err().then_some(path)
        });
        let Some(aside) = aside else {
            return Ok(None);
        };
        make_folder(&aside)?;
        for path in &moved {
            let to = aside.join(path.file_name().unwrap_or_default());
            std::fs::rename(path, &to).map_err(|error| unwritable(&to, &error))?;
        }
        Ok(Some(aside))
    }

    pub(super) fn pair(&self, slot: Slot) -> Pair {
        Pair::of(&self.stem(slot))
    }

    /// The path of a pair without `.crt` and `.key`.
    pub(super) fn stem(&self, slot: Slot) -> PathBuf {
        self.dir.join(slot.file_name())
    }

    /// What clients have to trust.
    pub(super) fn write_bundle(&self, roots: &[&Certificate]) -> Result<PathBuf, Failure> {
        let path = self.dir.join("bundle.crt");
        let text = certificates_pem(roots.iter().copied());
        write_public(&path, text.as_bytes())?;
        Ok(path)
    }

    /// A root with its key.
    pub(super) fn root(&self, slot: Slot) -> Result<Authority, Failure> {
        let pair = self.pair(slot);
        let certificate = self.certificate(&pair.certificate)?;
        Authority::load(certificate, self.key(&pair.key)?).map_err(|error| unloaded(&pair, &error))
    }

    /// A root's certificate.
    pub(super) fn root_certificate(&self, slot: Slot) -> Result<Certificate, Failure> {
        self.certificate(&self.pair(slot).certificate)
    }

    /// Who issues: the intermediate if there is one; the next root's while the root changes.
    pub(in crate::commands) fn issuer(&self) -> Result<Authority, Failure> {
        let lists = self.state.crl_url.clone();
        if !self.state.rotation.issues_from_next() {
            return Ok(self.issuer_of(Slot::Issuing)?.listed_at(lists));
        }
        let issuer = self.issuer_of(Slot::NextIssuing)?;
        let issuer = issuer.listed_at(lists);
        if self.state.rotation != Rotation::UpdateClients {
            return Ok(issuer);
        }
        let cross = self.certificate(&self.dir.join(CROSS))?;
        Ok(issuer.crossed(cross, self.root_certificate(Slot::Root)?))
    }

    /// Everybody who issued something that may be alive, each with a list of what it revoked.
    pub(in crate::commands) fn issuers(&self) -> Result<Vec<Authority>, Failure> {
        let mut issuers = Vec::new();
        // What is there of the old root is half gone while the next takes its place.
        if self.state.rotation != Rotation::Retiring {
            issuers.push(self.issuer_of(Slot::Issuing)?);
            for former in &self.state.former {
                let pair = self.pair(former.slot());
                if !pair.exists() {
                    return Err(damaged(&pair.certificate, &"it is gone"));
                }
                issuers.push(self.issuer_of(former.slot())?);
            }
        }
        if self.state.rotation != Rotation::Standby {
            issuers.push(self.issuer_of(Slot::NextIssuing)?);
        }
        // A renewal that was stopped remembers as former what is still there.
        let mut seen = BTreeSet::new();
        issuers.retain(|issuer| seen.insert(issuer.certificate().fingerprint()));
        Ok(issuers)
    }

    /// Where an issuer's list lies, for who serves the folder at the address in certificates.
    pub(super) fn published(&self, issuer: &Certificate) -> PathBuf {
        self.dir.join("crl").join(list_name(issuer))
    }

    /// Takes the list of an issuer away that has nothing left to revoke.
    pub(super) fn unpublish(&self, certificate: &Path) -> Result<(), Failure> {
        if !certificate.exists() {
            return Ok(());
        }
        let path = self.published(&self.certificate(certificate)?);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(unwritable(&path, &error))
            }
            _ => Ok(()),
        }
    }

    /// An intermediate; its root where there is none.
    fn issuer_of(&self, intermediate: Slot) -> Result<Authority, Failure> {
        let pair = self.pair(intermediate);
        if !pair.exists() {
            return self.root(intermediate.root());
        }
        let above = self.root_certificate(intermediate.root())?;
        let certificate = self.certificate(&pair.certificate)?;
        Authority::load_below(above, certificate, self.key(&pair.key)?)
            .map_err(|error| unloaded(&pair, &error))
    }

    pub(super) fn certificate(&self, path: &Path) -> Result<Certificate, Failure> {
        let input = input(path, self.passphrase.as_ref())?;
        let first = input.certificates.into_iter().next();
        first.ok_or_else(|| damaged(path, &"there is no certificate in it"))
    }

    fn key(&self, path: &Path) -> Result<PrivateKey, Failure> {
        let input = input(path, self.passphrase.as_ref())?;
        let first = input.keys.into_iter().next();
        first.ok_or_else(|| damaged(path, &"there is no private key in it"))
    }
}

fn stage(certificate: &Certificate, now: Time) -> Stage {
    Stage::at(now, certificate.not_before, certificate.not_after)
}

const STATE: &str = "authority.json";
pub(super) const CROSS: &str = "cross.crt";

fn unloaded(pair: &Pair, error: &dyn std::fmt::Display) -> Failure {
    let what = format!("{}: {error}", pair.certificate.display());
    let mut failure = refused(&what);
    if let Some(report) = failure.reports.pop() {
        let report = report.help("restore both files of the pair from the same backup");
        failure.reports.push(report);
    }
    failure
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aeolus_keys::SystemRng;
    use aeolus_pki::{KeyKind, Life};

    use super::*;

    #[test]
    fn an_authority_is_old_after_two_thirds_of_its_life() {
        let now = Time::from_secs(1_800_000_000);
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let made = Authority::root("CA", key, Life::INTERMEDIATE, (now, &SystemRng)).unwrap();
        let after = |days: u64| now.plus(Duration::from_secs(days * 86_400));
        assert_eq!(stage(made.certificate(), after(242)), Stage::Good);
        assert_eq!(stage(made.certificate(), after(244)), Stage::Due);
    }
}
