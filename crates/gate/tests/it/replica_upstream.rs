//! Enrolment, events, status, renewals.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aeolus_api::plane::{Event, RenewAnswer};
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{
    ControlError, Data, DataError, Denial, EnrolError, Outbox, Renewal, enrol,
};
use aeolus_keys::PublicKey;
use aeolus_keys::digest::hmac;
use aeolus_model::{ConnectionId, DeploymentId, OrganizationId, SessionId, Time, UserId};
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::replica::{FakeControl, NOW, ORGANIZATION, PLANE, enrolled, join_token};
use crate::replica_stream::Fleet;

const SESSION: SessionId = SessionId::from_bytes([5; 16]);
const DEPLOYMENT: DeploymentId = DeploymentId::from_bytes([6; 16]);
const HERE: (DeploymentId, OrganizationId) = (DEPLOYMENT, ORGANIZATION);

#[tokio::test]
async fn enrolment_proves_the_secret_without_sending_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate");
    let control = FakeControl::default();
    let token = join_token();
    let rng = SeededRng::new("enrol");
    let settings = enrol(&path, &token, &control, &rng, &SystemFs)
        .await
        .unwrap();
    assert_eq!(settings.plane, PLANE);
    assert_eq!(settings.control_url.as_deref(), Some("http://127.0.0.1:1"));

    let request = control.enrolled.lock().unwrap()[0].clone();
    let sent = serde_json::to_string(&request).unwrap();
    assert!(!sent.contains(&URL_SAFE_NO_PAD.encode(token.secret.expose())));
    let identity = PublicKey::from_jwk_json(&request.identity_jwk.to_string()).unwrap();
    let nonce = URL_SAFE_NO_PAD.decode(&request.nonce).unwrap();
    let hash = aeolus_snapshot::Digest::of(crate::replica::root_document().as_bytes());
    let parts: [&[u8]; 3] = [identity.as_ed25519().unwrap(), &nonce, hash.as_bytes()];
    let proof = URL_SAFE_NO_PAD.encode(hmac(token.secret.expose(), &parts));
    assert_eq!(request.proof, proof);

    let data = Data::open(&path, Arc::new(SystemFs)).unwrap();
    assert_eq!(data.settings, settings);
    assert_eq!(data.identity.public().kid(), identity.kid());
    let again = enrol(&path, &token, &control, &rng, &SystemFs).await;
    assert!(matches!(
        again,
        Err(EnrolError::Data(DataError::Enrolled(_)))
    ));
}

#[tokio::test]
async fn another_root_than_the_tokens_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate");
    let mut token = join_token();
    token.root_sha256 = "ab".repeat(32);
    let rng = SeededRng::new("enrol");
    let refused = enrol(&path, &token, &FakeControl::default(), &rng, &SystemFs).await;
    assert!(matches!(refused, Err(EnrolError::Root(_))));
    assert!(!path.exists());
    let opened = Data::open(&path, Arc::new(SystemFs));
    assert!(matches!(opened, Err(DataError::NotEnrolled(_))));
}

fn denial(second: i64, source: &str) -> Denial {
    Denial {
        at: NOW.plus(Duration::from_secs(second.unsigned_abs())),
        deployment: Some(DEPLOYMENT),
        source: source.to_owned(),
        reason: "no_permission",
        subject: None,
        request_id: String::new(),
    }
}

