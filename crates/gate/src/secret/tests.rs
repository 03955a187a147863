use std::time::Duration;

use aeolus_decide::Identity;
use aeolus_keys::claims::Airflow3;
use aeolus_keys::seal::{Keyring, Purpose};
use aeolus_keys::{Alg, JwkSet, Kind, SigningKey, jws};
use aeolus_model::{AirflowRole, PlaneId, Subject, UserId};
use aeolus_snapshot::section;
use aeolus_testkit::{ManualClock, SeededRng};
use proptest::prelude::*;

use super::*;
use crate::exchange::tests::{HOST, NOW, deployment_of, some_credential};
use crate::exchange::{Exchange, ExchangeError};

const HOUR: Duration = Duration::from_hours(1);
const PLANE: PlaneId = PlaneId::from_bytes([9; 16]);

/// One gate of the plane.
struct Replica {
    secret: Arc<PlaneSecret>,
    exchange: Exchange,
}

impl Replica {
    fn new(keyring: &Keyring, now: Time) -> Self {
        let secret = Arc::new(PlaneSecret::new(PLANE, keyring.clone(), now, 0));
        let rng = Arc::new(SeededRng::new("replica"));
        let exchange = Exchange::new(
            PLANE,
            Arc::clone(&secret),
            (rng, Arc::new(ManualClock::new(now))),
            100,
        );
        Self { secret, exchange }
    }

    /// A token that it mints now.
    fn minted(&self, now: Time) -> String {
        let who = Identity {
            subject: Subject::User(UserId::from_bytes([7; 16])),
            person: Arc::default(),
            role: Some(AirflowRole::Op),
            expires: now.plus(HOUR),
            session: None,
            credential: some_credential(),
        };
        let etl = deployment_of(3, section::Profile::Airflow3);
        let presented = self.exchange.present(&who, (&etl, HOST), now).unwrap();
        let token = presented.authorization.to_str().unwrap();
        token.strip_prefix("Bearer ").unwrap().to_owned()
    }

    /// What Airflow reads from it now.
    fn published(&self) -> String {
        let etl = deployment_of(3, section::Profile::Airflow3);
        self.exchange.jwks(&etl).unwrap()
    }

    fn sealed(&self) -> String {
        let secret = self.secret.load();
        let rng = SeededRng::new("nonce");
        let sealer = &secret.as_ref().unwrap().sealer;
        sealer.seal(Purpose::Session, HOST, b"ann", &rng).unwrap()
    }

    fn opens(&self, cookie: &str) -> bool {
        let secret = self.secret.load();
        let sealer = secret.as_ref().map(|secret| &secret.sealer);
        let opened = sealer.and_then(|s| s.open(Purpose::Session, HOST, cookie.as_bytes()));
        opened.is_some()
    }
}

fn believed(token: &str, jwks: &str) -> bool {
    let keys = JwkSet::parse(jwks.as_bytes()).unwrap().own_keys().unwrap();
    keys.iter().any(|key| {
        let unverified = jws::parse(token.as_bytes()).unwrap();
        let verified = unverified.verify(Kind::Airflow3, key);
        verified.is_ok_and(|verified| verified.claims::<Airflow3>().is_ok())
    })
}

fn keys_in(jwks: &str) -> usize {
    JwkSet::parse(jwks.as_bytes()).unwrap().iter().count()
}

fn rotated(keyring: &Keyring, begins: Time) -> Keyring {
    let mut next = keyring.clone();
    next.announce((NOW, begins), None, &SeededRng::new("next"))
        .unwrap();
    next
}

proptest! {
    /// Two replicas get the new file at any moment of the first hour, look at their clocks in any
    /// order, and an unmodified Airflow keeps a key set for an hour: still each token of one is
    /// believed by what Airflow has of the other, and each cookie of one opens at the other.
    #[test]
    fn f31_replicas_agree_however_a_rotation_reaches_them(
        arrives in prop::array::uniform2(0_u64..3_600),
        looked in prop::array::uniform2(0_u64..3),
        fetched_before in 0_u64..3_600,
        at in 0_u64..3 * 86_400,
    ) {
        let at = Duration::from_secs(at);
        let old = Keyring::generate(&SeededRng::new("plane"));
        let new = rotated(&old, NOW.plus(HOUR * 2));
        // A replica as it is at a moment, by what its last look found.
        let replica = |which: usize, moment: Duration| {
            let seen = moment.saturating_sub(Duration::from_secs(looked[which]));
            let arrived = seen >= Duration::from_secs(arrives[which]);
            Replica::new(if arrived { &new } else { &old }, NOW.plus(seen))
        };
        let read = at.saturating_sub(Duration::from_secs(fetched_before));
        for (one, other) in [(0, 1), (1, 0)] {
            let token = replica(one, at).minted(NOW.plus(at));
            prop_assert!(believed(&token, &replica(other, read).published()));
            prop_assert!(believed(&token, &replica(one, read).published()));
            prop_assert!(replica(other, at).opens(&replica(one, at).sealed()));
        }
    }
}

