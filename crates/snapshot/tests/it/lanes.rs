//! Newer revocations with older records: what is kept, what is said of it, and what is refused.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aeolus_keys::Kind;
use aeolus_model::{OrganizationId, Time};
use aeolus_snapshot::section::{Changes, Gone, Revocations, SubjectKind};
use aeolus_snapshot::{
    Blobs, Digest, Draft, Earlier, Edition, Freshness, Lag, MANIFEST_LIFE, Manifest, News,
    Position, PublishError, Published, Revision, Snapshot, SnapshotError, Trust, WITH_CHANGES,
    publish, sign_freshness, verify_freshness,
};
use serde_json::{Value, json};

use crate::build::{NOW, edition, key, organization, plane, root, sections};

fn revoked(byte: u8) -> BTreeMap<OrganizationId, Revocations> {
    let revocations = Revocations {
        status: vec![byte; 64],
        ..Revocations::default()
    };
    [(organization(1), revocations)].into()
}

fn news(revocations: BTreeMap<OrganizationId, Revocations>) -> News {
    News {
        revocations,
        changes: None,
    }
}

fn earlier() -> Time {
    NOW.minus(Duration::from_secs(9))
}

fn lagging(seq: u64, records: u64) -> Edition {
    let as_of = earlier();
    Edition {
        lag: Some(Lag { records, as_of }),
        ..edition(seq)
    }
}

fn opened(published: &Published) -> Manifest {
    Manifest::open(&root(), plane(1), &published.manifest)
        .unwrap()
        .0
}

/// Reads with all blobs that were ever published.
fn read(published: &Published, held: &mut HashMap<Digest, Vec<u8>>) -> Snapshot {
    held.extend(published.blobs.iter().cloned());
    let trust = Trust {
        root: &root(),
        plane: plane(1),
        floor: None,
    };
    let find = |digest: &Digest| held.get(digest).cloned();
    Snapshot::verify(&trust, &published.manifest, &find, NOW).unwrap()
}

#[test]
fn f18_newer_revocations_travel_with_the_records_that_are_held() {
    let mut held = HashMap::new();
    let first = publish(&edition(7), &sections(), &key("snapshot")).unwrap();
    read(&first, &mut held);
    let first = opened(&first);
    let draft = Draft::held(&first, &news(revoked(1))).unwrap();
    assert!(!draft.is_in(&first));
    let next = draft
        .publish(&lagging(9, 7), None, &key("snapshot"))
        .unwrap();
    assert_eq!(next.blobs.len(), 1, "the revocations alone");
    let snapshot = read(&next, &mut held);
    let (manifest, told) = (snapshot.manifest(), snapshot.sections());
    assert_eq!(manifest.position, Position { epoch: 1, seq: 9 });
    assert_eq!((manifest.records(), manifest.as_of()), (7, earlier()));
    assert_eq!(manifest.issued_at, NOW);
    assert_eq!(told.revocations, revoked(1));
    assert_eq!(told.subjects, sections().subjects);
    for (name, section) in &manifest.sections {
        let same = first.sections.get(name) == Some(section);
        assert_eq!(same, !name.starts_with("revocations/"), "{name}");
    }
    assert!(
        Draft::held(manifest, &news(revoked(1)))
            .unwrap()
            .is_in(manifest)
    );
    let gone = Draft::held(manifest, &News::default()).unwrap();
    assert!(!gone.is_in(manifest));
}

/// Only what is new is asked for: a gate of a million tokens reads no more than one of ten.
#[test]
fn f18_a_revision_is_read_without_the_records() {
    let first = publish(&edition(7), &sections(), &key("snapshot")).unwrap();
    let first = opened(&first);
    let draft = Draft::held(&first, &news(revoked(1))).unwrap();
    let next = draft.publish(&lagging(9, 7), None, &key("snapshot"));
    let next = next.unwrap();
    let blobs: HashMap<_, _> = next.blobs.iter().cloned().collect();
    let find = |digest: &Digest| blobs.get(digest).cloned();
    let root = root();
    let read = |floor, find: Blobs<'_>, now| {
        let plane = plane(1);
        let root = &root;
        let trust = Trust { root, plane, floor };
        Revision::verify(&trust, &first, &next.manifest, find, now)
    };
    let revision = read(None, &find, NOW).unwrap().unwrap();
    assert_eq!(revision.revocations(), &revoked(1));
    assert_eq!(revision.manifest(), &opened(&next));
    let mut newer = revision.position();
    newer.seq += 1;
    let rollback = read(Some(newer), &find, NOW);
    assert!(matches!(rollback, Err(SnapshotError::Rollback { .. })));
    let late = read(None, &find, NOW.plus(MANIFEST_LIFE));
    assert!(matches!(late, Err(SnapshotError::Expired)));
    for lie in [None, Some(b"other".to_vec())] {
        let lost = read(None, &|_| lie.clone(), NOW);
        assert!(
            matches!(lost, Err(SnapshotError::Section { .. })),
            "{lie:?}"
        );
    }
}

