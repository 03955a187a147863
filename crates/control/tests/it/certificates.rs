//! The legacy key's certificate: what planes are told of it, a key and certificate of one's own (row H4), and keys
//! from before certificates were kept.

use std::time::Duration;

use aeolus_control::{ControlError, ImportError, Imported, NewKeys, import_legacy_key};
use aeolus_keys::Kind;
use aeolus_model::{Action, Clock as _, Time};
use aeolus_pki::{Certificate, KeyKind, PrivateKey, signer_certificate};
use aeolus_snapshot::section::CertificateStage::{Announced, Current, Retiring};
use aeolus_snapshot::section::{self, CertificateStage, Certificates};
use aeolus_store::Unit as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture, ISS, MASTER};
use crate::keys::{HOUR, kids, listed, rotate};
use crate::publish::Reader;
use crate::registry::config as registry;

on_every_engine! {
    k4_planes_are_told_of_every_change_of_the_certificate,
    h4_a_key_of_ones_own_takes_over_and_refuses_what_nobody_would_believe,
    a_key_from_before_certificates_were_kept_is_given_its_own,
}

/// Control with a registry, so that there is a legacy key.
async fn certified(name: &str, database: Option<&String>) -> (Fixture, String) {
    let f = Fixture::configured(name, |config| {
        config.registry = Some(registry());
        if let Some(database) = database {
            config.database.clone_from(database);
        }
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    (f, admin)
}

/// Where each certificate's key stands, as a plane is told.
fn stages(told: &Certificates) -> Vec<CertificateStage> {
    let mut stages: Vec<_> = told
        .certificates
        .iter()
        .map(section::Certificate::stage)
        .collect();
    stages.sort_by_key(|stage| *stage as i32);
    stages
}

fn of(told: &Certificates, stage: CertificateStage) -> &section::Certificate {
    let mut all = told.certificates.iter();
    all.find(|c| c.stage() == stage).unwrap()
}

fn der(jwk: &Value) -> Vec<u8> {
    STANDARD.decode(jwk["x5c"][0].as_str().unwrap()).unwrap()
}

/// The certificate that a chain begins with.
fn leaf(chain: &str) -> Vec<u8> {
    let read = aeolus_pki::read(chain.as_bytes(), None).unwrap();
    read.certificates[0].der().to_vec()
}

async fn bare(f: &Fixture) -> Value {
    f.get("/v1/.well-known/jwks.json").await.expect(200).json()
}

async fn k4_planes_are_told_of_every_change_of_the_certificate(database: Option<String>) {
    let (f, admin) = certified("certificates-told", database.as_ref()).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let snapshot = reader
        .until(&f, |s| !s.sections().certificates.certificates.is_empty())
        .await;
    assert_eq!(snapshot.manifest().min_reader, 1, "older gates read on");
    let told = &snapshot.sections().certificates;
    assert_eq!(told.jwks_url, format!("{ISS}/v1/.well-known/jwks.json"));
    assert_eq!(stages(told), [Current]);
    let first = of(told, Current).clone();
    let shown = bare(&f).await;
    assert_eq!(
        (first.purpose.as_str(), leaf(&first.chain)),
        ("legacy", der(&shown))
    );
    assert_eq!(shown["kid"], first.kid);
    let read = Certificate::from_der(&der(&shown)).unwrap();
    assert_eq!(
        (first.not_before, first.not_after),
        (read.not_before.secs(), read.not_after.secs())
    );
    // The next one is told of before it signs, and the one before for as long as what it signed is good.
    rotate(&f, &admin, "legacy", json!({"activateIn": "1h"})).await;
    let snapshot = reader
        .until(&f, |s| stages(&s.sections().certificates).len() == 2)
        .await;
    let told = &snapshot.sections().certificates;
    assert_eq!(stages(told), [Announced, Current]);
    let next = of(told, Announced).clone();
    assert_eq!(of(told, Current), &first);
    let at_once = json!({"activateIn": "0s", "regardless": true});
    rotate(&f, &admin, "legacy", at_once).await;
    let over = |told: &Certificates| stages(told) == [Current, Retiring];
    let snapshot = reader.until(&f, |s| over(&s.sections().certificates)).await;
    let told = &snapshot.sections().certificates;
    assert_eq!(of(told, Current).chain, next.chain);
    assert_eq!(of(told, Retiring).chain, first.chain);
    assert_eq!(leaf(&next.chain), der(&bare(&f).await));
    // No private part of any key is in what a plane is told.
    let all = &snapshot.sections().certificates.certificates;
    assert!(all.iter().all(|c| !c.chain.contains("PRIVATE KEY")));
}

#[tokio::test]
async fn planes_of_a_control_without_a_legacy_key_are_told_of_no_certificate() {
    let f = Fixture::new("certificates-none").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let snapshot = reader
        .until(&f, |s| !s.sections().deployments.deployments.is_empty())
        .await;
    let sections = &snapshot.manifest().sections;
    assert!(!sections.contains_key("certificates"));
}

/// At an upgrade the certificate stays, or goes with its key where that is wanted (row H2).
#[tokio::test]
async fn h2_the_certificate_that_planes_have_goes_with_its_key_alone() {
    let (f, admin) = certified("certificates-upgrade", None).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let there = |s: &aeolus_snapshot::Snapshot| stages(&s.sections().certificates) == [Current];
    let snapshot = reader.until(&f, there).await;
    let first = of(&snapshot.sections().certificates, Current).clone();
    for (minor, keys) in [(3, NewKeys::None), (4, NewKeys::AtOnce)] {
        let newer = f
            .replica(|config| {
                config.registry = Some(registry());
                config.upgrades.version = semver::Version::new(1, minor, 0);
                config.upgrades.keys = keys;
            })
            .await;
        let kept = bare(&newer).await["kid"] == first.kid;
        assert_eq!(kept, keys == NewKeys::None);
    }
    let other = |s: &aeolus_snapshot::Snapshot| {
        let told = &s.sections().certificates;
        stages(told) == [Current] && of(told, Current).kid != first.kid
    };
    reader.until(&f, other).await;
}

async fn import(
    f: &Fixture,
    (key, shown): (&PrivateKey, &Certificate),
) -> Result<Imported, ControlError> {
    let parts = (&*f.clock as _, &*f.rng as _);
    import_legacy_key(&f.database, &MASTER, (key, shown), parts).await
}

/// A key as the original's installation left it, with a certificate of that time.
fn own(kind: KeyKind, made: Time) -> (PrivateKey, Certificate) {
    let key = PrivateKey::generate(kind).unwrap();
    let shown = signer_certificate("release-houston", &key, made).unwrap();
    (key, shown)
}

async fn h4_a_key_of_ones_own_takes_over_and_refuses_what_nobody_would_believe(
    database: Option<String>,
) {
    let (f, admin) = certified("certificates-import", database.as_ref()).await;
    let before = listed(&f, &admin).await["items"].clone();
    let now = f.clock.now();
    let years = |n: u64| Duration::from_secs(n * 366 * 86_400);
    let (key, shown) = own(KeyKind::Rsa2048, now.minus(years(3)));
    let (other, others) = own(KeyKind::Rsa2048, now.minus(years(12)));
    let (curve, curves) = own(KeyKind::P256, now);
    let future = signer_certificate("release-houston", &key, now.plus(HOUR)).unwrap();
    for (pair, expected) in [
        ((&curve, &curves), ImportError::NotRsa),
        ((&key, &others), ImportError::OtherKey),
        ((&other, &others), ImportError::NotValid),
        ((&key, &future), ImportError::NotValid),
    ] {
        let refused = import(&f, pair).await.unwrap_err();
        assert!(matches!(refused, ControlError::Import(why) if why == expected));
    }
    assert_eq!(listed(&f, &admin).await["items"], before, "nothing changed");

    let done = import(&f, (&key, &shown)).await.unwrap();
    assert_eq!(done.from, now.plus(Duration::from_secs(300)));
    let again = import(&f, (&key, &shown)).await.unwrap_err();
    assert!(matches!(again, ControlError::Import(ImportError::Known)));
    let (next, nexts) = own(KeyKind::Rsa2048, now);
    let second = import(&f, (&next, &nexts)).await.unwrap_err();
    assert!(matches!(
        second,
        ControlError::Import(ImportError::Announced)
    ));
    let [line] = f
        .audited(Action::KeyAnnounce)
        .await
        .try_into()
        .unwrap_or_else(|lines| panic!("{lines:?}"));
    assert_eq!(line.target, done.kid);
    assert!(serde_json::to_string(&line).unwrap().contains("houston"));

    // It takes over by itself, and who believed its certificate goes on.
    f.work();
    f.clock.advance(Duration::from_secs(300));
    let admin = f.admin().await;
    let over = |answer: &Answer| kids(&answer.json(), "legacy", "active") == [done.kid.clone()];
    f.until("/v1/keys", || admin.clone(), over).await;
    assert_eq!(der(&bare(&f).await), shown.der());
    let mut reader = Reader::new(&f, &admin).await;
    let taken = |s: &aeolus_snapshot::Snapshot| {
        let told = &s.sections().certificates;
        stages(told) == [Current, Retiring] && leaf(&of(told, Current).chain) == shown.der()
    };
    reader.until(&f, taken).await;
}

#[tokio::test]
async fn h4_where_no_other_signs_a_key_of_ones_own_signs_at_once() {
    let f = Fixture::new("certificates-first").await;
    let (key, shown) = own(KeyKind::Rsa2048, f.clock.now());
    let done = import(&f, (&key, &shown)).await.unwrap();
    assert_eq!(done.from, f.clock.now());
    let with = f.replica(|config| config.registry = Some(registry())).await;
    let jwk = bare(&with).await;
    assert_eq!(
        (jwk["kid"].as_str(), der(&jwk)),
        (Some(&*done.kid), shown.der().to_vec())
    );
}

async fn a_key_from_before_certificates_were_kept_is_given_its_own(database: Option<String>) {
    let (f, admin) = certified("certificates-bare", database.as_ref()).await;
    let certificate = bare(&f).await["x5c"].clone();
    // As the version before left it.
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let legacy = Kind::Legacy.name();
    let mut key = write.keys().active(legacy).await.unwrap().unwrap();
    let mut jwk: Value = serde_json::from_str(&key.public_jwk).unwrap();
    jwk.as_object_mut().unwrap().remove("x5c");
    assert!(write.keys().certify(&key, &jwk.to_string()).await.unwrap());
    write.commit().await.unwrap();
    key.public_jwk = jwk.to_string();

    let start = || f.replica(|config| config.registry = Some(registry()));
    let (newer, beside) = tokio::join!(start(), start());
    for f in [&newer, &beside] {
        assert_eq!(bare(f).await["x5c"], certificate, "a function of the key");
    }
    let at_once = json!({"activateIn": "0s", "regardless": true});
    rotate(&newer, &admin, "legacy", at_once).await;
    let set = newer.get("/v2/.well-known/jwks.json").await.expect(200);
    let shown = set.json()["keys"].as_array().unwrap().clone();
    assert_eq!(shown.len(), 2);
    let [retired] = kids(&listed(&newer, &admin).await, "legacy", "retired")
        .try_into()
        .unwrap();
    let before = shown.iter().find(|key| key["kid"] == retired).unwrap();
    assert_eq!(before["x5c"], certificate, "it stays when the key retires");
    // Who would write over what another replica kept meanwhile writes nothing.
    let mut write = store.write().await.unwrap();
    assert!(!write.keys().certify(&key, "{}").await.unwrap());
}
