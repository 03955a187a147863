//! After control's database was restored from a backup.

use aeolus_api::plane::{Event, ManifestAnswer};
use aeolus_gate::replica::ControlError;
use aeolus_keys::{Kind, SigningKey};
use aeolus_snapshot::section::{Deployment, Revocations};
use aeolus_snapshot::{
    Digest, Edition, Evidence, Freshness, Manifest, Position, Published, Root, SectionRef,
    Sections, compress, publish, sign_freshness,
};
use prost::Message as _;

use crate::replica::{
    NOW, Next, ORGANIZATION, PLANE, answer, at, bits, enrolled, fresh, key, open, published,
    root_document, take,
};
use crate::replica_stream::{Fleet, script};

/// What a control says that has forgotten everything, in an epoch.
pub(crate) fn forgetful(signer: &SigningKey, position: Position) -> Published {
    let mut sections = Sections::default();
    sections.deployments.deployments.push(Deployment {
        id: vec![2; 16],
        organization: ORGANIZATION.as_bytes().to_vec(),
        ..Deployment::default()
    });
    let revocations = Revocations {
        status: vec![0; 8],
        ..Revocations::default()
    };
    sections.revocations.insert(ORGANIZATION, revocations);
    publish(&edition(position), &sections, signer).unwrap()
}

const fn edition(position: Position) -> Edition {
    Edition {
        plane: PLANE,
        position,
        issued_at: NOW,
        lag: None,
        min_generation: 1,
    }
}

/// The same as an answer, which says that it is the newest.
fn answer_of(published: &Published, position: Position) -> ManifestAnswer {
    let said = Freshness {
        plane: PLANE,
        position,
        manifest: Digest::of(published.manifest.as_bytes()),
        at: NOW,
        as_of: NOW,
    };
    ManifestAnswer {
        freshness: sign_freshness(&said, &key("snapshot")).unwrap(),
        ..answer(published, position.seq)
    }
}

#[tokio::test]
async fn f25_a_known_revocation_outlives_a_new_epoch_a_restart_and_is_dropped_once_control_knows_it()
 {
    let folder = enrolled().await;
    let path = folder.path().join("gate");
    let replica = open(&path);
    take(&replica, &published(3)).unwrap();
    replica.persist().unwrap();
    let known = replica.current().unwrap().world.1.clone();
    let next = |seq| Position { epoch: 2, seq };
    take(&replica, &forgetful(&key("snapshot"), next(1))).unwrap();
    assert_eq!(replica.current().unwrap().world.1, known);
    replica.rebuild().unwrap();
    assert_eq!(replica.current().unwrap().world.1, known);
    replica.persist().unwrap();
    let replica = open(&path);
    assert_eq!(replica.current().unwrap().manifest.position, next(1));
    assert_eq!(replica.current().unwrap().world.1, known);
    // Control knows it again: what is carried is not needed any more.
    let mut whole = Sections::default();
    let revocations = Revocations {
        status: known.clone(),
        ..Revocations::default()
    };
    whole.revocations.insert(ORGANIZATION, revocations);
    let known_again = publish(&edition(next(2)), &whole, &key("snapshot")).unwrap();
    take(&replica, &known_again).unwrap();
    replica.persist().unwrap();
    let remembered = std::fs::read_to_string(path.join("replica/remembered")).unwrap();
    assert!(remembered.starts_with("[] "), "{remembered}");
}

#[tokio::test]
async fn f25_within_an_epoch_a_revocation_that_is_gone_is_carried_too() {
    let folder = enrolled().await;
    let replica = open(&folder.path().join("gate"));
    take(&replica, &published(3)).unwrap();
    let known = replica.current().unwrap().world.1.clone();
    take(&replica, &forgetful(&key("snapshot"), at(4))).unwrap();
    assert_eq!(replica.current().unwrap().world.1, known);
}

