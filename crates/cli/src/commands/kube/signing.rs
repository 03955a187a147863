//! The Secret by which a cluster knows control's signing key by its certificate, as the original's applications and
//! registry mount it (rows H3, K9 and K11).

use std::collections::BTreeMap;

use aeolus_kube::{Data, Meta, Name, Place, SecretObject};
use aeolus_model::{PlaneId, Secret, Time, rfc3339};
use aeolus_pki::{Certificate, certificates_pem};
use aeolus_snapshot::Position;
use aeolus_snapshot::section::{self, CertificateStage};

use super::replica::Held;
use crate::report::{Failure, Report};

/// Its key in the Secret.
const KEY: &str = "tls.crt";
/// The original's type: it has no private key, so it can't be `kubernetes.io/tls`.
const KIND: &str = "Opaque";
/// By which the syncer copies it into the namespaces of deployments.
const SYNC: &str = "astronomer.io/commander-sync";
/// Where the certificate is from.
const SOURCE: &str = "astronomer.io/jwks-source";
/// When it was written last as another one.
const FETCHED: &str = "astronomer.io/jwks-fetched-at";
/// The position of control's feed that it was of when it was written: `EPOCH.SEQ`.
const REVISION: &str = "aeolus/revision";
/// The plane whose feed that is.
const PLANE: &str = "aeolus/plane";

/// Which Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    place: Place,
    release: String,
}

impl Target {
    /// Of a release in its namespace.
    pub(super) fn new(release: &str, namespace: &str) -> Result<Self, Failure> {
        let name = format!("{release}-houston-jwt-signing-certificate");
        // Its label in a selector, and a DNS label.
        let label = |text: &str| text.len() <= 63 && !text.contains('.');
        let fits = |text: &str| label(text) && Name::parse(text).is_ok();
        for (what, text) in [("--release", release), ("--namespace", namespace)] {
            if !fits(text) {
                let what = format!("{what}: {text:?} is no name that Kubernetes takes");
                return Err(Report::new("CLI-0012", what)
                    .help("use at most 63 lower-case letters, digits and '-'")
                    .usage());
            }
        }
        Ok(Self {
            place: Place::new(namespace, name),
            release: release.to_owned(),
        })
    }

    /// Where it lies.
    pub(super) const fn place(&self) -> &Place {
        &self.place
    }
}

/// What the cluster is to have: certificates that were read and are good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    target: Target,
    /// The one that signs first, because most consumers read no further; then the next one, then those before.
    certificates: Vec<Certificate>,
    source: String,
    revision: Option<(PlaneId, Position)>,
}

/// What has to be done for it.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Nothing: it is so, of this position if it says so.
    Keep(Option<Position>),
    /// Nothing: the cluster has it of a later position of the same plane.
    Newer(Position),
    /// This, by server-side apply.
    Write(Box<SecretObject>),
}

impl Wanted {
    /// What a gate's replica says.
    pub(super) fn of_replica(target: &Target, held: &Held, now: Time) -> Result<Self, Failure> {
        let of = |stage| {
            let all = held.certificates.certificates.iter();
            all.filter(move |one| one.stage() == stage)
        };
        let current = of(CertificateStage::Current).next().ok_or_else(none)?;
        let mut certificates = chain(current)?;
        let leaf = certificates.first().ok_or_else(none)?;
        good(leaf, now)?;
        let others = of(CertificateStage::Announced).chain(of(CertificateStage::Retiring));
        for other in others {
            // What can't be read, or has ended, helps nobody: the one that signs is what counts.
            let read = chain(other).unwrap_or_default();
            certificates.extend(read.into_iter().filter(|one| now < one.not_after));
        }
        Ok(Self {
            target: target.clone(),
            certificates,
            source: held.certificates.jwks_url.clone(),
            revision: Some((held.plane, held.position)),
        })
    }

