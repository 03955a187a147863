//! Newer revocations with older records: in force at once, and as old as the records.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aeolus_gate::replica::fs::SystemFs;
use aeolus_model::{Clock as _, Time};
use aeolus_snapshot::section::Revocations;
use aeolus_snapshot::{
    Digest, Draft, Edition, Freshness, Lag, Manifest, News, Published, Root, sign_freshness,
};

use crate::replica::{
    Boot, NOW, ORGANIZATION, PLANE, TestReplica, at, enrolled, key, open, open_with, published,
    root_document, take,
};

const fn later(seconds: u64) -> Time {
    Time::from_secs(NOW.secs() + seconds.cast_signed())
}

/// The revocations of position 5 with the records of position 4, which were the newest until `as_of`.
fn lagging(as_of: Time) -> Published {
    let first = published(4).manifest;
    let root = Root::parse(&root_document()).unwrap();
    let (held, _) = Manifest::open(&root, PLANE, &first).unwrap();
    let revocations = Revocations {
        status: vec![0xff; 8],
        ..Revocations::default()
    };
    let edition = Edition {
        plane: PLANE,
        position: at(5),
        issued_at: later(60),
        lag: Some(Lag { records: 4, as_of }),
        min_generation: 1,
    };
    let news = News {
        revocations: [(ORGANIZATION, revocations)].into(),
        ..News::default()
    };
    let draft = Draft::held(&held, &news).unwrap();
    draft.publish(&edition, None, &key("snapshot")).unwrap()
}

fn said(manifest: &Published, said_at: Time, as_of: Time) -> String {
    let said = Freshness {
        plane: PLANE,
        position: at(5),
        manifest: Digest::of(manifest.manifest.as_bytes()),
        at: said_at,
        as_of,
    };
    sign_freshness(&said, &key("snapshot")).unwrap()
}

async fn replica() -> (tempfile::TempDir, TestReplica, Arc<Boot>) {
    let folder = enrolled().await;
    let boot = Arc::new(Boot::default());
    let path = folder.path().join("gate");
    let replica = open_with(&path, Arc::new(SystemFs), NOW, Arc::clone(&boot));
    take(&replica, &published(4)).unwrap();
    (folder, replica, boot)
}

#[tokio::test]
async fn f18_a_revocation_counts_at_once_and_makes_nothing_else_younger() {
    let (_folder, replica, boot) = replica().await;
    boot.0.store(60, Ordering::SeqCst);
    let news = lagging(later(20));
    take(&replica, &news).unwrap();
    let loaded = replica.current().unwrap();
    assert_eq!(loaded.world, (vec!["at-4".to_owned()], vec![0xff; 8]));
    let held = replica.held().unwrap();
    assert_eq!((held.position, held.records), (at(5), 4));
    assert_eq!(replica.age(), Some(Duration::from_secs(40)));
}

#[tokio::test]
async fn f4_age_goes_by_what_is_whole_and_the_clock_by_controls_time() {
    let (_folder, replica, boot) = replica().await;
    boot.0.store(60, Ordering::SeqCst);
    let news = lagging(later(20));
    take(&replica, &news).unwrap();
    // Control's clock is ahead of ours by ten seconds.
    let word = said(&news, later(70), later(30));
    replica.take_freshness(&word).unwrap();
    assert_eq!(replica.clock().now(), later(70));
    assert_eq!(replica.age(), Some(Duration::from_secs(40)));
    boot.0.store(65, Ordering::SeqCst);
    assert_eq!(replica.age(), Some(Duration::from_secs(45)));
    // What was known to be whole later is not forgotten for a statement that knows less.
    replica
        .take_freshness(&said(&news, later(80), later(25)))
        .unwrap();
    assert_eq!(replica.clock().now(), later(80));
    assert_eq!(replica.age(), Some(Duration::from_secs(50)));
    // A replay changes neither.
    replica.take_freshness(&word).unwrap();
    assert_eq!(replica.clock().now(), later(80));
    assert_eq!(replica.age(), Some(Duration::from_secs(50)));
    replica
        .take_freshness(&said(&news, later(90), later(90)))
        .unwrap();
    assert_eq!(replica.age(), Some(Duration::ZERO));
}

#[tokio::test]
async fn f1_a_restart_is_as_old_as_before() {
    let (folder, replica, boot) = replica().await;
    boot.0.store(60, Ordering::SeqCst);
    let news = lagging(later(20));
    take(&replica, &news).unwrap();
    let path = folder.path().join("gate");
    let again = |wall| open_with(&path, Arc::new(SystemFs), wall, Arc::default());
    replica.persist().unwrap();
    assert_eq!(again(later(60)).age(), Some(Duration::from_secs(40)));
    replica
        .take_freshness(&said(&news, later(70), later(30)))
        .unwrap();
    replica.persist().unwrap();
    assert_eq!(again(later(70)).age(), Some(Duration::from_secs(40)));
    // To a sibling as well.
    let other = enrolled().await;
    let sibling = open(&other.path().join("gate"));
    assert!(sibling.adopt(replica.hand_over().unwrap()).unwrap());
    assert_eq!(sibling.held(), replica.held());
    assert_eq!(sibling.age(), Some(Duration::from_secs(40)));
}