#[tokio::test(start_paused = true)]
async fn f25_a_control_that_knows_less_is_shown_what_it_signed() {
    let behind = ControlError::Refused {
        status: 409,
        text: "a gate is at 1.3".to_owned(),
    };
    let fleet = Fleet::start(script([
        Next::Answer(answer(&published(3), 3)),
        Next::Fail(behind),
    ]))
    .await;
    fleet
        .until("the reminder", |f| {
            !f.control.batches.lock().unwrap().is_empty()
        })
        .await;
    assert!(fleet.replica.alarms().control_behind);
    let (key, line) = fleet.control.batches.lock().unwrap()[0].clone();
    assert_eq!(key, Digest::of(line.as_bytes()).to_string());
    let Event::Forgotten {
        organization,
        manifest,
        content,
    } = serde_json::from_str(&line).unwrap()
    else {
        panic!("{line}");
    };
    let evidence = Evidence {
        organization,
        manifest,
        content: content.0,
    };
    let root = Root::parse(&root_document()).unwrap();
    let (position, revocations) = evidence.open(&root, PLANE).unwrap();
    assert_eq!(position, at(3));
    assert_eq!(revocations.status, fleet.replica.current().unwrap().world.1);
    // Nobody else's signature and no other content is evidence.
    let mut other = evidence.clone();
    other.content = compress(&Revocations::default().encode_to_vec()).unwrap();
    assert!(other.open(&root, PLANE).is_err());
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn f25_a_plane_without_revocations_shows_its_manifest() {
    let behind = ControlError::Refused {
        status: 409,
        text: "a gate is at 1.3".to_owned(),
    };
    let bare = publish(&edition(at(3)), &Sections::default(), &key("snapshot")).unwrap();
    let fleet = Fleet::start(script([
        Next::Answer(answer_of(&bare, at(3))),
        Next::Fail(behind),
    ]))
    .await;
    let shown = |f: &Fleet| !f.control.batches.lock().unwrap().is_empty();
    fleet.until("the reminder", shown).await;
    let (_, line) = fleet.control.batches.lock().unwrap()[0].clone();
    let event: Event = serde_json::from_str(&line).unwrap();
    assert_eq!(
        event,
        Event::Signed {
            manifest: bare.manifest
        }
    );
    fleet.stop().await;
}

/// Control is told once, not with every edition.
#[tokio::test(start_paused = true)]
async fn f25_what_is_carried_is_shown_again_only_when_it_grew() {
    let next = |seq| Position { epoch: 2, seq };
    let forgetting = |seq| {
        let publication = forgetful(&key("snapshot"), next(seq));
        Next::Answer(answer_of(&publication, next(seq)))
    };
    let fleet = Fleet::start(script([
        Next::Answer(answer_of(&published(3), at(3))),
        forgetting(1),
        forgetting(2),
        forgetting(3),
        Next::Hang,
        Next::Hang,
        Next::Hang,
    ]))
    .await;
    let last = |f: &Fleet| f.replica.held().map(|held| held.position) == Some(next(3));
    fleet.until("the last", last).await;
    let known = published(3);
    let of_three = |line: &str| {
        let Event::Forgotten { manifest, .. } = serde_json::from_str(line).unwrap() else {
            panic!("{line}");
        };
        manifest == known.manifest
    };
    let shown = |f: &Fleet| !f.control.batches.lock().unwrap().is_empty();
    fleet.until("the reminder", shown).await;
    let mut batches = 0;
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        batches = fleet.control.batches.lock().unwrap().len();
    }
    let lines = fleet.control.batches.lock().unwrap().clone();
    let carried = lines.iter().filter(|(_, line)| of_three(line)).count();
    assert_eq!((carried, batches <= 2), (1, true), "{batches} batches");
    fleet.stop().await;
}

/// A section with a field that this gate doesn't know, as a newer control signs it.
fn with_unknown_field() -> (Published, Vec<u8>) {
    let known = published(3);
    let root = Root::parse(&root_document()).unwrap();
    let (mut manifest, _) = Manifest::open(&root, PLANE, &known.manifest).unwrap();
    let name = format!("revocations/{ORGANIZATION}");
    let revocations = Revocations {
        status: vec![bits(3); 8],
        ..Revocations::default()
    };
    let mut content = revocations.encode_to_vec();
    // Field 1000, of two bytes.
    content.extend([0xc2, 0x3e, 2, 7, 7]);
    let blob = compress(&content).unwrap();
    let named = SectionRef {
        base: Digest::of(&blob),
        patches: Vec::new(),
        hash: Digest::of(&content),
        size: content.len() as u64,
    };
    manifest.sections.insert(name, named);
    let claims = serde_json::json!({
        "aud": format!("urn:aeolus:plane:{PLANE}"),
        "iat": NOW.secs(),
        "exp": NOW.secs() + 86_400,
        "epoch": 1,
        "seq": 3,
        "minReader": 1,
        "minGeneration": 1,
        "sections": manifest.sections,
    });
    let signed = key("snapshot").sign(Kind::Manifest, &claims).unwrap();
    let mut blobs = known.blobs;
    blobs.push((Digest::of(&blob), blob));
    let published = Published {
        manifest: signed,
        blobs,
        kept: known.kept,
    };
    (published, content)
}

#[tokio::test]
async fn f65_evidence_keeps_what_a_newer_control_has_signed() {
    let folder = enrolled().await;
    let path = folder.path().join("gate");
    let replica = open(&path);
    let (newer, content) = with_unknown_field();
    take(&replica, &newer).unwrap();
    let known = replica.current().unwrap().world.1.clone();
    let next = |seq| Position { epoch: 2, seq };
    take(&replica, &forgetful(&key("snapshot"), next(1))).unwrap();
    replica.persist().unwrap();
    let replica = open(&path);
    assert_eq!(replica.current().unwrap().manifest.position, next(1));
    assert_eq!(replica.current().unwrap().world.1, known, "after a restart");
    let remembered = std::fs::read_to_string(path.join("replica/remembered")).unwrap();
    let (json, _) = remembered.trim_end().rsplit_once(' ').unwrap();
    let evidence: Vec<Evidence> = serde_json::from_str(json).unwrap();
    assert_eq!(evidence[0].content, compress(&content).unwrap());
}

#[tokio::test]
async fn f25_a_statement_for_another_manifest_at_the_same_position_is_no_news() {
    let folder = enrolled().await;
    let replica = open(&folder.path().join("gate"));
    take(&replica, &forgetful(&key("snapshot"), at(4))).unwrap();
    replica.take_freshness(&fresh(4)).unwrap();
    assert!(replica.alarms().control_behind);
    take(&replica, &published(5)).unwrap();
    replica.take_freshness(&fresh(5)).unwrap();
    assert!(!replica.alarms().control_behind);
}