    /// The one certificate that control's address shows.
    pub(super) fn fetched(
        target: &Target,
        (certificate, source): (Certificate, &str),
        now: Time,
    ) -> Result<Self, Failure> {
        good(&certificate, now)?;
        Ok(Self {
            target: target.clone(),
            certificates: vec![certificate],
            source: source.to_owned(),
            revision: None,
        })
    }

    /// The certificate of the key that signs.
    pub(super) fn current(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    /// Where it goes.
    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// Of which position it is; none where nobody says.
    pub(super) fn position(&self) -> Option<Position> {
        self.revision.map(|(_, position)| position)
    }

    /// What has to be done, by what is there.
    pub(super) fn step(&self, found: Option<&SecretObject>, now: Time) -> Step {
        let text = certificates_pem(&self.certificates);
        let known = |name: &str| found?.meta.annotations.get(name).map(String::as_str);
        if let Some((plane, position)) = self.revision
            && known(PLANE) == Some(plane.to_string().as_str())
            && let Some(there) = known(REVISION).and_then(|text| text.parse().ok())
            && there > position
        {
            return Step::Newer(there);
        }
        let written = known(REVISION).and_then(|text| text.parse().ok());
        let there = found.and_then(|found| found.data.get(KEY));
        let same = there.is_some_and(|there| there.expose() == text.as_bytes());
        let selector = format!("platform-release={}", self.target.release);
        let said = known(SYNC) == Some(&selector) && known(SOURCE) == Some(&self.source);
        if same && said {
            return Step::Keep(written);
        }
        let fetched = known(FETCHED).filter(|_| same).map(str::to_owned);
        let mut annotations = BTreeMap::from([
            (SYNC.to_owned(), selector),
            (SOURCE.to_owned(), self.source.clone()),
            (
                FETCHED.to_owned(),
                fetched.unwrap_or_else(|| rfc3339(now.secs())),
            ),
        ]);
        if let Some((plane, position)) = self.revision {
            annotations.insert(PLANE.to_owned(), plane.to_string());
            annotations.insert(REVISION.to_owned(), position.to_string());
        }
        Step::Write(Box::new(SecretObject {
            meta: Meta {
                place: self.target.place.clone(),
                annotations,
                ..Meta::default()
            },
            // It can't be changed.
            kind: found.map_or_else(|| KIND.to_owned(), |found| found.kind.clone()),
            data: Data::from([(KEY.to_owned(), Secret::new(text.into_bytes()))]),
            is_immutable: false,
        }))
    }
}

fn chain(record: &section::Certificate) -> Result<Vec<Certificate>, Failure> {
    let read = aeolus_pki::read(record.chain.as_bytes(), None);
    let read = read.map(|input| input.certificates).unwrap_or_default();
    if read.is_empty() {
        let what = format!("the certificate of key {} can't be read", record.kid);
        return Err(Report::new("KUBE-106", what)
            .why("Nothing was changed in the cluster, which keeps the certificate that it has.")
            .help("look at `aeolus key certificates`; rotate the key: aeolus key rotate legacy")
            .failed());
    }
    Ok(read)
}

/// Refuses one that nobody would believe: the one before it stays.
fn good(certificate: &Certificate, now: Time) -> Result<(), Failure> {
    if certificate.not_before <= now && now < certificate.not_after {
        return Ok(());
    }
    let (from, until) = (certificate.not_before, certificate.not_after);
    let what = format!(
        "the certificate of control's signing key is good from {} to {}, and it is {}",
        rfc3339(from.secs()),
        rfc3339(until.secs()),
        rfc3339(now.secs())
    );
    Err(Report::new("KUBE-107", what)
        .why("Nobody would believe it. Nothing was changed in the cluster, which keeps the certificate that it has.")
        .help("check this machine's clock; rotate the key: aeolus key rotate legacy")
        .failed())
}

fn none() -> Failure {
    Report::new("KUBE-105", "control has told of no certificate of a signing key")
        .why("It signs nothing by one, or is of a version that doesn't tell planes. Nothing was changed in the cluster.")
        .help("set compat.registry or compat.authorization in control's configuration")
        .failed()
}

#[cfg(test)]
mod tests;
