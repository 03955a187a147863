use std::time::Duration;

use aeolus_model::PlaneId;
use aeolus_store::{Blob, Plane, PlaneStage, Publication, Replica, StoreError, Told, Unit};

use crate::fixture::{Database, NOW};

pub(crate) fn publication(plane: PlaneId, epoch: u64, seq: u64) -> Publication {
    let manifest = format!("manifest {epoch}.{seq}");
    Publication {
        plane,
        epoch,
        seq,
        records: seq,
        base: seq,
        manifest,
        published_at: NOW,
        complete_at: NOW,
    }
}

fn blob(n: u8) -> Blob {
    Blob {
        digest: [n; 32],
        content: vec![n; 1000],
    }
}

async fn enrolment_happens_once(db: Database) {
    let plane = db.plane("eu-1");
    let expires_at = NOW.plus(Duration::from_secs(3600));
    let pending = Plane {
        stage: PlaneStage::Pending {
            join: vec![1, 2, 3],
            expires_at,
        },
        auth_host: None,
        ..plane
    };
    let mut write = db.store.write().await.unwrap();
    write.planes().insert(&pending).await.unwrap();
    write.commit().await.unwrap();
    let tasks = (0..20).map(|n| {
        let stage = PlaneStage::Enrolled {
            identity: format!("jwk {n}"),
            at: NOW,
        };
        let enrolled = Plane {
            stage,
            ..pending.clone()
        };
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await?;
            write.planes().update(&enrolled).await?;
            write.commit().await.map(|_| enrolled.stage)
        })
    });
    let mut winners = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(stage) => winners.push(stage),
            Err(StoreError::Conflict) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let mut write = db.store.write().await.unwrap();
    let mut found = write.planes().get(pending.id).await.unwrap().unwrap();
    assert_eq!((&found.stage, found.revision), (&winners[0], 2));
    found.stage = PlaneStage::Quarantined {
        identity: None,
        at: NOW,
    };
    write.planes().update(&found).await.unwrap();
    found.revision = 3;
    assert_eq!(write.planes().list().await.unwrap(), [found]);
}

