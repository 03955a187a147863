//! F17: what was served too long while control was away is told once it is back.

use std::time::Duration;

use aeolus_decide::CredentialId;
use aeolus_gate::ports::UseAfterRevocation;
use aeolus_snapshot::section;

use crate::fleet::{ANN, BOT, ETL, Fleet, ORG, SESSION};

const HOUR: Duration = Duration::from_hours(1);

fn away(fleet: &Fleet, age: Duration) {
    *fleet.fake.age.lock().unwrap() = Some(age);
}

fn told(fleet: &Fleet) -> Vec<UseAfterRevocation> {
    fleet.gate.sweep();
    let mut told = std::mem::take(&mut *fleet.fake.late.lock().unwrap());
    told.sort_by_key(|late| late.at);
    told
}

fn revoke(fleet: &Fleet) {
    fleet.publish(|sections| {
        let revocations = sections.revocations.get_mut(&ORG).unwrap();
        revocations.status[0] |= 1 << 5;
        revocations.sessions.push(section::EndedSession {
            id: SESSION.as_bytes().to_vec(),
            ..Default::default()
        });
    });
}

#[tokio::test]
async fn f17_what_was_revoked_and_served_during_a_partition_is_told_once_after_it() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let cookie = format!("Cookie: {}\r\n", fleet.cookie("etl.test", ANN));
    away(&fleet, HOUR);
    assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 200);
    fleet.fake.clock.advance(Duration::from_secs(10));
    assert_eq!(fleet.ask("GET /home", &cookie).await.status, 200);
    assert_eq!(told(&fleet), [], "control has not been heard");
    revoke(&fleet);
    away(&fleet, Duration::ZERO);
    assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 401);
    let late = told(&fleet);
    let credentials: Vec<_> = late.iter().map(|late| late.credential).collect();
    let token = CredentialId::Token(BOT, Some(5));
    assert_eq!(credentials, [token, CredentialId::Session(SESSION)]);
    assert!(
        late.iter()
            .all(|late| late.deployment == ETL && late.organization == ORG)
    );
    assert_eq!(late[1].at.since(late[0].at), Duration::from_secs(10));
    assert_eq!(told(&fleet), [], "once");
}

#[tokio::test]
async fn f17_what_is_still_good_or_was_used_while_control_was_there_is_not_told() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    fleet.ask("GET /api/v2/dags", &bearer).await;
    revoke(&fleet);
    assert_eq!(told(&fleet), [], "refused from the first moment on");

    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    away(&fleet, HOUR);
    assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 200);
    away(&fleet, Duration::ZERO);
    assert_eq!(told(&fleet), [], "nothing was revoked");
    revoke(&fleet);
    assert_eq!(told(&fleet), [], "nor while it was used");
}

#[tokio::test]
async fn f17_a_mark_set_after_the_last_use_blames_nobody() {
    for (mark, told_of) in [(-5, 1), (5, 0)] {
        let fleet = Fleet::start().await;
        let cookie = format!("Cookie: {}\r\n", fleet.cookie("etl.test", ANN));
        fleet.fake.clock.advance(Duration::from_secs(60));
        away(&fleet, HOUR);
        assert_eq!(fleet.ask("GET /home", &cookie).await.status, 200);
        let now = aeolus_model::Clock::now(&fleet.fake.clock).secs();
        fleet.publish(|sections| {
            let revocations = sections.revocations.get_mut(&ORG).unwrap();
            revocations.not_before = now + mark;
        });
        away(&fleet, Duration::ZERO);
        assert_eq!(told(&fleet).len(), told_of, "{mark}");
    }
}

#[tokio::test]
async fn a_value_in_use_is_told_once_in_a_quarter_of_an_hour() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let told = || {
        fleet.gate.sweep();
        std::mem::take(&mut *fleet.fake.used.lock().unwrap())
    };
    for _ in 0..3 {
        assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 200);
    }
    let first = told();
    assert_eq!((first.len(), first[0].token, first[0].index), (1, BOT, 5));
    assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 200);
    assert_eq!(told(), []);
    fleet.fake.clock.advance(HOUR / 4);
    assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 200);
    assert_eq!(told()[0].at - first[0].at, 900);
}