#[test]
fn f64_a_running_gate_goes_over_to_the_next_generation_and_ends_no_session() {
    let old = Keyring::generate(&SeededRng::new("plane"));
    let gate = Replica::new(&old, NOW);
    let (cookie, token) = (gate.sealed(), gate.minted(NOW));
    let begins = NOW.plus(HOUR * 2);
    gate.secret.take(rotated(&old, begins), NOW, 0).unwrap();
    assert_eq!(keys_in(&gate.published()), 2);
    assert_eq!(gate.minted(NOW), token, "the announced one signs nothing");
    assert_eq!(gate.sealed(), cookie, "nor seals");

    let month = begins.plus(HOUR * 24 * 30);
    for now in [begins, begins.plus(HOUR), month] {
        gate.secret.refresh(now, 0);
        assert!(gate.opens(&cookie), "{now:?}");
        assert_ne!(gate.sealed(), cookie);
        assert!(believed(&gate.minted(now), &gate.published()));
    }
    assert_eq!(
        keys_in(&gate.published()),
        1,
        "what the old one signed is over"
    );
    gate.secret.refresh(month.plus(HOUR * 25), 0);
    assert!(!gate.opens(&cookie));
}

#[test]
fn a_token_of_the_old_generation_is_not_handed_out_once_the_new_one_signs() {
    let old = Keyring::generate(&SeededRng::new("plane"));
    let gate = Replica::new(&old, NOW);
    let token = gate.minted(NOW);
    let mut compromised = old.clone();
    compromised
        .replace(0, None, &SeededRng::new("next"))
        .unwrap();
    let cookie = gate.sealed();
    gate.secret.take(compromised, NOW, 0).unwrap();
    let fresh = gate.minted(NOW);
    assert_ne!(fresh, token, "the same stretch of time, another key");
    let published = gate.published();
    assert!(believed(&fresh, &published) && !believed(&token, &published));
    assert!(!gate.opens(&cookie));
}

#[test]
fn a_token_of_another_secret_with_the_same_number_is_not_handed_out() {
    let old = Keyring::generate(&SeededRng::new("plane"));
    let compromised = |name| {
        let mut keyring = old.clone();
        keyring.replace(0, None, &SeededRng::new(name)).unwrap();
        keyring
    };
    // Rotated at two replicas, and then the file of the one is copied to the other.
    let (here, there) = (compromised("here"), compromised("there"));
    assert_eq!(here.newest(), there.newest());
    let gate = Replica::new(&here, NOW);
    let token = gate.minted(NOW);
    gate.secret.take(there, NOW, 0).unwrap();
    let fresh = gate.minted(NOW);
    assert_ne!(fresh, token);
    assert!(believed(&fresh, &gate.published()));
}

#[test]
fn a_file_that_would_undo_a_rotation_is_not_taken() {
    let old = Keyring::generate(&SeededRng::new("plane"));
    let mut new = old.clone();
    new.replace(0, None, &SeededRng::new("next")).unwrap();
    let gate = Replica::new(&new, NOW);
    let undone = gate.secret.take(old, NOW, 0);
    assert_eq!(
        undone,
        Err(Older {
            offered: 1,
            known: 2
        })
    );
    assert_eq!(keys_in(&gate.published()), 1);
}

#[test]
fn generations_that_the_snapshot_refuses_are_refused() {
    let old = Keyring::generate(&SeededRng::new("plane"));
    let gate = Replica::new(&rotated(&old, NOW.plus(HOUR * 2)), NOW);
    let cookie = gate.sealed();
    gate.secret.refresh(NOW, 2);
    assert!(!gate.opens(&cookie));
    assert_eq!(keys_in(&gate.published()), 1);
    assert!(believed(&gate.minted(NOW), &gate.published()));

    gate.secret.refresh(NOW, 3);
    assert!(gate.secret.load().is_none());
    let etl = deployment_of(3, section::Profile::Airflow3);
    assert!(gate.exchange.jwks(&etl).is_err());
    gate.secret.refresh(NOW, 0);
    assert!(gate.opens(&cookie), "it was the snapshot's word alone");
}

#[test]
fn a_fault_is_said_once_for_each_change_of_the_secret() {
    let gate = Replica::new(&Keyring::generate(&SeededRng::new("plane")), NOW);
    let is_news = |fault: ExchangeError| gate.exchange.is_news(&fault);
    assert!(is_news(ExchangeError::NoSecret));
    assert!(!is_news(ExchangeError::NoSecret));
    assert!(is_news(ExchangeError::PlaneKey), "another one");
    assert!(!is_news(ExchangeError::CredentialOver), "no fault of ours");
    gate.secret.refresh(NOW, 0);
    assert!(!is_news(ExchangeError::NoSecret), "nothing changed");
    gate.secret.refresh(NOW, 2);
    assert!(is_news(ExchangeError::NoSecret));
    assert!(!is_news(ExchangeError::NoSecret));
}

#[test]
fn the_rsa_key_is_announced_like_every_other() {
    let rsa = |name| {
        let rng = SeededRng::new(name);
        Arc::new(SigningKey::generate(Alg::Rs256, &rng).unwrap())
    };
    let mut keyring = Keyring::generate(&SeededRng::new("plane"));
    keyring.adopt_rsa(rsa("first"));
    let begins = NOW.plus(HOUR * 2);
    let second = rsa("second");
    keyring
        .announce(
            (NOW, begins),
            Some(Arc::clone(&second)),
            &SeededRng::new("n"),
        )
        .unwrap();
    let gate = Replica::new(&keyring, NOW);
    let two = deployment_of(3, section::Profile::Airflow2);
    let shown = || gate.exchange.jwks(&two).unwrap();
    assert_eq!(keys_in(&shown()), 2);
    gate.secret.refresh(begins.plus(HOUR * 25), 0);
    assert_eq!(shown(), JwkSet::of([second.public()]).to_json());
}
