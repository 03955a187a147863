use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aeolus_decide::{Credential, SessionCookie, World};
use aeolus_keys::claims::{Airflow2, Registered};
use aeolus_keys::seal::Keyring;
use aeolus_keys::{Alg, JwkSet, SigningKey, jws};
use aeolus_model::{AirflowRole, ConnectionId, SessionId, Subject, UserId};
use aeolus_snapshot::{Sections, section};
use aeolus_testkit::{ManualClock, SeededRng};

use super::*;

/// Counts how often randomness is asked for: once for each token that is really minted.
struct Counted(SeededRng, AtomicUsize);

impl Rng for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.fill(buffer);
    }
}

pub(crate) const NOW: Time = Time::from_secs(1_800_000_000);

pub(crate) const HOST: &str = "etl.example.com";

fn deployment(number: u8) -> Arc<Deployment> {
    deployment_of(number, section::Profile::Airflow3)
}

pub(crate) fn deployment_of(number: u8, profile: section::Profile) -> Arc<Deployment> {
    let record = section::Deployment {
        id: vec![number; 16],
        organization: vec![1; 16],
        workspace: vec![2; 16],
        name: "etl".into(),
        routes: vec![section::Route {
            host: HOST.into(),
            path_prefix: String::new(),
        }],
        profile: profile.into(),
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
        credential: some_credential(),
    }
}

/// Some session, where which one is of no interest.
pub(crate) const fn some_credential() -> Credential {
    Credential::Session(SessionCookie {
        session: SessionId::from_bytes([9; 16]),
        user: UserId::from_bytes([7; 16]),
        connection: ConnectionId::from_bytes([8; 16]),
        auth_time: NOW,
        access_start: NOW,
        access_end: NOW,
        absolute_end: NOW,
        begun: aeolus_decide::Begun::AtControl,
    })
}

fn exchange() -> (Exchange, Arc<Counted>) {
    exchange_with(None)
}

fn exchange_with(airflow2: Option<Arc<SigningKey>>) -> (Exchange, Arc<Counted>) {
    let rng = Arc::new(Counted(SeededRng::new("exchange"), AtomicUsize::new(0)));
    let mut keyring = Keyring::generate(&*rng);
    if let Some(key) = airflow2 {
        keyring.adopt_rsa(key);
    }
    let made = exchange_of(keyring, NOW, rng.clone());
    rng.1.store(0, Ordering::Relaxed);
    (made, rng)
}

const PLANE: PlaneId = PlaneId::from_bytes([9; 16]);

fn exchange_of(keyring: Keyring, now: Time, rng: Arc<dyn Rng>) -> Exchange {
    let secret = Arc::new(PlaneSecret::new(PLANE, keyring, now, 0));
    Exchange::new(PLANE, secret, (rng, Arc::new(ManualClock::new(now))), 100)
}

fn claims(header: &HeaderValue, jwks: &str) -> Airflow3 {
    claims_of(Kind::Airflow3, header, jwks)
}

fn claims_of<T: Registered + serde::de::DeserializeOwned>(
    kind: Kind,
    header: &HeaderValue,
    jwks: &str,
) -> T {
    let token = header.to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let keys = JwkSet::parse(jwks.as_bytes()).unwrap().own_keys().unwrap();
    let unverified = jws::parse(token.as_bytes()).unwrap();
    unverified.verify(kind, &keys[0]).unwrap().claims().unwrap()
}

#[test]
fn f35_a_control_ahead_of_the_plane_makes_no_token_that_airflow_calls_early() {
    const HOUR: Duration = Duration::from_secs(3_600);
    // Airflow's own bounds: `iat` and `nbf` at most 10 s ahead, `exp` not past.
    let leeway = 10;
    for ahead in [0_i64, 60, 90, -90] {
        let (exchange, _) = exchange();
        let gate = Time::from_secs(NOW.secs() + ahead);
        let who = identity(AirflowRole::Op, gate.plus(HOUR));
        let etl = deployment(3);
        let presented = exchange.present(&who, (&etl, HOST), gate).unwrap();
        let claims = claims(&presented.authorization, &exchange.jwks(&etl).unwrap());
        let airflow = NOW.secs();
        assert_eq!(claims.iat, NOW.secs().min(gate.secs()) - 30, "{ahead}");
        assert!(claims.iat <= airflow + leeway && claims.nbf <= airflow + leeway);
        assert!(claims.exp > airflow - leeway, "{ahead}");
    }
}

