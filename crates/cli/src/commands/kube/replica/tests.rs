use super::*;
use crate::commands::kube::fixture::{Folder, PLANE, certificate, told};
use aeolus_model::{SystemClock, Time};
use aeolus_snapshot::section::CertificateStage::Current;

const DAY: Duration = Duration::from_secs(86_400);

struct At(Time);

impl Clock for At {
    fn now(&self) -> Time {
        self.0
    }
}

async fn read_at(folder: &Folder, now: Time) -> Result<Held, Failure> {
    let wall: Arc<dyn Clock> = Arc::new(At(now));
    read(&folder.path(), DAY, &wall).await
}

fn code(refused: &Failure) -> &str {
    refused.reports[0].code()
}

#[tokio::test]
async fn what_the_gate_would_believe_is_read_with_its_position_and_age() {
    let (folder, now) = (Folder::new(), SystemClock.now());
    let certificates = told(&[(&certificate(now), Current)]);
    folder.publish(7, certificates.clone(), now);
    let held = read_at(&folder, now.plus(Duration::from_secs(90)))
        .await
        .unwrap();
    assert_eq!(
        (held.plane, held.position),
        (PLANE, Position { epoch: 1, seq: 7 })
    );
    assert!((90..95).contains(&held.age.as_secs()), "{:?}", held.age);
    assert_eq!(held.certificates, certificates);
}

#[tokio::test]
async fn each_way_in_which_it_can_not_be_believed_has_a_code() {
    let now = SystemClock.now();
    let certificates = told(&[(&certificate(now), Current)]);
    let nobody = Folder::new();
    let refused = read_at(&nobody, now).await.unwrap_err();
    assert_eq!(code(&refused), "GATE-0003", "not enrolled");

    let empty = Folder::new();
    empty.publish(7, certificates.clone(), now);
    std::fs::remove_dir_all(empty.path().join("replica")).unwrap();
    assert_eq!(code(&read_at(&empty, now).await.unwrap_err()), "KUBE-101");

    let foreign = Folder::new();
    foreign.publish_for(PlaneId::from_bytes([2; 16]), (7, now), certificates.clone());
    let refused = read_at(&foreign, now).await.unwrap_err();
    assert_eq!(code(&refused), "KUBE-102");
    assert!(refused.render().contains("other_plane"));

    let tampered = Folder::new();
    tampered.publish(7, certificates.clone(), now);
    let path = tampered.manifest();
    let mut manifest = std::fs::read(&path).unwrap();
    let middle = manifest.len() / 2;
    manifest[middle] ^= 1;
    std::fs::write(&path, manifest).unwrap();
    assert_eq!(
        code(&read_at(&tampered, now).await.unwrap_err()),
        "KUBE-102"
    );

    let damaged = Folder::new();
    damaged.publish(7, certificates.clone(), now);
    let blobs = damaged.manifest().with_file_name("blobs");
    for blob in std::fs::read_dir(blobs).unwrap() {
        std::fs::write(blob.unwrap().path(), b"other").unwrap();
    }
    assert_eq!(code(&read_at(&damaged, now).await.unwrap_err()), "KUBE-102");

    // An older generation on a disk that was set back.
    let older = Folder::new();
    older.publish(7, certificates.clone(), now);
    let before = std::fs::read(older.manifest()).unwrap();
    older.publish(8, certificates.clone(), now);
    older.publish(9, certificates.clone(), now);
    for name in ["a", "b"] {
        let path = older.path().join("replica").join(name).join("manifest");
        std::fs::write(path, &before).unwrap();
    }
    let refused = read_at(&older, now).await.unwrap_err();
    assert_eq!(code(&refused), "KUBE-102");
    assert!(
        refused.render().contains("rollback"),
        "{}",
        refused.render()
    );

    let stale = Folder::new();
    stale.publish(7, certificates.clone(), now);
    let later = now.plus(DAY + Duration::from_secs(60));
    assert_eq!(code(&read_at(&stale, later).await.unwrap_err()), "KUBE-104");
    let behind = now.minus(DAY);
    assert_eq!(
        code(&read_at(&stale, behind).await.unwrap_err()),
        "KUBE-103"
    );
}
