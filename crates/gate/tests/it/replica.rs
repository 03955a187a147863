//! What the tests of the replica share: a control that lives in the test, and a data folder.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_api::plane::{
    EnrollAnswer, EnrollRequest, EventsAnswer, ManifestAnswer, RenewAnswer, RenewRequest, Status,
};
use aeolus_api::{Base64Bytes, JoinToken};
use aeolus_gate::replica::fs::{Fs, SystemFs};
use aeolus_gate::replica::{
    BootClock, Control, ControlError, Data, Held, Parts, RefreshError, Replica, enrol,
};
use aeolus_keys::{Alg, SigningKey};
use aeolus_model::{OrganizationId, PlaneId, Secret, SessionId, Slug, Time};
use aeolus_snapshot::section::{Deployment, Revocations};
use aeolus_snapshot::{
    Digest, Edition, Freshness, Position, Published, Root, RootBuilder, Sections, publish,
    sign_freshness,
};
use aeolus_testkit::{ManualClock, SeededRng};

pub(crate) const NOW: Time = Time::from_secs(1_800_000_000);
pub(crate) const PLANE: PlaneId = PlaneId::from_bytes([1; 16]);
pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([3; 16]);

/// The "world" of these tests: names of deployments, and the status bits of the organization.
pub(crate) type World = (Vec<String>, Vec<u8>);
pub(crate) type TestReplica = Replica<World>;

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::generate(Alg::EdDsa, &SeededRng::new(name)).unwrap()
}

pub(crate) fn root_document() -> String {
    let root = key("root");
    let builder = RootBuilder {
        version: 1,
        threshold: 1,
        root_keys: vec![root.public().clone()],
        snapshot_keys: vec![key("snapshot").public().clone()],
        issued_at: NOW,
    };
    builder.sign(&[&root]).unwrap()
}

pub(crate) fn at(seq: u64) -> Position {
    Position { epoch: 1, seq }
}

/// Status bits at a position: none is ever taken back.
pub(crate) fn bits(seq: u64) -> u8 {
    let unset = u32::try_from(8_u64.saturating_sub(seq)).unwrap();
    u8::MAX.checked_shr(unset).unwrap_or(0)
}

pub(crate) fn published_by(signer: &SigningKey, seq: u64, issued_at: Time) -> Published {
    let mut sections = Sections::default();
    sections.deployments.deployments.push(Deployment {
        id: vec![2; 16],
        organization: ORGANIZATION.as_bytes().to_vec(),
        name: format!("at-{seq}"),
        ..Deployment::default()
    });
    let revocations = Revocations {
        status: vec![bits(seq); 8],
        ..Revocations::default()
    };
    sections.revocations.insert(ORGANIZATION, revocations);
    let edition = Edition {
        plane: PLANE,
        position: at(seq),
        issued_at,
        lag: None,
        min_generation: 1,
    };
    publish(&edition, &sections, signer).unwrap()
}

pub(crate) fn published(seq: u64) -> Published {
    published_by(&key("snapshot"), seq, NOW)
}

pub(crate) fn freshness_by(signer: &SigningKey, seq: u64, said_at: Time) -> String {
    let said = Freshness {
        plane: PLANE,
        position: at(seq),
        manifest: Digest::of(published_by(signer, seq, NOW).manifest.as_bytes()),
        at: said_at,
        as_of: said_at,
    };
    sign_freshness(&said, signer).unwrap()
}

pub(crate) fn fresh(seq: u64) -> String {
    freshness_by(&key("snapshot"), seq, NOW)
}

/// An answer with everything inlined.
pub(crate) fn answer(published: &Published, seq: u64) -> ManifestAnswer {
    let inline =
        |(digest, bytes): &(Digest, Vec<u8>)| (digest.to_string(), Base64Bytes(bytes.clone()));
    ManifestAnswer {
        manifest: Some(published.manifest.clone()),
        freshness: fresh(seq),
        blobs: published.blobs.iter().map(inline).collect(),
        root: None,
    }
}

pub(crate) fn take(replica: &TestReplica, published: &Published) -> Result<(), RefreshError> {
    let blobs: HashMap<Digest, Arc<[u8]>> = published
        .blobs
        .iter()
        .map(|(digest, bytes)| (*digest, bytes.as_slice().into()))
        .collect();
    replica.take(&published.manifest, &blobs).map(|_| ())
}

#[derive(Default)]
pub(crate) struct Boot(pub(crate) AtomicU64);

