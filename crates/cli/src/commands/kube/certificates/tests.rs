use super::*;
use crate::commands::kube::fixture::{Fake, Folder, certificate, told};
use aeolus_kube::Dry;
use aeolus_pki::certificates_pem;
use aeolus_snapshot::section::CertificateStage::Current;

/// A change of what the gate has is in the cluster within seconds, and a fault in between changes nothing there.
#[tokio::test]
async fn a_change_of_the_replica_is_followed_and_a_broken_one_is_not() {
    let (folder, cluster, now) = (Folder::new(), Fake::default(), SystemClock.now());
    let (one, two) = (certificate(now), certificate(now));
    folder.publish(7, told(&[(&one, Current)]), now);
    let path = folder.path();
    let work = Work {
        cluster: &cluster,
        folder: &path,
        max_age: Duration::from_secs(86_400),
        target: Target::new("astronomer", "platform").unwrap(),
        how: How {
            force: false,
            dry: Dry::No,
        },
        clock: Arc::new(SystemClock),
        figures: None,
    };
    let shutdown = CancellationToken::new();
    let said = std::sync::Mutex::new(Vec::new());
    let say = |passed: Result<&Shown, &Failure>| {
        let word = match passed {
            Ok(shown) => shown.done.name(),
            Err(failure) => failure.reports[0].code(),
        };
        said.lock().unwrap().push(word.to_owned());
        Ok(())
    };
    let failed = || said.lock().unwrap().iter().any(|word| word == "KUBE-105");
    let has = |wanted: &aeolus_pki::Certificate| {
        let there = cluster.there.lock().unwrap();
        let data = there
            .as_ref()
            .map(|secret| secret.data["tls.crt"].expose().clone());
        data == Some(certificates_pem([wanted]).into_bytes())
    };
    let until = async |fits: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !fits() {
            assert!(Instant::now() < deadline, "in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let changes = async {
        until(&|| has(&one)).await;
        folder.publish(8, told(&[]), now);
        folder.publish(9, told(&[]), now);
        until(&failed).await;
        assert!(has(&one), "control signs by none: the good one stays");
        folder.publish(10, told(&[(&two, Current)]), now);
        until(&|| has(&two)).await;
        shutdown.cancel();
    };
    let (followed, ()) = tokio::join!(work.follow(&shutdown, &say), changes);
    followed.unwrap();
    assert_eq!(*said.lock().unwrap(), ["created", "KUBE-105", "changed"]);
    assert_eq!(*cluster.writes.lock().unwrap(), 2);
}