fn events(fleet: &Fleet) -> Vec<Event> {
    let batches = fleet.control.batches.lock().unwrap();
    let lines = batches.iter().flat_map(|(_, lines)| lines.lines());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn denials_travel_in_full_first_then_as_counts() {
    let fleet = Fleet::start(FakeControl::default()).await;
    for _ in 0..150 {
        fleet.outbox.denied(denial(0, "10.0.0.1"));
    }
    fleet.outbox.session_ended(SESSION, NOW);
    fleet.outbox.denied(denial(60, "10.0.0.1"));
    fleet.until("the events", |f| !events(f).is_empty()).await;
    let events = events(&fleet);
    let full = events
        .iter()
        .filter(|e| matches!(e, Event::Denied { .. }))
        .count();
    assert_eq!(full, 101);
    assert!(events.contains(&Event::SessionEnded {
        session: SESSION,
        at: NOW.secs()
    }));
    let counted = events.iter().find_map(|event| match event {
        Event::DeniedCount { count, source, .. } => Some((*count, source.clone())),
        _ => None,
    });
    assert_eq!(counted, Some((50, "10.0.0.1".to_owned())));
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn events_wait_on_disk_and_keep_their_key() {
    let control = FakeControl::default();
    control.down.store(true, Ordering::SeqCst);
    let fleet = Fleet::start(control).await;
    fleet.outbox.session_ended(SESSION, NOW);
    fleet.until("the spool", |f| f.outbox.waiting() == 1).await;
    let folder = fleet.stop().await;

    let spool = folder.path().join("gate/spool");
    let names: Vec<_> = std::fs::read_dir(&spool)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 1);
    let path = folder.path().join("gate");
    let outbox = Outbox::open(&path, Arc::new(SystemFs), Arc::new(SeededRng::new("x")));
    assert_eq!(outbox.waiting(), 1);
}

#[tokio::test]
async fn the_spool_is_bounded() {
    let folder = enrolled().await;
    let path = folder.path().join("gate");
    let outbox = Outbox::open(&path, Arc::new(SystemFs), Arc::new(SeededRng::new("x")));
    for n in 0..300 {
        outbox.session_ended(SESSION, NOW);
        outbox.flush(Time::from_secs(n), false).unwrap();
    }
    assert_eq!(outbox.waiting(), 256);
    assert_eq!(outbox.dropped(), 44);
    let files = std::fs::read_dir(path.join("spool")).unwrap().count();
    assert_eq!(files, 256);
}

#[tokio::test(start_paused = true)]
async fn the_status_is_sent_every_fifteen_seconds() {
    let fleet = Fleet::start(FakeControl::default()).await;
    let started = tokio::time::Instant::now();
    fleet
        .until("one", |f| f.control.statuses.lock().unwrap().len() == 1)
        .await;
    fleet.counters.checks.store(30, Ordering::Relaxed);
    fleet
        .until("five", |f| f.control.statuses.lock().unwrap().len() == 5)
        .await;
    assert_eq!(started.elapsed().as_secs(), 60);
    let statuses = fleet.control.statuses.lock().unwrap().clone();
    assert_eq!(statuses[4].checks_last_minute, 30);
    assert_eq!(statuses[4].records, Some(statuses[4].seq));
    assert_eq!(statuses[0].replica, statuses[4].replica);
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn renewals_are_asked_once_and_their_answers_win() {
    let control = FakeControl::default();
    let answer = RenewAnswer {
        access_end: NOW.secs() + 100,
        absolute_end: NOW.secs() + 900,
    };
    control.renewals.lock().unwrap().extend([
        Err(ControlError::Unavailable("down".to_owned())),
        Ok(answer.clone()),
        Err(ControlError::Refused {
            status: 410,
            text: "ended".to_owned(),
        }),
        Ok(RenewAnswer {
            access_end: NOW.secs() + 500,
            absolute_end: NOW.secs() + 900,
        }),
    ]);
    let fleet = Fleet::start(control).await;
    for _ in 0..10 {
        fleet.renewals.request(SESSION, HERE, None);
    }
    fleet
        .until("the renewal", |f| {
            f.renewals.get(SESSION, ORGANIZATION).is_some()
        })
        .await;
    let renewed = Renewal::Renewed(Time::from_secs(answer.access_end));
    assert_eq!(fleet.renewals.get(SESSION, ORGANIZATION), Some(renewed));
    assert_eq!(fleet.control.renewed.load(Ordering::SeqCst), 2);

    fleet.renewals.request(SESSION, HERE, None);
    fleet
        .until("the end", |f| {
            f.renewals.get(SESSION, ORGANIZATION) == Some(Renewal::Ended)
        })
        .await;
    // An answer that was under way does not bring it back.
    fleet.renewals.request(SESSION, HERE, None);
    fleet
        .until("the answer", |f| {
            f.control.renewed.load(Ordering::SeqCst) == 4
        })
        .await;
    assert_eq!(
        fleet.renewals.get(SESSION, ORGANIZATION),
        Some(Renewal::Ended)
    );
    fleet.stop().await;
}

/// One organization lets sessions last for less than another: neither answer is one for the other (018).
#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_and_ends_in_each_organization_by_itself() {
    let end = |seconds| RenewAnswer {
        access_end: NOW.secs() + seconds,
        absolute_end: NOW.secs() + 900,
    };
    let control = FakeControl::default();
    control.renewals.lock().unwrap().extend([
        Ok(end(100)),
        Ok(end(500)),
        Err(ControlError::OverInOrganization),
        Ok(end(600)),
    ]);
    let fleet = Fleet::start(control).await;
    let there = OrganizationId::from_bytes([13; 16]);
    let elsewhere = (DeploymentId::from_bytes([16; 16]), there);
    let both = async |count: u64, fleet: &Fleet| {
        fleet.renewals.request(SESSION, HERE, None);
        fleet.renewals.request(SESSION, elsewhere, None);
        let asked = |f: &Fleet| f.renewals.get(SESSION, there) == Some(renewed(count));
        fleet.until("both answers", asked).await;
    };
    both(500, &fleet).await;
    assert_eq!(
        fleet.renewals.get(SESSION, ORGANIZATION),
        Some(renewed(100))
    );
    both(600, &fleet).await;
    assert_eq!(
        fleet.renewals.get(SESSION, ORGANIZATION),
        Some(Renewal::Ended)
    );
    fleet.renewals.end(SESSION, NOW);
    assert_eq!(fleet.renewals.get(SESSION, there), Some(Renewal::Ended));
    fleet.stop().await;
}

fn renewed(seconds: u64) -> Renewal {
    Renewal::Renewed(NOW.plus(Duration::from_secs(seconds)))
}

/// A session of the plane as another replica of it, or this one before it was restarted, began it.
fn begun() -> Event {
    Event::SessionBegun {
        session: SESSION,
        user: UserId::from_bytes([3; 16]),
        connection: ConnectionId::from_bytes([4; 16]),
        deployment: DEPLOYMENT,
        at: NOW.secs() - 60,
        auth_time: NOW.secs() - 90,
        amr: Vec::new(),
        absolute_end: NOW.secs() + 900,
    }
}

fn unknown() -> ControlError {
    ControlError::Refused {
        status: 404,
        text: "no such session".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_replica_tells_of_a_session_that_began_at_the_first_before_it_asks() {
    let answer = RenewAnswer {
        access_end: NOW.secs() + 100,
        absolute_end: NOW.secs() + 900,
    };
    let first = FakeControl::default();
    first.renewals.lock().unwrap().push_back(Ok(answer.clone()));
    let second = FakeControl::default();
    second.renewals.lock().unwrap().push_back(Ok(answer));
    let mut keys = Vec::new();
    for control in [first, second] {
        let fleet = Fleet::start(control).await;
        fleet.renewals.request(SESSION, HERE, Some(begun()));
        fleet
            .until("the renewal", |f| {
                f.renewals.get(SESSION, ORGANIZATION).is_some()
            })
            .await;
        assert_ne!(
            fleet.renewals.get(SESSION, ORGANIZATION),
            Some(Renewal::Ended)
        );
        let told = fleet.control.batches.lock().unwrap().clone();
        let [(key, line)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(line.contains("session_begun"), "{line}");
        keys.push(key.clone());
        fleet.stop().await;
    }
    assert_eq!(keys[0], keys[1], "control hears it once");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_control_could_not_be_told_of_is_not_ended_by_its_ignorance() {
    let control = FakeControl::default();
    let answers = [Err(unknown()), Err(unknown())];
    control.renewals.lock().unwrap().extend(answers);
    control.skips.store(true, Ordering::SeqCst);
    let fleet = Fleet::start(control).await;
    fleet.renewals.request(SESSION, HERE, Some(begun()));
    fleet
        .until("the answer", |f| {
            f.control.renewed.load(Ordering::SeqCst) == 1
        })
        .await;
    assert_eq!(fleet.renewals.get(SESSION, ORGANIZATION), None);
    // Once it was told, it is an answer: control doesn't want the session.
    fleet.control.skips.store(false, Ordering::SeqCst);
    fleet
        .until("the end", |f| {
            f.renewals.request(SESSION, HERE, Some(begun()));
            f.renewals.get(SESSION, ORGANIZATION) == Some(Renewal::Ended)
        })
        .await;
    fleet.stop().await;
}
