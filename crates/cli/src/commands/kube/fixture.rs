//! A gate's folder and a cluster, for tests.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use aeolus_gate::replica::{Installation, Settings, install};
use aeolus_keys::{Alg, SigningKey, SystemRng};
use aeolus_kube::{Applied, Dry, KubeError, Place, SecretObject, Told};
use aeolus_model::{Clock, PlaneId, Slug, SystemClock, Time};
use aeolus_pki::{Certificate, KeyKind, PrivateKey, certificates_pem, signer_certificate};
use aeolus_snapshot::section::{self, CertificateStage, Certificates};
use aeolus_snapshot::{Edition, Position, Root, RootBuilder, Sections, publish};

use super::cluster::Cluster;

pub(super) const PLANE: PlaneId = PlaneId::from_bytes([1; 16]);

/// A control that publishes for a gate's folder.
pub(super) struct Folder {
    pub(super) dir: tempfile::TempDir,
    root: Root,
    snapshot_key: SigningKey,
}

impl Folder {
    pub(super) fn new() -> Self {
        let generate = || SigningKey::generate(Alg::EdDsa, &SystemRng).unwrap();
        let (root_key, snapshot_key) = (generate(), generate());
        let builder = RootBuilder {
            version: 1,
            threshold: 1,
            root_keys: vec![root_key.public().clone()],
            snapshot_keys: vec![snapshot_key.public().clone()],
            issued_at: SystemClock.now(),
        };
        let root = builder.sign(&[&root_key]).unwrap();
        Self {
            dir: tempfile::tempdir().unwrap(),
            root: Root::parse(&root).unwrap(),
            snapshot_key,
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("gate")
    }

    /// Publishes certificates at a position, as control did at a time.
    pub(super) fn publish(&self, seq: u64, certificates: Certificates, at: Time) {
        self.publish_for(PLANE, (seq, at), certificates);
    }

    /// The same for whichever plane the manifest is for.
    pub(super) fn publish_for(
        &self,
        plane: PlaneId,
        (seq, at): (u64, Time),
        certificates: Certificates,
    ) {
        let at = Time::from_secs(at.secs());
        let sections = Sections {
            certificates,
            ..Sections::default()
        };
        let position = Position { epoch: 1, seq };
        let edition = Edition {
            plane,
            position,
            issued_at: at,
            lag: None,
            min_generation: 1,
        };
        let published = publish(&edition, &sections, &self.snapshot_key).unwrap();
        let settings = Settings {
            plane: PLANE,
            name: Slug::parse("eu-1").unwrap(),
            control_url: None,
            issuer: "https://control.example".to_owned(),
        };
        let what = Installation {
            settings: &settings,
            root: &self.root,
            published: &published,
            position,
            issued_at: at,
        };
        install(&self.path(), &what, &SystemRng).unwrap();
    }

    /// The file of the newest manifest.
    pub(super) fn manifest(&self) -> PathBuf {
        let of = |name: &str| self.path().join("replica").join(name).join("manifest");
        let changed = |path: &Path| {
            std::fs::metadata(path)
                .and_then(|found| found.modified())
                .ok()
        };
        let both = [of("a"), of("b")];
        both.into_iter().max_by_key(|path| changed(path)).unwrap()
    }
}

/// Certificates of keys at their stages, as control tells them.
pub(super) fn told(all: &[(&Certificate, CertificateStage)]) -> Certificates {
    let records = all
        .iter()
        .enumerate()
        .map(|(n, (one, stage))| section::Certificate {
            purpose: "legacy".to_owned(),
            kid: n.to_string(),
            chain: certificates_pem([*one]),
            not_before: one.not_before.secs(),
            not_after: one.not_after.secs(),
            stage: (*stage).into(),
            made_at: one.not_before.secs(),
        });
    Certificates {
        jwks_url: "https://control.example/v1/.well-known/jwks.json".to_owned(),
        certificates: records.collect(),
    }
}

/// A certificate of ten years from a time on.
pub(super) fn certificate(made: Time) -> Certificate {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    signer_certificate("Aeolus", &key, made).unwrap()
}

/// A cluster with room for one Secret, which counts what is written and does as it is told.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) there: Mutex<Option<SecretObject>>,
    pub(super) writes: Mutex<u32>,
    pub(super) owned_by_others: bool,
}

impl Cluster for Fake {
    async fn secret(&self, place: &Place) -> Result<Option<SecretObject>, KubeError> {
        let there = self.there.lock().unwrap().clone();
        Ok(there.filter(|there| there.meta.place == *place))
    }

    async fn apply(
        &self,
        secret: &SecretObject,
        (force, dry): (bool, Dry),
    ) -> Result<Applied, KubeError> {
        if self.owned_by_others && !force {
            return Err(KubeError::Conflict(Told {
                reason: "Conflict".to_owned(),
                message: "conflict with \"commander-jwks\": .data.tls.crt".to_owned(),
            }));
        }
        if dry == Dry::No {
            *self.writes.lock().unwrap() += 1;
            *self.there.lock().unwrap() = Some(secret.clone());
        }
        Ok(Applied {
            secret: secret.clone(),
            changed: true,
        })
    }
}
