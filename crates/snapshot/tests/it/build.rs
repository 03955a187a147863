use std::collections::HashMap;

use aeolus_keys::{Alg, SigningKey};
use aeolus_model::{OrganizationId, PlaneId, Time};
use aeolus_snapshot::section::{Deployment, Grant, Revocations, Subject};
use aeolus_snapshot::{
    Digest, Edition, Position, Published, Root, RootBuilder, Sections, Snapshot, SnapshotError,
    Trust, publish,
};
use aeolus_testkit::SeededRng;

pub(crate) const NOW: Time = Time::from_secs(1_800_000_000);

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::generate(Alg::EdDsa, &SeededRng::new(name)).unwrap()
}

pub(crate) fn plane(n: u8) -> PlaneId {
    PlaneId::from_bytes([n; 16])
}

pub(crate) fn organization(n: u8) -> OrganizationId {
    OrganizationId::from_bytes([n; 16])
}

pub(crate) fn builder(root: &SigningKey, snapshot: &SigningKey) -> RootBuilder {
    RootBuilder {
        version: 1,
        threshold: 1,
        root_keys: vec![root.public().clone()],
        snapshot_keys: vec![snapshot.public().clone()],
        issued_at: NOW,
    }
}

pub(crate) fn root_document() -> String {
    let root = key("root");
    builder(&root, &key("snapshot")).sign(&[&root]).unwrap()
}

pub(crate) fn root() -> Root {
    Root::parse(&root_document()).unwrap()
}

pub(crate) fn edition(seq: u64) -> Edition {
    Edition {
        plane: plane(1),
        position: Position { epoch: 1, seq },
        issued_at: NOW,
        lag: None,
        min_generation: 1,
    }
}

pub(crate) fn deployment(n: u8) -> Deployment {
    Deployment {
        id: vec![n; 16],
        organization: vec![1; 16],
        workspace: vec![2; 16],
        name: format!("d{n}"),
        max_stale: 86_400,
        ..Deployment::default()
    }
}

pub(crate) fn sections() -> Sections {
    let mut sections = Sections::default();
    sections.deployments.deployments = (1..20).map(deployment).collect();
    sections.subjects.subjects = (1..20)
        .map(|n| Subject {
            id: vec![n; 16],
            kind: 1,
            email: format!("u{n}@example.com"),
            ..Subject::default()
        })
        .collect();
    sections.grants.grants = (1..20)
        .map(|n| Grant {
            subject_kind: 1,
            subject: vec![n; 16],
            resource_kind: 4,
            resource: vec![n; 16],
            permissions: vec![0xff],
        })
        .collect();
    sections.keys.issuer.push_str("https://control.example");
    for n in 1..3 {
        let revocations = Revocations {
            status: vec![0b1; 64],
            not_before: i64::from(n),
            ..Revocations::default()
        };
        sections.revocations.insert(organization(n), revocations);
    }
    sections
}

pub(crate) fn published(seq: u64) -> Published {
    publish(&edition(seq), &sections(), &key("snapshot")).unwrap()
}

pub(crate) fn blobs(published: &Published) -> HashMap<Digest, Vec<u8>> {
    published.blobs.iter().cloned().collect()
}

pub(crate) fn verify(published: &Published) -> Result<Snapshot, SnapshotError> {
    let blobs = blobs(published);
    let root = root();
    let trust = Trust {
        root: &root,
        plane: plane(1),
        floor: None,
    };
    Snapshot::verify(&trust, &published.manifest, &|d| blobs.get(d).cloned(), NOW)
}
