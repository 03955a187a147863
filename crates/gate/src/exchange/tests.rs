use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use aeolus_decide::World;
use aeolus_keys::{JwkSet, jws};
use aeolus_model::{AirflowRole, Subject, UserId};
use aeolus_snapshot::{Sections, section};
use aeolus_testkit::SeededRng;

use super::*;

/// Counts how often randomness is asked for: once for each token that is really minted.
struct Counted(SeededRng, AtomicUsize);

impl Rng for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.fill(buffer);
    }
}

const NOW: Time = Time::from_secs(1_800_000_000);

fn deployment(number: u8) -> Arc<Deployment> {
    let record = section::Deployment {
        id: vec![number; 16],
        organization: vec![1; 16],
        workspace: vec![2; 16],
        name: "etl".into(),
        routes: vec![section::Route {
            host: "etl.example.com".into(),
            path_prefix: String::new(),
        }],
        profile: section::Profile::Airflow3.into(),
        max_stale: 86_400,
        hard_stale: 604_800,
        stale_then: section::StalePolicy::ServeUntilExp.into(),
        ..Default::default()
    };
    let mut sections = Sections::default();
    sections.deployments.deployments.push(record);
    let world = World::from_sections(&sections, &std::collections::BTreeSet::new());
    let found = world.deployments().next().cloned();
    found.expect("the record is complete")
}

fn identity(role: AirflowRole, expires: Time) -> Identity {
    Identity {
        subject: Subject::User(UserId::from_bytes([7; 16])),
        person: Arc::default(),
        role: Some(role),
        expires,
        session: None,
    }
}

fn exchange() -> (Exchange, Arc<Counted>) {
    let rng = Arc::new(Counted(SeededRng::new("exchange"), AtomicUsize::new(0)));
    let keyring = Arc::new(Keyring::generate(&*rng));
    let made = Exchange::new(PlaneId::from_bytes([9; 16]), keyring, rng.clone(), 100);
    rng.1.store(0, Ordering::Relaxed);
    (made, rng)
}

fn claims(header: &HeaderValue, jwks: &str) -> Airflow3 {
    let token = header.to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let keys = JwkSet::parse(jwks.as_bytes()).unwrap().own_keys().unwrap();
    let unverified = jws::parse(token.as_bytes()).unwrap();
    unverified
        .verify(Kind::Airflow3, &keys[0])
        .unwrap()
        .claims()
        .unwrap()
}

#[test]
fn the_token_is_the_one_that_airflow_believes() {
    let (exchange, _) = exchange();
    let etl = deployment(3);
    let later = NOW.plus(Duration::from_hours(1));
    let presented = exchange
        .present(&identity(AirflowRole::Op, later), &etl, NOW)
        .unwrap();
    assert!(presented.authorization.is_sensitive());
    let claims = claims(&presented.authorization, &exchange.jwks(&etl).unwrap());
    assert_eq!(claims.aud, etl.audience());
    assert_eq!(claims.role, Some(AirflowRole::Op));
    assert_eq!((claims.iat, claims.nbf), (NOW.secs() - 30, NOW.secs() - 30));
    assert_eq!(claims.exp, NOW.secs() + 300);
    assert_eq!(claims.jti.len(), 32);
}

#[test]
fn it_never_outlives_the_credential() {
    let (exchange, _) = exchange();
    let etl = deployment(3);
    let soon = NOW.plus(Duration::from_secs(40));
    let presented = exchange
        .present(&identity(AirflowRole::Op, soon), &etl, NOW)
        .unwrap();
    assert_eq!(
        claims(&presented.authorization, &exchange.jwks(&etl).unwrap()).exp,
        soon.secs()
    );
    let over = exchange.present(&identity(AirflowRole::Op, NOW), &etl, NOW);
    assert!(matches!(over, Err(ExchangeError::CredentialOver)));
}

#[test]
fn it_is_minted_once_until_a_role_changes_or_time_passes() {
    let (exchange, rng) = exchange();
    let etl = deployment(3);
    let later = NOW.plus(Duration::from_hours(1));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                exchange
                    .present(&identity(AirflowRole::Op, later), &etl, NOW)
                    .unwrap()
            });
        }
    });
    assert_eq!(rng.1.load(Ordering::Relaxed), 1);
    exchange
        .present(&identity(AirflowRole::Viewer, later), &etl, NOW)
        .unwrap();
    assert_eq!(rng.1.load(Ordering::Relaxed), 2);
    let minutes_later = NOW.plus(Duration::from_mins(2));
    exchange
        .present(&identity(AirflowRole::Op, later), &etl, minutes_later)
        .unwrap();
    assert_eq!(rng.1.load(Ordering::Relaxed), 3);
}

#[test]
fn each_deployment_has_a_key_of_its_own_and_replicas_agree() {
    let rng = SeededRng::new("plane");
    let keyring = Arc::new(Keyring::generate(&rng));
    let replica = || {
        let plane = PlaneId::from_bytes([9; 16]);
        Exchange::new(
            plane,
            Arc::clone(&keyring),
            Arc::new(SeededRng::new("replica")),
            100,
        )
    };
    let keys = [3, 4].map(|number| replica().jwks(&deployment(number)).unwrap());
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 2);
    assert_eq!(replica().jwks(&deployment(3)).unwrap(), keys[0]);
}

#[test]
fn a_generation_is_published_before_it_signs_and_after() {
    let rng = SeededRng::new("rotation");
    let mut keyring = Keyring::generate(&rng);
    let announced = keyring.announce(&rng).unwrap();
    let count = |keyring: &Keyring| {
        let plane = PlaneId::from_bytes([9; 16]);
        let rng = Arc::new(SeededRng::new("replica"));
        let exchange = Exchange::new(plane, Arc::new(keyring.clone()), rng, 100);
        JwkSet::parse(exchange.jwks(&deployment(3)).unwrap().as_bytes())
            .unwrap()
            .iter()
            .count()
    };
    assert_eq!(count(&keyring), 2);
    keyring.activate(announced).unwrap();
    assert_eq!(count(&keyring), 2);
}