#[test]
fn the_token_is_the_one_that_airflow_believes() {
    let (exchange, _) = exchange();
    let etl = deployment(3);
    let later = NOW.plus(Duration::from_hours(1));
    let presented = exchange
        .present(&identity(AirflowRole::Op, later), (&etl, HOST), NOW)
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
        .present(&identity(AirflowRole::Op, soon), (&etl, HOST), NOW)
        .unwrap();
    assert_eq!(
        claims(&presented.authorization, &exchange.jwks(&etl).unwrap()).exp,
        soon.secs()
    );
    let over = exchange.present(&identity(AirflowRole::Op, NOW), (&etl, HOST), NOW);
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
                    .present(&identity(AirflowRole::Op, later), (&etl, HOST), NOW)
                    .unwrap()
            });
        }
    });
    assert_eq!(rng.1.load(Ordering::Relaxed), 1);
    exchange
        .present(&identity(AirflowRole::Viewer, later), (&etl, HOST), NOW)
        .unwrap();
    assert_eq!(rng.1.load(Ordering::Relaxed), 2);
    let minutes_later = NOW.plus(Duration::from_mins(2));
    exchange
        .present(
            &identity(AirflowRole::Op, later),
            (&etl, HOST),
            minutes_later,
        )
        .unwrap();
    assert_eq!(rng.1.load(Ordering::Relaxed), 3);
}

#[test]
fn each_deployment_has_a_key_of_its_own_and_replicas_agree() {
    let keyring = Keyring::generate(&SeededRng::new("plane"));
    let replica = || {
        let rng = Arc::new(SeededRng::new("replica"));
        exchange_of(keyring.clone(), NOW, rng)
    };
    let keys = [3, 4].map(|number| replica().jwks(&deployment(number)).unwrap());
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 2);
    assert_eq!(replica().jwks(&deployment(3)).unwrap(), keys[0]);
}

fn airflow2() -> (Exchange, Arc<Counted>) {
    let key = SigningKey::generate(Alg::Rs256, &SeededRng::new("rsa")).unwrap();
    exchange_with(Some(Arc::new(key)))
}

fn airflow2_claims(exchange: &Exchange, presented: &Presented, at: &Deployment) -> Airflow2 {
    let jwks = exchange.jwks(at).unwrap();
    claims_of(Kind::Airflow2, &presented.authorization, &jwks)
}

#[test]
fn row_i9_airflow_2_gets_the_claims_that_its_security_manager_requires() {
    let (exchange, _) = airflow2();
    let old = deployment_of(3, section::Profile::Airflow2);
    let later = NOW.plus(Duration::from_hours(1));
    let presented = exchange
        .present(&identity(AirflowRole::Op, later), (&old, HOST), NOW)
        .unwrap();
    let claims = airflow2_claims(&exchange, &presented, &old);
    assert_eq!(
        (claims.aud.as_str(), claims.roles),
        (HOST, vec!["Op".to_owned()])
    );
    assert_eq!(claims.sub, UserId::from_bytes([7; 16]).to_string());
    assert_eq!((claims.iat, claims.nbf), (NOW.secs() - 30, NOW.secs() - 30));
    assert_eq!(claims.exp, NOW.secs() + 300);
    assert!(claims.iss.starts_with("urn:aeolus:plane:"));
    assert!(presented.authorization.is_sensitive());
    let published = exchange.jwks(&old).unwrap();
    assert!(published.contains("RS256") && !published.contains("EdDSA"));
}

#[test]
fn an_airflow_2_token_never_outlives_the_credential_either() {
    let (exchange, _) = airflow2();
    let old = deployment_of(3, section::Profile::Airflow2);
    let soon = NOW.plus(Duration::from_secs(40));
    let presented = exchange
        .present(&identity(AirflowRole::Op, soon), (&old, HOST), NOW)
        .unwrap();
    let claims = airflow2_claims(&exchange, &presented, &old);
    assert_eq!(claims.exp, soon.secs());
}

#[test]
fn an_airflow_2_token_is_signed_once_for_each_host_and_role() {
    let (exchange, rng) = airflow2();
    let old = deployment_of(3, section::Profile::Airflow2);
    let later = NOW.plus(Duration::from_hours(1));
    let minted = |role, host: &str| {
        let presented = exchange.present(&identity(role, later), (&old, host), NOW);
        airflow2_claims(&exchange, &presented.unwrap(), &old)
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| minted(AirflowRole::Op, HOST));
        }
    });
    assert_eq!(rng.1.load(Ordering::Relaxed), 1);
    assert_eq!(
        minted(AirflowRole::Op, "etl.localhost").aud,
        "etl.localhost"
    );
    assert_eq!(minted(AirflowRole::Viewer, HOST).roles, ["Viewer"]);
    assert_eq!(rng.1.load(Ordering::Relaxed), 3);
}

#[test]
fn without_the_planes_key_only_airflow_2_goes_unserved() {
    let (exchange, _) = exchange();
    let old = deployment_of(3, section::Profile::Airflow2);
    let later = NOW.plus(Duration::from_hours(1));
    let op = identity(AirflowRole::Op, later);
    let refused = exchange.present(&op, (&old, HOST), NOW);
    assert!(matches!(refused, Err(ExchangeError::PlaneKey)));
    assert!(matches!(exchange.jwks(&old), Err(ExchangeError::PlaneKey)));
    assert!(exchange.present(&op, (&deployment(4), HOST), NOW).is_ok());
}