/// F23: a worker that was held up never puts an older manifest over a newer one.
async fn f23_publishing_never_steps_back(db: Database) {
    let plane = db.fleet().await.plane.id;
    let tasks = (0..10_u64).map(|worker| {
        let store = db.store.clone();
        tokio::spawn(async move {
            for n in 0..40 {
                // Each worker walks the positions in an order of its own.
                let seq = (n * 7 + worker * 13) % 40 + 1;
                let mut write = store.write().await.unwrap();
                let new = publication(plane, 1, seq);
                if write
                    .publications()
                    .publish(&new, &[blob(1)], &[])
                    .await
                    .unwrap()
                {
                    write.commit().await.unwrap();
                } else {
                    write.rollback().await.unwrap();
                }
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut seen = 0;
    let watcher = async {
        while seen < 40 {
            let mut read = db.store.read().await.unwrap();
            let Some(found) = read.publications().get(plane).await.unwrap() else {
                continue;
            };
            assert!(found.seq >= seen, "{} after {seen}", found.seq);
            assert_eq!(found, publication(plane, 1, found.seq));
            seen = found.seq;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), watcher)
        .await
        .unwrap();
    for task in tasks {
        task.await.unwrap();
    }
    let mut write = db.store.write().await.unwrap();
    let feed = write.settings().feed().await.unwrap().position;
    assert!(
        !write
            .publications()
            .publish(&publication(plane, 1, 40), &[], &[])
            .await
            .unwrap()
    );
    assert!(
        write
            .publications()
            .publish(&publication(plane, 2, 1), &[], &[])
            .await
            .unwrap()
    );
    assert!(
        !write
            .publications()
            .publish(&publication(plane, 1, 99), &[], &[])
            .await
            .unwrap()
    );
    assert_eq!(
        write.publications().positions().await.unwrap(),
        [Told {
            plane,
            epoch: 2,
            seq: 1,
            records: 1,
            base: 1
        }]
    );
    assert_eq!(
        write.commit().await.unwrap(),
        feed,
        "publishing takes no position"
    );
}

/// Newer revocations may come with records that are as old, never with older ones.
async fn f23_records_never_step_back_under_newer_revocations(db: Database) {
    let plane = db.fleet().await.plane.id;
    let mut write = db.store.write().await.unwrap();
    let at = |epoch, seq, records| Publication {
        records,
        base: records,
        ..publication(plane, epoch, seq)
    };
    let mut told = write.publications();
    for (next, taken) in [
        (at(1, 5, 5), true),
        (at(1, 6, 5), true),
        (at(1, 7, 4), false),
        (at(1, 6, 6), false),
        (at(1, 7, 6), true),
        (at(2, 8, 3), true),
    ] {
        let done = told.publish(&next, &[], &[]).await.unwrap();
        assert_eq!(done, taken, "{next:?}");
    }
    let held = told.get(plane).await.unwrap().unwrap();
    assert_eq!((held.epoch, held.seq, held.records), (2, 8, 3));
}

/// A patch is sent to gates that have its base, and the base to nobody who has it.
async fn what_is_kept_is_known_since_it_was_first_named(db: Database) {
    let plane = db.fleet().await.plane.id;
    let mut write = db.store.write().await.unwrap();
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|seq| publication(plane, 1, seq));
    let (base, patch) = ([blob(1)], [blob(2)]);
    let mut told = write.publications();
    assert!(told.publish(&first, &base, &[]).await.unwrap());
    assert!(told.publish(&second, &patch, &[[1; 32]]).await.unwrap());
    let since = told.blobs_since(plane, (1, 1), 1000).await;
    assert_eq!(since.unwrap(), patch);
    let all = told.blobs_since(plane, (0, 0), 1000).await;
    assert_eq!(all.unwrap(), [blob(1), blob(2)]);
    assert!(told.publish(&third, &[], &[[2; 32]]).await.unwrap());
    assert_eq!(told.blob(plane, &[1; 32]).await.unwrap(), None);
    assert!(told.blob(plane, &[2; 32]).await.unwrap().is_some());
    let gone = told.publish(&fourth, &[], &[[9; 32]]).await;
    assert!(matches!(gone, Err(StoreError::Reference)));
}

async fn blobs_are_shared_found_by_position_and_collected(db: Database) {
    let plane = db.fleet().await.plane.id;
    let other = db.plane("us-1");
    let mut write = db.store.write().await.unwrap();
    write.planes().insert(&other).await.unwrap();
    for (id, seq, blobs) in [
        (plane, 1, vec![blob(1), blob(2)]),
        (plane, 2, vec![blob(1), blob(3)]),
        (other.id, 2, vec![blob(3)]),
    ] {
        let done = write
            .publications()
            .publish(&publication(id, 1, seq), &blobs, &[])
            .await;
        assert!(done.unwrap());
    }
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let since = |n| (1, n);
    for ((epoch, seq), expected) in [
        (since(0), vec![blob(1), blob(3)]),
        (since(1), vec![blob(3)]),
        (since(2), vec![]),
        ((0, 9), vec![blob(1), blob(3)]),
    ] {
        let found = read
            .publications()
            .blobs_since(plane, (epoch, seq), 1000)
            .await
            .unwrap();
        assert_eq!(found, expected, "{epoch}.{seq}");
    }
    let small = read.publications().blobs_since(plane, (0, 9), 999).await;
    assert_eq!(small.unwrap(), []);
    let content = read.publications().blob(plane, &[3; 32]).await.unwrap();
    assert_eq!(content, Some(blob(3).content));
    let foreign = read.publications().blob(other.id, &[1; 32]).await.unwrap();
    assert_eq!(foreign, None, "a plane gets only what its manifest names");
    drop(read);
    let mut write = db.store.write().await.unwrap();
    assert_eq!(
        write.publications().collect(NOW).await.unwrap(),
        0,
        "touched just now"
    );
    let later = NOW.plus(Duration::from_secs(60));
    assert_eq!(write.publications().collect(later).await.unwrap(), 1);
    assert_eq!(write.publications().collect(later).await.unwrap(), 0);
}

async fn reports_and_event_batches_are_taken_once(db: Database) {
    let plane = db.fleet().await.plane.id;
    let report = |seq: u64, seconds: u64| Replica {
        plane,
        replica: "r1".to_owned(),
        epoch: 1,
        seq,
        records: seq,
        version: "0.1.0".to_owned(),
        reader: 1,
        status: "{}".to_owned(),
        reported_at: NOW.plus(Duration::from_secs(seconds)),
    };
    let mut write = db.store.write().await.unwrap();
    let feed = write.settings().feed().await.unwrap().position;
    for (seq, seconds) in [(1, 0), (3, 30), (2, 15)] {
        write
            .replicas()
            .report(&report(seq, seconds))
            .await
            .unwrap();
    }
    assert_eq!(
        write.replicas().on_plane(plane).await.unwrap(),
        [report(3, 30)]
    );
    let events = ["{\"a\":1}".to_owned(), "{\"b\":2}".to_owned()];
    assert!(
        write
            .batches()
            .accept(plane, "k1", &events, NOW)
            .await
            .unwrap()
    );
    assert!(
        !write
            .batches()
            .accept(plane, "k1", &events, NOW)
            .await
            .unwrap()
    );
    assert_eq!(write.commit().await.unwrap(), feed);
    let mut write = db.store.write().await.unwrap();
    assert_eq!(
        write.batches().events(plane, NOW, 10).await.unwrap(),
        events
    );
    let later = NOW.plus(Duration::from_secs(60));
    assert_eq!(write.batches().forget(later).await.unwrap(), 1);
    assert_eq!(write.replicas().forget(later).await.unwrap(), 1);
    assert_eq!(
        write.batches().events(plane, NOW, 10).await.unwrap(),
        Vec::<String>::new()
    );
}

on_every_engine! {
    f23_records_never_step_back_under_newer_revocations,
    what_is_kept_is_known_since_it_was_first_named,
    enrolment_happens_once,
    f23_publishing_never_steps_back,
    blobs_are_shared_found_by_position_and_collected,
    reports_and_event_batches_are_taken_once,
}
