//! A replica that has nothing yet, and one that knows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Handover, HandoverError};
use aeolus_model::Clock as _;
use aeolus_snapshot::RootBuilder;
use prost::Message as _;

use crate::replica::{
    Boot, NOW, at, bits, enrolled, fresh, key, open, open_with, published, seq, take,
};
use crate::replica_restore::forgetful;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn f2_a_handover_is_the_newest_with_its_age_its_time_and_its_floor() {
    let (folder, other) = (enrolled().await, enrolled().await);
    let boot = Arc::new(Boot::default());
    let knows = open_with(
        &folder.path().join("gate"),
        Arc::new(SystemFs),
        NOW,
        Arc::clone(&boot),
    );
    assert!(knows.hand_over().is_none(), "nothing to give");
    take(&knows, &published(3)).unwrap();
    knows.take_freshness(&fresh(3)).unwrap();
    boot.0.store(HOUR.as_secs(), Ordering::SeqCst);

    let path = other.path().join("gate");
    // Its wall clock is behind: a sibling's time counts.
    let begins = open_with(&path, Arc::new(SystemFs), NOW, Arc::default());
    let handover = knows.hand_over().unwrap();
    let sent = Handover::decode(handover.encode_to_vec().as_slice()).unwrap();
    assert!(begins.adopt(sent).unwrap());
    assert_eq!(seq(&begins), Some(3));
    assert_eq!(begins.current().unwrap().world.1, vec![bits(3); 8]);
    assert_eq!(begins.clock().now(), NOW.plus(HOUR));
    assert_eq!(begins.age(), Some(HOUR));
    assert!(begins.is_from_disk(), "control has said nothing yet");
    // It gives what it was given, and steps back for nobody.
    assert!(begins.hand_over().is_some());
    assert!(take(&begins, &published(2)).is_err());
    begins.persist().unwrap();
    let again = open(&path);
    assert_eq!(seq(&again), Some(3));
    assert!(again.clock().now() >= NOW.plus(HOUR));
}

#[tokio::test]
async fn a_handover_replaces_nothing() {
    let (folder, other) = (enrolled().await, enrolled().await);
    let knows = open(&folder.path().join("gate"));
    take(&knows, &published(5)).unwrap();
    let handover = knows.hand_over().unwrap();
    let has = open(&other.path().join("gate"));
    take(&has, &published(3)).unwrap();
    assert!(!has.adopt(handover).unwrap());
    assert_eq!(seq(&has), Some(3));
}

#[tokio::test]
async fn what_control_forgot_is_handed_over_too() {
    let (folder, other) = (enrolled().await, enrolled().await);
    let knows = open(&folder.path().join("gate"));
    take(&knows, &published(4)).unwrap();
    take(&knows, &forgetful(&key("snapshot"), at(9))).unwrap();
    assert_eq!(knows.current().unwrap().world.1, vec![bits(4); 8]);
    let begins = open(&other.path().join("gate"));
    assert!(begins.adopt(knows.hand_over().unwrap()).unwrap());
    assert_eq!(begins.current().unwrap().world.1, vec![bits(4); 8]);
    begins.persist().unwrap();
    let again = open(&other.path().join("gate"));
    assert_eq!(again.current().unwrap().world.1, vec![bits(4); 8]);
}

#[tokio::test]
async fn a_doubtful_replica_gives_nothing() {
    let folder = enrolled().await;
    let path = folder.path().join("gate");
    let replica = open(&path);
    take(&replica, &published(3)).unwrap();
    replica.persist().unwrap();
    std::fs::remove_file(path.join("replica/floor")).unwrap();
    let replica = open(&path);
    assert_eq!(seq(&replica), Some(3));
    assert!(replica.hand_over().is_none());
    replica.take_freshness(&fresh(3)).unwrap();
    assert!(replica.hand_over().is_some());
}

#[tokio::test]
async fn the_next_root_comes_with_it_and_a_strangers_does_not() {
    let (folder, other, third) = (enrolled().await, enrolled().await, enrolled().await);
    let builder = |version, signer: &str| RootBuilder {
        version,
        threshold: 1,
        root_keys: vec![key(signer).public().clone()],
        snapshot_keys: vec![key("snapshot").public().clone()],
        issued_at: NOW,
    };
    let next = builder(2, "root").sign(&[&key("root")]).unwrap();
    let knows = open(&folder.path().join("gate"));
    knows.take_root(&next).unwrap();
    take(&knows, &published(3)).unwrap();
    let begins = open(&other.path().join("gate"));
    assert!(begins.adopt(knows.hand_over().unwrap()).unwrap());
    begins.persist().unwrap();
    assert_eq!(open(&other.path().join("gate")).root_version(), 2);
    // Two steps ahead can't be followed without the one between.
    knows
        .take_root(&builder(3, "root").sign(&[&key("root")]).unwrap())
        .unwrap();
    let begins = open(&third.path().join("gate"));
    let refused = begins.adopt(knows.hand_over().unwrap());
    assert!(
        matches!(refused, Err(HandoverError::Root(_))),
        "{refused:?}"
    );
    assert_eq!(seq(&begins), None);
}

#[tokio::test]
async fn what_is_damaged_or_signed_by_others_is_not_taken() {
    let (folder, other) = (enrolled().await, enrolled().await);
    let knows = open(&folder.path().join("gate"));
    take(&knows, &published(3)).unwrap();
    let good = knows.hand_over().unwrap().encode_to_vec();
    let mut begins = open(&other.path().join("gate"));
    let mut refused = 0;
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0x20;
        let taken = Handover::decode(bad.as_slice()).map(|handover| begins.adopt(handover));
        if let Ok(Ok(_)) = taken {
            // What is not control's own, such as the time, is kept by the seal around it.
            assert_eq!(begins.current().unwrap().world.1, vec![bits(3); 8], "{at}");
            begins = open(&other.path().join("gate"));
        } else {
            refused += 1;
            assert_eq!(seq(&begins), None, "{at}");
        }
    }
    assert!(refused > good.len() / 14, "{refused} of {}", good.len());
}
