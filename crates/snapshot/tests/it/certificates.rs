//! The section that the plane's cluster is told of control's certified keys by.

use aeolus_snapshot::section::{Certificate, CertificateStage, Certificates};
use aeolus_snapshot::{
    Canonical as _, Draft, News, PublishError, Published, Revision, SectionError, Sections,
    SnapshotError, Trust, publish,
};

use crate::build::{NOW, blobs, edition, key, plane, published, root, sections, verify};

fn certificate(kid: &str, stage: CertificateStage) -> Certificate {
    Certificate {
        purpose: "legacy".to_owned(),
        kid: kid.to_owned(),
        chain: format!("-----BEGIN CERTIFICATE-----\n{kid}\n-----END CERTIFICATE-----\n"),
        not_before: NOW.secs(),
        not_after: NOW.secs() + 60,
        stage: stage.into(),
        made_at: NOW.secs(),
    }
}

fn with(kids: &[&str]) -> Sections {
    let stage = CertificateStage::Current;
    Sections {
        certificates: Certificates {
            jwks_url: "https://control.example/v1/.well-known/jwks.json".to_owned(),
            certificates: kids.iter().map(|kid| certificate(kid, stage)).collect(),
        },
        ..sections()
    }
}

fn edition_of(seq: u64, sections: &Sections) -> Published {
    publish(&edition(seq), sections, &key("snapshot")).unwrap()
}

#[test]
fn certificates_are_read_as_they_were_published_in_whatever_order() {
    let sections = with(&["a", "b"]);
    let done = edition_of(7, &sections);
    let snapshot = verify(&done).unwrap();
    assert_eq!(*snapshot.sections(), sections);
    let current = CertificateStage::Current;
    let all = &snapshot.sections().certificates.certificates;
    assert!(all.iter().all(|one| one.stage() == current));
    assert_eq!(edition_of(7, &with(&["b", "a"])).manifest, done.manifest);
    let twice = publish(&edition(7), &with(&["a", "a"]), &key("snapshot"));
    assert!(matches!(twice, Err(PublishError::Duplicate)));
}

/// Who doesn't know the section reads the rest as before: see `f65_f74_…` for a section of a name nobody knows.
#[test]
fn f65_gates_from_before_it_go_on() {
    let done = verify(&edition_of(7, &with(&["a"]))).unwrap();
    assert_eq!(done.manifest().min_reader, 1);
    assert!(done.manifest().sections.contains_key("certificates"));
    let none = verify(&published(7)).unwrap();
    assert!(!none.manifest().sections.contains_key("certificates"));
    assert_eq!(none.sections().certificates, Certificates::default());
}

#[test]
fn f65_what_a_newer_control_says_of_a_certificate_is_left_out() {
    use prost::Message as _;
    let mut record = certificate("a", CertificateStage::Current).encode_to_vec();
    record.extend(b"\xb8\x3e\x01");
    let mut content = b"\x12".to_vec();
    prost::encoding::encode_varint(record.len() as u64, &mut content);
    content.extend(record);
    let read = Certificates::decode(content.as_slice()).unwrap();
    assert_eq!(
        read.certificates,
        [certificate("a", CertificateStage::Current)]
    );
    let unknown = Certificate {
        stage: 9,
        ..certificate("a", CertificateStage::Current)
    };
    assert_eq!(unknown.stage(), CertificateStage::Unspecified);
    assert!(!read.has_duplicates());
}

#[test]
fn a_certificate_that_changed_travels_as_a_patch_or_a_base_and_is_no_revision() {
    let first = edition_of(7, &with(&["a"]));
    let (held, mut all) = (verify(&first).unwrap(), blobs(&first));
    let earlier_blobs = all.clone();
    let find = |digest: &_| earlier_blobs.get(digest).cloned();
    let earlier = aeolus_snapshot::Earlier {
        manifest: held.manifest(),
        blobs: &find,
    };
    let draft = Draft::new(&with(&["b"])).unwrap();
    let next = draft.publish(&edition(8), Some(earlier), &key("snapshot"));
    let next = next.unwrap();
    all.extend(next.blobs.iter().cloned());
    let root = root();
    let trust = Trust {
        root: &root,
        plane: plane(1),
        floor: Some(held.position()),
    };
    let find = |digest: &_| all.get(digest).cloned();
    let revised = Revision::verify(&trust, held.manifest(), &next.manifest, &find, NOW).unwrap();
    assert!(revised.is_none(), "gates read it as a whole");
    let read = aeolus_snapshot::Snapshot::verify(&trust, &next.manifest, &find, NOW).unwrap();
    assert_eq!(*read.sections(), with(&["b"]));
    // Revocations that go first leave it as it was.
    let news = News {
        revocations: sections().revocations,
        changes: None,
    };
    let hurried = Draft::held(held.manifest(), &news).unwrap();
    let hurried = hurried
        .publish(&edition(9), Some(earlier), &key("snapshot"))
        .unwrap();
    let hurried = aeolus_snapshot::Snapshot::verify(&trust, &hurried.manifest, &find, NOW).unwrap();
    assert_eq!(hurried.sections().certificates, with(&["a"]).certificates);
}

#[test]
fn a_damaged_certificate_refuses_the_whole() {
    let mut done = edition_of(7, &with(&["a"]));
    let section = verify(&done).unwrap().manifest().sections["certificates"].clone();
    let blob = done.blobs.iter_mut().find(|(d, _)| *d == section.base);
    *blob.unwrap().1.last_mut().unwrap() ^= 1;
    assert!(matches!(
        verify(&done),
        Err(SnapshotError::Section { section, cause: SectionError::Hash }) if section == "certificates"
    ));
}
