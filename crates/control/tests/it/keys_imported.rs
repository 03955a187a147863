//! A key and certificate of an operator's own as the legacy key: which are taken, and what becomes of them.

use std::time::Duration;

use aeolus_control::{ControlError, ImportError, Imported, import_legacy_key};
use aeolus_model::Time;
use aeolus_pki::{Authority, Certificate, KeyKind, Life, PrivateKey, Profile, San, Wanted};
use aeolus_store::{KeyStage, Unit as _};
use aeolus_testkit::SeededRng;
use serde_json::json;

use crate::fixture::{Fixture, MASTER};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

async fn fixture(name: &str) -> Fixture {
    let registry = Some(crate::registry::config());
    Fixture::configured(name, |config| config.registry = registry).await
}

/// A certificate for a key that ends then, and an authority that issued it.
fn ending(key: &PrivateKey, until: Time) -> Certificate {
    let rng = SeededRng::new("issuer");
    let from = until.minus(DAY * 3);
    let own = PrivateKey::generate(KeyKind::P256).unwrap();
    let authority = Authority::root("before", own, Life::ROOT, (from.minus(DAY), &rng)).unwrap();
    let names = [San::parse("release-houston").unwrap()];
    let wanted = Wanted::new(names, Profile::Server, Life::days(3).unwrap()).unwrap();
    let issued = authority.issue(&wanted, key.public(), (from, &rng));
    issued.unwrap().certificate
}

async fn import(
    f: &Fixture,
    key: &PrivateKey,
    certificate: &Certificate,
) -> Result<Imported, ControlError> {
    let parts = (&*f.clock as _, &*f.rng as _);
    import_legacy_key(&f.database, &MASTER, (key, certificate), parts).await
}

#[track_caller]
fn refused(done: Result<Imported, ControlError>, expected: ImportError) {
    match done.unwrap_err() {
        ControlError::Import(error) => assert_eq!(error, expected),
        other => panic!("{other}"),
    }
}

/// Where the imported key stands.
async fn stage(f: &Fixture, kid: &str) -> KeyStage {
    let keys = f.store().await.read().await.unwrap().keys().list().await;
    let mut keys = keys.unwrap().into_iter();
    keys.find(|key| key.kid == kid).unwrap().stage
}

#[tokio::test]
async fn f62_a_certificate_that_ends_within_a_day_is_not_taken() {
    let f = fixture("import-short").await;
    let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
    let now = f.clock_now();
    for left in [Duration::ZERO, Duration::from_secs(360), HOUR * 23] {
        let short = ending(&key, now.plus(left));
        refused(import(&f, &key, &short).await, ImportError::NotValid);
    }
    let later = ending(&key, now.plus(DAY * 4));
    refused(import(&f, &key, &later).await, ImportError::NotValid);
    let good = ending(&key, now.plus(HOUR * 25));
    import(&f, &key, &good).await.unwrap();
}

#[tokio::test]
async fn an_authoritys_certificate_and_another_kind_of_key_are_not_taken() {
    let f = fixture("import-authority").await;
    let rng = SeededRng::new("authority");
    let now = f.clock_now();
    let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
    let root = Authority::root("root", key, Life::ROOT, (now, &rng)).unwrap();
    let taken = import(&f, root.key(), root.certificate()).await;
    refused(taken, ImportError::Authority);
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let of_it = ending(&key, now.plus(DAY * 2));
    refused(import(&f, &key, &of_it).await, ImportError::NotRsa);
    let other = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
    refused(import(&f, &other, &of_it).await, ImportError::OtherKey);
}

#[tokio::test]
async fn f62_the_legacy_keys_certificates_are_watched_for_their_end() {
    let f = fixture("import-watched").await;
    let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
    let until = f.clock_now().plus(DAY * 2);
    let certificate = ending(&key, until);
    let imported = import(&f, &key, &certificate).await.unwrap();
    f.work();
    let line = |text: &str, ends: &str| {
        let mut lines = text.lines();
        let name =
            "aeolus_certificate_not_after_timestamp_seconds{name=\"legacy key\",role=\"signer\"";
        lines.any(|line| line.starts_with(name) && line.ends_with(ends))
    };
    let ends = format!(" {}", until.secs());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let text = f.metrics().await;
        // The next key's, and that of the key that signs, which is ten years long.
        if line(&text, &ends) && line(&text, "") && text.matches("role=\"signer\"").count() == 2 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // It takes over by itself, and goes on being watched.
    f.clock.advance(Duration::from_secs(301));
    while !matches!(stage(&f, &imported.kid).await, KeyStage::Active { .. }) {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(line(&f.metrics().await, &ends));
}

#[tokio::test]
async fn f62_a_key_whose_certificate_is_about_to_end_does_not_take_over() {
    let f = fixture("import-late").await;
    let admin = f.admin().await;
    let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
    let certificate = ending(&key, f.clock_now().plus(HOUR * 25));
    let imported = import(&f, &key, &certificate).await.unwrap();
    f.clock.advance(HOUR * 14);
    let admin_later = f.admin().await;
    assert_ne!(admin, admin_later);
    let body = json!({"activateIn": "0s", "regardless": true});
    let path = "/v1/keys/legacy/rotate";
    let refused = f.call("POST", path, &admin_later, Some(body)).await;
    let said = refused.expect(409).text();
    assert!(said.contains("ends within 12 hours"), "{said}");
    // Nor by itself.
    f.work();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let stage = stage(&f, &imported.kid).await;
    assert!(matches!(stage, KeyStage::Announced { .. }), "{stage:?}");
}
