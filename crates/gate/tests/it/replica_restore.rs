//! After control's database was restored from a backup.

use aeolus_api::plane::Event;
use aeolus_gate::replica::ControlError;
use aeolus_keys::SigningKey;
use aeolus_snapshot::section::{Deployment, Revocations};
use aeolus_snapshot::{Digest, Edition, Evidence, Position, Published, Root, Sections, publish};

use crate::replica::{
    NOW, Next, ORGANIZATION, PLANE, answer, at, enrolled, fresh, key, open, published,
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
    let edition = Edition {
        plane: PLANE,
        position,
        issued_at: NOW,
        lag: None,
        min_generation: 1,
    };
    publish(&edition, &sections, signer).unwrap()
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
    let edition = Edition {
        plane: PLANE,
        position: next(2),
        issued_at: NOW,
        lag: None,
        min_generation: 1,
    };
    take(
        &replica,
        &publish(&edition, &whole, &key("snapshot")).unwrap(),
    )
    .unwrap();
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
    let other = Evidence::new(ORGANIZATION, &evidence.manifest, &Revocations::default()).unwrap();
    assert!(other.open(&root, PLANE).is_err());
    fleet.stop().await;
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