impl BootClock for Boot {
    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn open_with(path: &Path, fs: Arc<dyn Fs>, wall: Time, boot: Arc<Boot>) -> TestReplica {
    let data = Data::open(path, fs).unwrap();
    let parts = Parts {
        wall: Arc::new(ManualClock::new(wall)),
        boot,
        revise: Some(Box::new(|(names, _): &(Vec<String>, Vec<u8>), revision| {
            let bits = revision.revocations().get(&ORGANIZATION);
            let bits = bits.map(|r| r.status.clone());
            (names.clone(), bits.unwrap_or_default())
        })),
        build: Box::new(|snapshot| {
            let sections = snapshot.sections();
            let names = sections.deployments.deployments.iter();
            let bits = sections.revocations.get(&ORGANIZATION);
            (
                names.map(|d| d.name.clone()).collect(),
                bits.map(|r| r.status.clone()).unwrap_or_default(),
            )
        }),
    };
    Replica::open(&data, parts)
}

pub(crate) fn open(path: &Path) -> TestReplica {
    open_with(path, Arc::new(SystemFs), NOW, Arc::default())
}

pub(crate) fn seq(replica: &TestReplica) -> Option<u64> {
    replica.current().map(|loaded| loaded.manifest.position.seq)
}

pub(crate) fn join_token() -> JoinToken {
    JoinToken {
        url: "http://127.0.0.1:1/".to_owned(),
        plane: PLANE,
        name: Slug::parse("eu-1").unwrap(),
        root_sha256: Root::parse(&root_document()).unwrap().hash().to_string(),
        secret: Secret::new([9; 32]),
    }
}

/// A folder with an enrolled gate.
pub(crate) async fn enrolled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let control = FakeControl::default();
    let rng = SeededRng::new("enrol");
    let data = folder.path().join("gate");
    enrol(&data, &join_token(), &control, &rng, &SystemFs)
        .await
        .unwrap();
    folder
}

/// What control says next.
pub(crate) enum Next {
    Answer(ManifestAnswer),
    Fail(ControlError),
    Hang,
}

/// A control plane in the test. Without a script it says that nothing is newer than `latest`.
#[derive(Default)]
pub(crate) struct FakeControl {
    pub(crate) script: Mutex<VecDeque<Next>>,
    pub(crate) down: std::sync::atomic::AtomicBool,
    pub(crate) sections: Mutex<HashMap<Digest, Vec<u8>>>,
    pub(crate) polls: Mutex<Vec<(tokio::time::Instant, Option<Position>)>>,
    pub(crate) waits: Mutex<Vec<Duration>>,
    pub(crate) fetched: AtomicUsize,
    pub(crate) enrolled: Mutex<Vec<EnrollRequest>>,
    pub(crate) batches: Mutex<Vec<(String, String)>>,
    pub(crate) statuses: Mutex<Vec<Status>>,
    pub(crate) renewals: Mutex<VecDeque<Result<RenewAnswer, ControlError>>>,
    pub(crate) renewed: AtomicUsize,
    /// Whether control is one that doesn't understand the gate's events.
    pub(crate) skips: std::sync::atomic::AtomicBool,
}

impl FakeControl {
    pub(crate) fn say(&self, next: Next) {
        self.script.lock().unwrap().push_back(next);
    }

    fn up(&self) -> Result<(), ControlError> {
        if self.down.load(Ordering::SeqCst) {
            Err(ControlError::Unavailable("down".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl Control for FakeControl {
    async fn manifest(
        &self,
        after: Option<Held>,
        wait: Duration,
        _root: u64,
    ) -> Result<ManifestAnswer, ControlError> {
        let asked = (tokio::time::Instant::now(), after.map(|held| held.position));
        self.waits.lock().unwrap().push(wait);
        self.polls.lock().unwrap().push(asked);
        self.up()?;
        let next = self.script.lock().unwrap().pop_front();
        match next {
            Some(Next::Answer(answer)) => Ok(answer),
            Some(Next::Fail(error)) => Err(error),
            Some(Next::Hang) => {
                // As the adapter does: see `f4_f8_…`.
                tokio::time::sleep(wait + Duration::from_secs(5)).await;
                Err(ControlError::Unavailable("nothing came".to_owned()))
            }
            None => {
                tokio::time::sleep(wait).await;
                Ok(ManifestAnswer {
                    freshness: fresh(after.unwrap_or_default().position.seq),
                    ..ManifestAnswer::default()
                })
            }
        }
    }

    async fn section(&self, digest: &Digest, _limit: u64) -> Result<Vec<u8>, ControlError> {
        self.up()?;
        self.fetched.fetch_add(1, Ordering::SeqCst);
        let sections = self.sections.lock().unwrap();
        sections.get(digest).cloned().ok_or(ControlError::Refused {
            status: 404,
            text: "no such section".to_owned(),
        })
    }

    async fn events(&self, key: &str, ndjson: Vec<u8>) -> Result<EventsAnswer, ControlError> {
        self.up()?;
        let lines = String::from_utf8(ndjson).unwrap();
        self.batches.lock().unwrap().push((key.to_owned(), lines));
        let skipped = u64::from(self.skips.load(Ordering::SeqCst));
        Ok(EventsAnswer {
            accepted: 1 - skipped,
            skipped,
        })
    }

    async fn status(&self, status: &Status) -> Result<(), ControlError> {
        self.up()?;
        self.statuses.lock().unwrap().push(status.clone());
        Ok(())
    }

    async fn renew(&self, _: SessionId, _: &RenewRequest) -> Result<RenewAnswer, ControlError> {
        self.up()?;
        self.renewed.fetch_add(1, Ordering::SeqCst);
        let next = self.renewals.lock().unwrap().pop_front();
        next.unwrap_or_else(|| Err(ControlError::Unavailable("nothing scripted".to_owned())))
    }

    async fn enroll(&self, request: &EnrollRequest) -> Result<EnrollAnswer, ControlError> {
        self.up()?;
        self.enrolled.lock().unwrap().push(request.clone());
        Ok(EnrollAnswer {
            root: root_document(),
            issuer: "http://127.0.0.1:1".to_owned(),
            manifest: None,
        })
    }
}
