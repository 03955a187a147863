//! Sign-ins beside what ends them: whichever began first, none is left over (A11, A12).

use std::future::Future;
use std::time::Duration;

use aeolus_model::{Amr, ConnectionId, Email, Session, SessionId, Time, UserId};
use aeolus_store::{Ending, Store, Unit as _};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::engines::on_every_engine;
use crate::factor::session_of;
use crate::federation::{EVE, Scene};
use crate::fixture::{Answer, Fixture, PASSWORD};

const OTHER: &str = "another horse battery";

on_every_engine! {
    a12_a_sign_in_with_a_password_is_over_once_its_person_is_disabled,
    a12_a_sign_in_with_a_code_is_over_once_its_person_is_disabled,
    a12_a_sign_in_at_a_provider_is_over_once_its_person_is_disabled,
    a12_a_sign_in_with_a_password_is_over_once_that_is_another,
    a12_a_sign_in_with_a_code_is_over_once_the_password_is_another,
    a12_enabling_brings_no_session_back,
}

/// Everybody who commits waits for this: they have done all else by then. Of SQLite nobody can be in the
/// middle of something beside somebody else.
async fn held(f: &Fixture) -> Option<Ending> {
    if f.database.starts_with("sqlite:") {
        return None;
    }
    let mut write = f.store().await.write().await.unwrap();
    write.step();
    Some(write.end().await.unwrap())
}