#[test]
fn other_records_are_no_revision() {
    let first = publish(&edition(7), &sections(), &key("snapshot")).unwrap();
    let first = opened(&first);
    let mut changed = sections();
    changed.subjects.subjects.pop();
    let next = publish(&edition(9), &changed, &key("snapshot")).unwrap();
    let trust = Trust {
        root: &root(),
        plane: plane(1),
        floor: None,
    };
    let read = Revision::verify(&trust, &first, &next.manifest, &|_| None, NOW);
    assert!(read.unwrap().is_none());
    let foreign = Trust {
        plane: plane(2),
        ..trust
    };
    assert!(Revision::verify(&foreign, &first, &next.manifest, &|_| None, NOW).is_err());
}

/// One who changed is told of with the records that are held, to those who can read it.
#[test]
fn f18_changes_travel_with_the_records_that_are_held() {
    let mut held = HashMap::new();
    let first = publish(&edition(7), &sections(), &key("snapshot")).unwrap();
    read(&first, &mut held);
    let first = opened(&first);
    assert!(first.min_reader < WITH_CHANGES, "anybody can read it");
    let subject = &sections().subjects.subjects[0];
    let changes = Changes {
        gone: vec![Gone {
            kind: SubjectKind::User.into(),
            id: subject.id.clone(),
        }],
        ..Changes::default()
    };
    let told = News {
        revocations: revoked(1),
        changes: Some(changes.clone()),
    };
    let draft = Draft::held(&first, &told).unwrap();
    let next = draft.publish(&edition(9), None, &key("snapshot")).unwrap();
    assert_eq!(next.blobs.len(), 2, "the revocations and the changes alone");
    let snapshot = read(&next, &mut held);
    let manifest = snapshot.manifest();
    assert_eq!((manifest.records(), manifest.lag), (9, None));
    assert_eq!(manifest.min_reader, WITH_CHANGES);
    assert_eq!(snapshot.sections().changes, changes);
    assert_eq!(snapshot.sections().subjects, sections().subjects);
    let trust = Trust {
        root: &root(),
        plane: plane(1),
        floor: None,
    };
    let find = |digest: &Digest| held.get(digest).cloned();
    let revision = Revision::verify(&trust, &first, &next.manifest, &find, NOW);
    let revision = revision.unwrap().unwrap();
    assert_eq!(revision.changes(), &changes);
    // A change that can't be read is an error, never nobody.
    let (name, lost) = ("changes", manifest.sections["changes"].base);
    let find = |digest: &Digest| held.get(digest).filter(|_| *digest != lost).cloned();
    let refused = Revision::verify(&trust, &first, &next.manifest, &find, NOW);
    let Err(SnapshotError::Section { section, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(section, name);
    // Who says nothing of them keeps them; with the next whole they are over.
    let kept = Draft::held(manifest, &news(revoked(1))).unwrap();
    assert!(kept.is_in(manifest));
    let over = News {
        revocations: revoked(1),
        changes: Some(Changes::default()),
    };
    let whole = kept.with_news(&over).unwrap();
    let whole = whole.publish(&edition(10), None, &key("snapshot")).unwrap();
    assert!(opened(&whole).min_reader < WITH_CHANGES);
    assert!(read(&whole, &mut held).sections().changes.is_empty());
}

/// The same person twice would be two answers.
#[test]
fn one_who_is_there_and_gone_is_not_published() {
    let first = publish(&edition(7), &sections(), &key("snapshot")).unwrap();
    let subject = sections().subjects.subjects[0].clone();
    let both = Changes {
        gone: vec![Gone {
            kind: subject.kind,
            id: subject.id.clone(),
        }],
        subjects: vec![subject],
        grants: Vec::new(),
    };
    let both = News {
        changes: Some(both),
        ..News::default()
    };
    let refused = Draft::held(&opened(&first), &both);
    assert!(matches!(refused, Err(PublishError::Duplicate)));
}

/// Records that were made ready before a revocation went out are published with it.
#[test]
fn f18_records_that_took_long_come_with_revocations_that_came_meanwhile() {
    let mut held = HashMap::new();
    let first = publish(&edition(7), &sections(), &key("snapshot")).unwrap();
    read(&first, &mut held);
    let first = opened(&first);
    let mut changed = sections();
    changed.subjects.subjects.pop();
    let blobs = held.clone();
    let find = |digest: &Digest| blobs.get(digest).cloned();
    let before = |manifest| {
        Some(Earlier {
            manifest,
            blobs: &find,
        })
    };
    let laid = Draft::new(&changed).unwrap().lay(before(&first)).unwrap();
    let urgent = Draft::held(&first, &news(revoked(1))).unwrap();
    let urgent = urgent.publish(&lagging(9, 7), before(&first), &key("snapshot"));
    let urgent = urgent.unwrap();
    read(&urgent, &mut held);
    let urgent = opened(&urgent);
    let late = laid.with_news(&news(revoked(1))).unwrap();
    let late = late
        .publish(&edition(10), before(&urgent), &key("snapshot"))
        .unwrap();
    let snapshot = read(&late, &mut held);
    assert_eq!(snapshot.sections().revocations, revoked(1));
    assert_eq!(snapshot.sections().subjects, changed.subjects);
    assert_eq!(snapshot.manifest().lag, None);
    assert_eq!(snapshot.manifest().records(), 10);
    let list = format!("revocations/{}", organization(1));
    assert_eq!(
        snapshot.manifest().sections[&list],
        urgent.sections[&list],
        "what the gates have of it is named again"
    );
}

fn resigned(change: impl FnOnce(&mut Value)) -> Result<Manifest, SnapshotError> {
    let text = publish(&lagging(9, 7), &sections(), &key("snapshot")).unwrap();
    let mut claims = aeolus_keys::jws::parse_document(text.manifest.as_bytes())
        .unwrap()
        .unverified_claims()
        .unwrap();
    change(&mut claims);
    let text = key("snapshot").sign(Kind::Manifest, &claims).unwrap();
    Manifest::open(&root(), plane(1), &text).map(|(manifest, _)| manifest)
}

#[test]
fn f65_a_manifest_that_says_nothing_of_its_records_is_whole() {
    let manifest = opened(&publish(&edition(7), &sections(), &key("snapshot")).unwrap());
    assert_eq!((manifest.records(), manifest.as_of()), (7, NOW));
    let same = resigned(|_| {}).unwrap();
    assert_eq!((same.records(), same.as_of()), (7, earlier()));
}

#[test]
fn f26_a_manifest_that_claims_more_than_it_can_know_is_refused() {
    let changes: [fn(&mut Value); 8] = [
        |claims| claims["records"] = json!(10),
        |claims| claims["records"] = json!(-1),
        |claims| claims["records"] = json!("7"),
        |claims| claims["asOf"] = json!(NOW.secs() + 1),
        |claims| claims["asOf"] = json!(-1),
        |claims| claims["asOf"] = json!(0.5),
        |claims| drop(claims.as_object_mut().unwrap().remove("asOf")),
        |claims| drop(claims.as_object_mut().unwrap().remove("records")),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let refused = resigned(change).unwrap_err();
        assert!(matches!(refused, SnapshotError::Malformed), "{number}");
    }
}

#[test]
fn f4_a_statement_may_say_that_something_newer_exists_but_not_the_contrary() {
    let said = Freshness {
        plane: plane(1),
        position: Position { epoch: 1, seq: 7 },
        manifest: Digest::of(b"a manifest"),
        at: NOW,
        as_of: earlier(),
    };
    let text = sign_freshness(&said, &key("snapshot")).unwrap();
    assert_eq!(verify_freshness(&root(), plane(1), &text).unwrap(), said);
    for as_of in [NOW.plus(Duration::from_secs(1)), Time::from_secs(-1)] {
        let text = sign_freshness(&Freshness { as_of, ..said }, &key("snapshot")).unwrap();
        let refused = verify_freshness(&root(), plane(1), &text).unwrap_err();
        assert!(matches!(refused, SnapshotError::Malformed), "{as_of:?}");
    }
}
