//! What control says of time, said again, said slowly, and said by a thief.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aeolus_api::plane::ManifestAnswer;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_keys::SigningKey;
use aeolus_model::{Clock as _, Time};
use aeolus_snapshot::{Digest, Freshness, Published, sign_freshness};

use crate::replica::{
    Boot, NOW, Next, PLANE, TestReplica, answer, at, enrolled, key, open_with, published,
    published_by, seq, take,
};
use crate::replica_stream::{Fleet, next_root, script};

const DAY: u64 = 86_400;

const fn later(seconds: u64) -> Time {
    Time::from_secs(NOW.secs() + seconds.cast_signed())
}

/// Control's word that a publication was the newest at a time.
fn said(signer: &SigningKey, (seq, of): (u64, &Published), when: Time) -> String {
    let said = Freshness {
        plane: PLANE,
        position: at(seq),
        manifest: Digest::of(of.manifest.as_bytes()),
        at: when,
        as_of: when,
    };
    sign_freshness(&said, signer).unwrap()
}

fn restarted(folder: &Path, wall: Time) -> TestReplica {
    open_with(
        &folder.join("gate"),
        Arc::new(SystemFs),
        wall,
        Arc::default(),
    )
}

async fn replica() -> (tempfile::TempDir, TestReplica, Arc<Boot>) {
    let folder = enrolled().await;
    let boot = Arc::new(Boot::default());
    let path = folder.path().join("gate");
    let replica = open_with(&path, Arc::new(SystemFs), NOW, Arc::clone(&boot));
    take(&replica, &published(4)).unwrap();
    (folder, replica, boot)
}

/// As by a proxy that gives the same answer for ever.
#[tokio::test]
async fn f22_a_statement_that_is_said_again_holds_neither_time_nor_age() {
    let (_folder, replica, boot) = replica().await;
    let word = said(&key("snapshot"), (4, &published(4)), later(10));
    replica.take_freshness(&word).unwrap();
    for hours in 1..=3 {
        boot.0.store(hours * 3600, Ordering::SeqCst);
        replica.take_freshness(&word).unwrap();
        assert_eq!(replica.clock().now(), later(10 + hours * 3600));
        assert_eq!(replica.age(), Some(Duration::from_secs(hours * 3600)));
    }
    boot.0.store(8 * DAY, Ordering::SeqCst);
    assert!(replica.take_freshness(&word).is_err(), "a week is over");
}

#[tokio::test]
async fn f22_a_statement_of_what_never_comes_into_force_holds_no_time_either() {
    let (_folder, replica, boot) = replica().await;
    let word = said(&key("snapshot"), (5, &published(5)), later(10));
    replica.take_freshness(&word).unwrap();
    boot.0.store(3600, Ordering::SeqCst);
    replica.take_freshness(&word).unwrap();
    assert_eq!(replica.clock().now(), later(3610));
    assert_eq!(replica.age(), Some(Duration::from_secs(3610)));
}

/// Each statement is newer than the one before it, and comes two days later than that.
#[tokio::test]
async fn f22_a_recording_that_is_played_slowly_is_found_out_within_a_week() {
    let (_folder, replica, boot) = replica().await;
    let mut heard = Vec::new();
    for step in 1..=5 {
        boot.0.store(step * 2 * DAY, Ordering::SeqCst);
        let word = said(&key("snapshot"), (4, &published(4)), later(step * 10));
        heard.push(replica.take_freshness(&word).is_ok());
    }
    assert_eq!(heard, [true, true, true, false, false]);
    assert_eq!(replica.age(), Some(Duration::from_secs(4 * DAY)));
}

/// What a stolen key said of time is believed no longer than the key.
#[tokio::test]
async fn f30_a_stolen_keys_future_goes_with_it() {
    let (folder, replica, boot) = replica().await;
    let (stolen, new) = (key("snapshot"), key("snapshot 2"));
    let far = later(30 * DAY);
    let forged = published_by(&stolen, 9, far);
    replica
        .take_freshness(&said(&stolen, (9, &forged), far))
        .unwrap();
    take(&replica, &forged).unwrap();
    replica
        .take_freshness(&said(&stolen, (9, &forged), far))
        .unwrap();
    assert_eq!(replica.clock().now(), far);
    replica.persist().unwrap();
    drop(replica);

    // Also over a restart.
    let path = folder.path().join("gate");
    let replica = open_with(&path, Arc::new(SystemFs), later(60), Arc::clone(&boot));
    assert_eq!(replica.clock().now(), far);
    replica.take_root(&next_root(&["snapshot 2"])).unwrap();
    let healed = published_by(&new, 8, later(50));
    let word = said(&new, (8, &healed), later(60));
    replica.take_freshness(&word).unwrap();
    assert_eq!(replica.clock().now(), later(60));
    assert_eq!(seq(&replica), Some(9), "until the first manifest");
    boot.0.store(20, Ordering::SeqCst);
    assert_eq!(replica.age(), Some(Duration::from_secs(20)));
    // Another is judged as ever.
    boot.0.store(8 * DAY, Ordering::SeqCst);
    assert!(replica.take_freshness(&word).is_err());
    boot.0.store(20, Ordering::SeqCst);
    take(&replica, &healed).unwrap();
    assert_eq!(seq(&replica), Some(8));
    assert_eq!(replica.age(), Some(Duration::from_secs(30)));
    replica
        .take_freshness(&said(&new, (8, &healed), later(81)))
        .unwrap();
    assert_eq!(replica.age(), Some(Duration::ZERO));
    replica.persist().unwrap();
    let replica = restarted(folder.path(), later(90));
    assert_eq!((seq(&replica), replica.clock().now()), (Some(8), later(90)));
    assert!(!replica.alarms().suspect);
}

/// Control can't name anything newer to a gate that a stolen key has led far ahead: it asks for all.
#[tokio::test(start_paused = true)]
async fn f30_a_gate_whose_key_was_dropped_asks_for_the_whole() {
    let (stolen, new) = (key("snapshot"), key("snapshot 2"));
    let forged = published_by(&stolen, u64::MAX, NOW);
    let healed = published_by(&new, 8, NOW);
    let rooted = ManifestAnswer {
        root: Some(next_root(&["snapshot 2"])),
        freshness: said(&new, (8, &healed), NOW),
        ..ManifestAnswer::default()
    };
    let mut whole = answer(&healed, 8);
    whole.freshness = said(&new, (8, &healed), NOW);
    let fleet = Fleet::start(script([
        Next::Answer(answer(&forged, u64::MAX)),
        Next::Answer(rooted),
        Next::Answer(whole),
    ]))
    .await;
    fleet
        .until("the new key's", |f| seq(&f.replica) == Some(8))
        .await;
    let polls = fleet.control.polls.lock().unwrap().clone();
    let asked: Vec<_> = polls.iter().take(3).map(|(_, after)| *after).collect();
    assert_eq!(asked, [None, Some(at(u64::MAX)), None]);
    assert!(!fleet.replica.alarms().control_behind);
    fleet.stop().await;
}