/// Until so many wait for a lock.
pub(crate) async fn until_waiting(f: &Fixture, count: i64) {
    let mut looks = PgConnection::connect(&f.database).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let question = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let waiting: i64 = sqlx::query_scalar(question)
            .fetch_one(&mut looks)
            .await
            .unwrap();
        if waiting >= count {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "nobody waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Lets two things happen at once, of which the second begins when all that the first has left is to
/// commit.
pub(crate) async fn one_in_the_other(
    f: &Fixture,
    first: impl Future<Output = Answer>,
    second: impl Future<Output = Answer>,
) -> (Answer, Answer) {
    let Some(held) = held(f).await else {
        return tokio::join!(first, second);
    };
    let second = async {
        until_waiting(f, 1).await;
        second.await
    };
    let release = async {
        until_waiting(f, 2).await;
        held.commit().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(first, second, release);
    (first, second)
}

/// A sign-in beside an end, in either order: afterwards nobody is signed in, whatever the browser was told.
async fn none_is_left(
    f: &Fixture,
    who: &str,
    sign_in: impl AsyncFn() -> Answer,
    end: impl AsyncFn() -> Answer,
) {
    let (answer, ended) = one_in_the_other(f, sign_in(), end()).await;
    ended.expect(200);
    nobody_is_signed_in(f, who, &answer).await;
}

async fn nobody_is_signed_in(f: &Fixture, who: &str, answer: &Answer) {
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let user = view.users().by_email(&who.parse().unwrap()).await;
    let user = user.unwrap().unwrap().id;
    let now = aeolus_model::Clock::now(&*f.clock);
    let alive = view.sessions().alive(user, now).await.unwrap();
    assert_eq!(alive, [], "{}", answer.text());
    if let Some(cookie) = session_of(answer) {
        f.visit("/", &cookie).await.expect(303);
    }
}

async fn fixture(name: &str, database: Option<String>) -> (Fixture, String) {
    let f = Fixture::configured(name, |config| {
        config.hash_permits = Some(8);
        if let Some(database) = database {
            config.database = database;
        }
    });
    let (f, admin, _) = f.await.peopled().await;
    (f, admin)
}

async fn able(f: &Fixture, admin: &str, who: &str, what: &str) -> Answer {
    let path = format!("/v1/users/{who}/{what}");
    f.call("POST", &path, admin, None).await
}

async fn a12_a_sign_in_with_a_password_is_over_once_its_person_is_disabled(db: Option<String>) {
    let (f, admin) = fixture("race-password", db).await;
    let sign_in = async || f.try_login(EVE, PASSWORD, "/").await;
    let disable = async || able(&f, &admin, EVE, "disable").await;
    none_is_left(&f, EVE, sign_in, disable).await;
    able(&f, &admin, EVE, "enable").await.expect(200);
    let (ended, answer) = one_in_the_other(&f, disable(), sign_in()).await;
    ended.expect(200);
    nobody_is_signed_in(&f, EVE, &answer).await;
    able(&f, &admin, EVE, "enable").await.expect(200);
    nobody_is_signed_in(&f, EVE, &answer).await;
    let cookie = f.login(EVE).await;
    f.visit("/", &cookie).await.expect(200);
}

async fn a12_a_sign_in_with_a_code_is_over_once_its_person_is_disabled(db: Option<String>) {
    let (f, admin) = fixture("race-code", db).await;
    let cookie = f.login(EVE).await;
    let enrolled = f.enroll(&cookie).await;
    let disable = async || able(&f, &admin, EVE, "disable").await;
    for first in [true, false] {
        let (step, code) = (f.step(EVE).await, f.next_code(&enrolled.secret));
        let sign_in = async || f.give(&step, &code).await;
        let answer = if first {
            let (answer, ended) = one_in_the_other(&f, sign_in(), disable()).await;
            ended.expect(200);
            answer
        } else {
            let (ended, answer) = one_in_the_other(&f, disable(), sign_in()).await;
            ended.expect(200);
            answer
        };
        nobody_is_signed_in(&f, EVE, &answer).await;
        able(&f, &admin, EVE, "enable").await.expect(200);
        nobody_is_signed_in(&f, EVE, &answer).await;
    }
}

async fn a12_a_sign_in_at_a_provider_is_over_once_its_person_is_disabled(db: Option<String>) {
    let s = Scene::on("race-provider", json!({}), db).await;
    let admin = s.f.admin().await;
    let disable = async || able(&s.f, &admin, EVE, "disable").await;
    for first in [true, false] {
        let mut eve = s.browser();
        let sent = eve.start("provider=idp").await;
        let back = s.idp.code(&sent, "eve-1");
        let sign_in = eve.back(&back);
        let answer = if first {
            let (answer, ended) = one_in_the_other(&s.f, sign_in, disable()).await;
            ended.expect(200);
            answer
        } else {
            let (ended, answer) = one_in_the_other(&s.f, disable(), sign_in).await;
            ended.expect(200);
            answer
        };
        nobody_is_signed_in(&s.f, EVE, &answer).await;
        able(&s.f, &admin, EVE, "enable").await.expect(200);
        nobody_is_signed_in(&s.f, EVE, &answer).await;
    }
}

/// Gives Eve a password by a fleet document.
async fn give_password(f: &Fixture, admin: &str, password: &str) -> Answer {
    let document = json!({
        "fleet": {"version": 1, "planes": [], "organizations": [{"name": "acme", "users": [
            {"email": EVE, "role": "ORGANIZATION_MEMBER", "password": {"env": "P"}}]}]},
        "secrets": {"organizations[0].users[0].password": password},
    });
    f.call("POST", "/v1/apply", admin, Some(document)).await
}

async fn a12_a_sign_in_with_a_password_is_over_once_that_is_another(db: Option<String>) {
    let (f, admin) = fixture("race-another", db).await;
    let sign_in = async || f.try_login(EVE, PASSWORD, "/").await;
    let change = async || give_password(&f, &admin, OTHER).await;
    none_is_left(&f, EVE, sign_in, change).await;
    give_password(&f, &admin, PASSWORD).await.expect(200);
    let (changed, answer) = one_in_the_other(&f, change(), sign_in()).await;
    changed.expect(200);
    nobody_is_signed_in(&f, EVE, &answer).await;
    f.try_login(EVE, PASSWORD, "/").await.expect(401);
    f.try_login(EVE, OTHER, "/").await.expect(303);
}

async fn a12_a_sign_in_with_a_code_is_over_once_the_password_is_another(db: Option<String>) {
    let (f, admin) = fixture("race-code-another", db).await;
    let cookie = f.login(EVE).await;
    let enrolled = f.enroll(&cookie).await;
    let (step, code) = (f.step(EVE).await, f.next_code(&enrolled.secret));
    let sign_in = async || f.give(&step, &code).await;
    let change = async || give_password(&f, &admin, OTHER).await;
    none_is_left(&f, EVE, sign_in, change).await;
}

/// What is there although its person is disabled, however it came about.
async fn a12_enabling_brings_no_session_back(db: Option<String>) {
    let (f, admin) = fixture("race-enable", db).await;
    able(&f, &admin, EVE, "disable").await.expect(200);
    let store: Store = f.store().await;
    let mut write = store.write().await.unwrap();
    let email: Email = EVE.parse().unwrap();
    let user: UserId = write.users().by_email(&email).await.unwrap().unwrap().id;
    let local = write
        .connections()
        .by_name(&aeolus_model::Slug::parse("local").unwrap())
        .await;
    let connection: ConnectionId = local.unwrap().unwrap().id;
    let now: Time = aeolus_model::Clock::now(&*f.clock);
    let left_over = Session {
        id: SessionId::new(&*f.clock, &*f.rng),
        user,
        connection,
        auth_time: now,
        amr: Amr::password(),
        absolute_end: now.plus(Duration::from_secs(3600)),
        end: None,
    };
    write.sessions().insert(&left_over).await.unwrap();
    write.commit().await.unwrap();
    able(&f, &admin, EVE, "enable").await.expect(200);
    let mut view = store.read().await.unwrap();
    assert_eq!(view.sessions().alive(user, now).await.unwrap(), []);
    drop(view);
    // A new one is good at once.
    let cookie = f.login(EVE).await;
    f.visit("/", &cookie).await.expect(200);
}
