use std::time::Duration;

use super::*;
use crate::commands::kube::cluster::{Done, How, bring};
use crate::commands::kube::fixture::{Fake, PLANE, certificate, told};
use aeolus_kube::Dry;
use aeolus_snapshot::section::CertificateStage::{Announced, Current, Retiring};
use aeolus_snapshot::section::Certificates;

const NOW: Time = Time::from_secs(1_800_000_000);
const HOW: How = How {
    force: false,
    dry: Dry::No,
};

fn target() -> Target {
    Target::new("astronomer", "platform").unwrap()
}

fn held(seq: u64, certificates: Certificates) -> Held {
    Held {
        plane: PLANE,
        position: Position { epoch: 1, seq },
        age: Duration::ZERO,
        certificates,
    }
}

fn wanted(seq: u64, certificates: Certificates, now: Time) -> Result<Wanted, Failure> {
    Wanted::of_replica(&target(), &held(seq, certificates), now)
}

fn code(failure: &Failure) -> &str {
    failure.reports[0].code()
}

fn done((done, _): (Done, Option<Position>)) -> Done {
    done
}

fn there(cluster: &Fake) -> SecretObject {
    cluster.there.lock().unwrap().clone().unwrap()
}

fn text(secret: &SecretObject) -> String {
    String::from_utf8(secret.data["tls.crt"].expose().clone()).unwrap()
}

#[tokio::test]
async fn k11_the_secret_is_as_the_originals_and_written_only_where_it_differs() {
    let (cluster, one) = (Fake::default(), certificate(NOW));
    let first = wanted(7, told(&[(&one, Current)]), NOW).unwrap();
    assert_eq!(
        bring(&cluster, &first, HOW, NOW).await.map(done),
        Ok(Done::Created)
    );
    let secret = there(&cluster);
    let place = "platform/astronomer-houston-jwt-signing-certificate";
    assert_eq!(secret.meta.place.to_string(), place);
    assert_eq!((secret.kind.as_str(), secret.data.len()), ("Opaque", 1));
    assert_eq!(text(&secret), certificates_pem([&one]));
    let said = |name: &str| there(&cluster).meta.annotations[name].clone();
    assert_eq!(
        said("astronomer.io/commander-sync"),
        "platform-release=astronomer"
    );
    let source = "https://control.example/v1/.well-known/jwks.json";
    assert_eq!(said("astronomer.io/jwks-source"), source);
    assert_eq!(
        said("astronomer.io/jwks-fetched-at"),
        "2027-01-15T08:00:00Z"
    );
    assert_eq!(said("aeolus/revision"), "1.7");
    assert_eq!(said("aeolus/plane"), PLANE.to_string());

    // The same certificate of a later position is no write.
    let later = NOW.plus(Duration::from_secs(60));
    let same = wanted(9, told(&[(&one, Current)]), later).unwrap();
    assert_eq!(
        bring(&cluster, &same, HOW, later).await,
        Ok((Done::Unchanged, Some(Position { epoch: 1, seq: 7 })))
    );
    assert_eq!(*cluster.writes.lock().unwrap(), 1);
    // An annotation that somebody changed is put right; when it was fetched stays.
    let mut changed = there(&cluster);
    changed
        .meta
        .annotations
        .insert(SYNC.to_owned(), "platform=x".to_owned());
    *cluster.there.lock().unwrap() = Some(changed);
    assert_eq!(
        bring(&cluster, &same, HOW, later).await.map(done),
        Ok(Done::Changed)
    );
    assert_eq!(
        said("astronomer.io/jwks-fetched-at"),
        "2027-01-15T08:00:00Z"
    );
    // And another one is written, with the time.
    let two = certificate(NOW);
    let next = wanted(11, told(&[(&two, Current)]), later).unwrap();
    assert_eq!(
        bring(&cluster, &next, HOW, later).await.map(done),
        Ok(Done::Changed)
    );
    assert_eq!(
        said("astronomer.io/jwks-fetched-at"),
        "2027-01-15T08:01:00Z"
    );
    // A replica that lags takes nothing back; one of another plane may.
    assert_eq!(
        bring(&cluster, &same, HOW, later).await,
        Ok((Done::Newer, Some(Position { epoch: 1, seq: 11 })))
    );
    assert_eq!(text(&there(&cluster)), certificates_pem([&two]));
    let mut foreign = held(9, told(&[(&one, Current)]));
    foreign.plane = PlaneId::from_bytes([2; 16]);
    let foreign = Wanted::of_replica(&target(), &foreign, later).unwrap();
    assert_eq!(
        bring(&cluster, &foreign, HOW, later).await.map(done),
        Ok(Done::Changed)
    );
}

#[test]
fn the_one_that_signs_comes_first_and_those_that_ended_not_at_all() {
    let (current, next) = (certificate(NOW), certificate(NOW));
    let (before, ended) = (
        certificate(NOW),
        certificate(Time::from_secs(1_000_000_000)),
    );
    let all = [
        (&before, Retiring),
        (&ended, Retiring),
        (&next, Announced),
        (&current, Current),
    ];
    let wanted = wanted(7, told(&all), NOW).unwrap();
    assert_eq!(wanted.certificates, [current, next, before]);
}

#[test]
fn what_nobody_would_believe_is_written_nowhere() {
    let ended = certificate(Time::from_secs(1_000_000_000));
    let refused = wanted(7, told(&[(&ended, Current)]), NOW).unwrap_err();
    assert_eq!(code(&refused), "KUBE-107");
    let early = certificate(NOW.plus(Duration::from_secs(3_600)));
    let refused = wanted(7, told(&[(&early, Current)]), NOW).unwrap_err();
    assert_eq!(code(&refused), "KUBE-107");
    let fetched = Wanted::fetched(&target(), (early, "https://x"), NOW);
    assert_eq!(code(&fetched.unwrap_err()), "KUBE-107");
    let mut unreadable = told(&[(&certificate(NOW), Current)]);
    unreadable.certificates[0].chain = "-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned();
    assert_eq!(code(&wanted(7, unreadable, NOW).unwrap_err()), "KUBE-106");
    for none in [told(&[]), told(&[(&certificate(NOW), Announced)])] {
        assert_eq!(code(&wanted(7, none, NOW).unwrap_err()), "KUBE-105");
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_is_taken_over_only_where_that_is_asked_for() {
    let cluster = Fake {
        owned_by_others: true,
        ..Fake::default()
    };
    let wanted = wanted(7, told(&[(&certificate(NOW), Current)]), NOW).unwrap();
    let refused = bring(&cluster, &wanted, HOW, NOW).await.unwrap_err();
    assert_eq!(code(&refused), "KUBE-008");
    assert!(refused.render().contains("--force"));
    let dry = How {
        force: true,
        dry: Dry::Run,
    };
    assert_eq!(
        bring(&cluster, &wanted, dry, NOW).await.map(done),
        Ok(Done::Created)
    );
    assert!(cluster.there.lock().unwrap().is_none());
    let force = How { force: true, ..HOW };
    assert_eq!(
        bring(&cluster, &wanted, force, NOW).await.map(done),
        Ok(Done::Created)
    );
}

#[test]
fn names_that_kubernetes_does_not_take_are_refused_before_anything_else() {
    for (release, namespace) in [("Rel", "ns"), ("rel", "n s"), ("rel.x", "ns"), ("", "ns")] {
        let refused = Target::new(release, namespace).unwrap_err();
        assert_eq!(code(&refused), "CLI-0012");
    }
}
