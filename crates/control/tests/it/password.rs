//! Links to a new password: good once, for what the account was, and telling nobody who has one.

use std::time::Duration;

use aeolus_model::{Action, Grant, GrantId, Outcome, Resource, Role, Subject};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _};
use http::header::{HOST, REFERRER_POLICY};
use serde_json::Value;

use crate::engines::on_every_engine;
use crate::factor::MEMBER;
use crate::fixture::{ADMIN, Answer, Fixture, ISS, PASSWORD};
use crate::people::fixture;
use crate::smtp::Smtp;

const NEW: &str = "another few plain words";
const RESET: &str = "/v1/users/member@example.com/password-reset";
const HOUR: Duration = Duration::from_secs(3_600);

on_every_engine! {
    a7_a_link_to_a_new_password_is_good_once_and_ends_what_was_signed_in,
    a13_of_many_who_use_a_link_at_once_one_sets_the_password,
    a1_who_forgot_and_who_is_unknown_get_the_same_answer_and_one_of_them_a_link,
}

/// The value of a link, which begins with the URL that is configured.
fn value(link: &str) -> String {
    let value = link.strip_prefix(&format!("{ISS}/password/reset/"));
    value.unwrap_or_else(|| panic!("{link}")).to_owned()
}

impl Fixture {
    async fn reset_link(&self, bearer: &str) -> String {
        let made = self.call("POST", RESET, bearer, None).await.expect(201);
        value(made.json()["link"].as_str().unwrap())
    }

    async fn set_password(&self, value: &str, password: &str, code: &str) -> Answer {
        let fields = [("reset", value), ("password", password), ("code", code)];
        self.form("/password/reset", &fields, &[]).await
    }
}

async fn a7_a_link_to_a_new_password_is_good_once_and_ends_what_was_signed_in(
    database: Option<String>,
) {
    let (f, admin) = fixture("reset", database).await;
    let cookie = f.login(MEMBER).await;
    let token = f.token_of_cookie(&cookie).await;
    // Whatever a request calls us (Host-header poisoning).
    let evil = [
        (HOST.as_str(), "evil.example"),
        ("x-forwarded-host", "evil.example"),
    ];
    let made = f.call_with(("POST", RESET), &admin, &evil, None).await;
    let made = made.expect(201).json();
    assert_eq!(made["emailed"], false);
    let value = value(made["link"].as_str().unwrap());
    let path = format!("/password/reset/{value}");
    for _ in 0..3 {
        let page = f.get(&path).await.expect(200);
        assert_eq!(page.header(REFERRER_POLICY), "no-referrer");
        assert!(page.text().contains(MEMBER));
    }
    let short = f.set_password(&value, "too short", "").await.expect(422);
    assert!(short.text().contains("15 characters"));
    f.call("GET", "/v1/me", &token, None).await.expect(200);
    f.set_password(&value, NEW, "").await.expect(200);
    f.call("GET", "/v1/me", &token, None).await.expect(401);
    f.try_login(MEMBER, PASSWORD, "/").await.expect(401);
    f.try_login(MEMBER, NEW, "/").await.expect(303);
    f.set_password(&value, PASSWORD, "").await.expect(410);
    f.get(&path).await.expect(410);
    let lines = f.audited(Action::PasswordReset).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let said = format!("{:?}", f.audited(Action::PasswordResetCreate).await);
    assert!(said.contains("until") && !said.contains(&value));
}

#[tokio::test]
async fn a7_a_link_ends_with_time_with_another_password_and_with_the_account() {
    let (f, _) = fixture("reset-over", None).await;
    let admin = f.admin().await;
    let late = f.reset_link(&admin).await;
    f.clock.advance(24 * HOUR);
    f.set_password(&late, NEW, "").await.expect(410);
    let admin = f.admin().await;
    let (one, other) = (f.reset_link(&admin).await, f.reset_link(&admin).await);
    f.set_password(&one, NEW, "").await.expect(200);
    f.set_password(&other, PASSWORD, "").await.expect(410);
    // Somebody who was disabled stays out by what was made before, also when they may sign in again.
    let value = f.reset_link(&admin).await;
    let deed = async |deed: &str| {
        let path = format!("/v1/users/{MEMBER}/{deed}");
        f.call("POST", &path, &admin, None).await.expect(200);
    };
    deed("disable").await;
    f.set_password(&value, PASSWORD, "").await.expect(410);
    f.call("POST", RESET, &admin, None).await.expect(409);
    deed("enable").await;
    f.set_password(&value, PASSWORD, "").await.expect(410);
    // And so does one of an address that is another's by now.
    let value = f.reset_link(&admin).await;
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let found = write.users().by_email(&MEMBER.parse().unwrap()).await;
    let mut user = found.unwrap().unwrap();
    user.email = "other@example.com".parse().unwrap();
    write.users().update(&user).await.unwrap();
    write.commit().await.unwrap();
    f.get(&format!("/password/reset/{value}")).await.expect(410);
    f.set_password(&value, PASSWORD, "").await.expect(410);
    f.set_password("", PASSWORD, "").await.expect(410);
}

#[tokio::test]
async fn a8_a_link_is_made_by_who_has_just_signed_in_for_who_may_do_no_more_than_they() {
    let (f, admin) = fixture("reset-may", None).await;
    let owner = f.token_of("owner@example.com").await;
    let eve = f.token_of("eve@example.com").await;
    f.call("POST", RESET, &eve, None).await.expect(403);
    f.call("POST", RESET, &owner, None).await.expect(201);
    let path = format!("/v1/users/{ADMIN}/password-reset");
    f.call("POST", &path, &owner, None).await.expect(404);
    f.call("POST", &path, &admin, None).await.expect(409);
    f.clock.advance(HOUR / 2);
    f.call("POST", RESET, &owner, None).await.expect(403);
}

#[tokio::test]
async fn a11_a_link_is_over_once_its_maker_may_make_it_no_more() {
    let (f, _) = fixture("reset-maker", None).await;
    let owner = f.token_of("owner@example.com").await;
    let (first, second) = (f.reset_link(&owner).await, f.reset_link(&owner).await);
    let store = f.store().await;
    let user = async |email: &str| {
        let mut view = store.read().await.unwrap();
        let found = view.users().by_email(&email.parse().unwrap()).await;
        found.unwrap().unwrap()
    };
    // Who is given a role in the whole installation is above an owner.
    let member = user(MEMBER).await;
    let above = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*f.clock, &*f.rng),
            subject: Subject::User(member.id),
            role: Role::SystemViewer.into(),
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Api,
    };
    let mut write = store.write().await.unwrap();
    write.grants().insert(&above).await.unwrap();
    write.commit().await.unwrap();
    f.set_password(&first, NEW, "").await.expect(410);
    let mut write = store.write().await.unwrap();
    write.grants().delete(above.grant.id).await.unwrap();
    write.commit().await.unwrap();
    f.set_password(&first, NEW, "").await.expect(200);
    // And who is disabled goes on with nothing.
    let third = f.reset_link(&owner).await;
    let mut maker = user("owner@example.com").await;
    maker.disabled_at = Some(f.clock_now());
    let mut write = store.write().await.unwrap();
    write.users().update(&maker).await.unwrap();
    write.commit().await.unwrap();
    for link in [&second, &third] {
        f.set_password(link, PASSWORD, "").await.expect(410);
    }
}

#[tokio::test]
async fn a7_who_has_a_second_factor_is_asked_for_it_and_a_wrong_code_spends_nothing() {
    let (f, _) = fixture("reset-factor", None).await;
    let cookie = f.login(MEMBER).await;
    let enrolled = f.enroll(&cookie).await;
    let admin = f.admin().await;
    let value = f.reset_link(&admin).await;
    let page = f.get(&format!("/password/reset/{value}")).await;
    assert!(page.expect(200).text().contains("name=\"code\""));
    f.set_password(&value, NEW, "").await.expect(401);
    f.set_password(&value, NEW, "000000").await.expect(401);
    f.try_login(MEMBER, NEW, "/").await.expect(401);
    let code = f.next_code(&enrolled.secret);
    f.set_password(&value, NEW, &code).await.expect(200);
    f.visit("/second-factor", &enrolled.cookie)
        .await
        .expect(303);
    // The second factor is still theirs.
    let step = f.try_login(MEMBER, NEW, "/").await.expect(303);
    assert!(step.location().starts_with("/login/code"));
    let lines = f.audited(Action::PasswordReset).await;
    let denied = lines.iter().filter(|line| line.outcome == Outcome::Denied);
    assert_eq!((denied.count(), lines.len()), (2, 3));
}

async fn a13_of_many_who_use_a_link_at_once_one_sets_the_password(database: Option<String>) {
    let (f, admin) = fixture("reset-race", database).await;
    let value = f.reset_link(&admin).await;
    let f = std::sync::Arc::new(f);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (f, value) = (f.clone(), value.clone());
        tasks.spawn(async move {
            let password = format!("{NEW} {n}");
            let answer = f.set_password(&value, &password, "").await;
            answer.status.as_u16()
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(
        answers.iter().filter(|status| **status == 200).count(),
        1,
        "{answers:?}"
    );
    assert!(
        answers
            .iter()
            .all(|status| matches!(status, 200 | 410 | 503)),
        "{answers:?}"
    );
}

async fn a1_who_forgot_and_who_is_unknown_get_the_same_answer_and_one_of_them_a_link(
    database: Option<String>,
) {
    let smtp = Smtp::start().await;
    let f = Fixture::configured("forgot", |config| {
        config.email = Some(smtp.config());
        if let Some(database) = database {
            config.database = database;
        }
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let page = f.get("/login").await.expect(200).text();
    assert!(page.contains("href=\"/password/forgot\""));
    let ask = async |email: &str| {
        let fields = [("email", email)];
        f.form("/password/forgot", &fields, &[("origin", ISS)])
            .await
    };
    f.form("/password/forgot", &[("email", MEMBER)], &[])
        .await
        .expect(403);
    ask("no address").await.expect(422);
    let mut said = Vec::new();
    for email in [MEMBER, "nobody@example.com"] {
        // Beyond the bound of one address the answer is the same as well.
        for _ in 0..6 {
            let text = ask(email).await.expect(200).text();
            said.push(text.replace(email, "X"));
        }
    }
    assert!(said.iter().all(|text| *text == said[0]));
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let asked = view.password_resets().asked(100).await.unwrap();
    let of = |email: &str| {
        asked
            .iter()
            .filter(|asked| asked.email.as_str() == email)
            .count()
    };
    assert_eq!((of(MEMBER), of("nobody@example.com")), (2, 2));
    drop(view);
    f.work();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while smtp.letters().len() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "never sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let letters = smtp.letters();
    assert!(letters.iter().all(|letter| letter.to.contains(MEMBER)));
    let body = letters[0].body();
    let link = body.lines().find(|line| line.starts_with(ISS)).unwrap();
    f.set_password(&value(link), NEW, "").await.expect(200);
    f.try_login(MEMBER, NEW, "/").await.expect(303);
    // Whoever is one source asks so often at most.
    let mut statuses = Vec::new();
    for n in 0..40 {
        statuses.push(ask(&format!("p{n}@example.com")).await.status.as_u16());
    }
    assert_eq!(statuses.last(), Some(&429));
}

/// Who made an account in another's name knows other ways into it: no letter leads its address's owner there.
#[tokio::test]
async fn o22_an_address_that_nobody_has_proved_is_sent_no_link() {
    let smtp = Smtp::start().await;
    let f = Fixture::configured("forgot-squat", |config| {
        config.email = Some(smtp.config());
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let found = write.users().by_email(&MEMBER.parse().unwrap()).await;
    let user = found.unwrap().unwrap().id;
    write.users().set_proved(user, false).await.unwrap();
    write.commit().await.unwrap();
    let made: Value = f.call("POST", RESET, &admin, None).await.expect(201).json();
    assert_eq!(made["emailed"], false);
    for email in [MEMBER, "eve@example.com"] {
        let fields = [("email", email)];
        let asked = f
            .form("/password/forgot", &fields, &[("origin", ISS)])
            .await;
        asked.expect(200);
    }
    f.work();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while smtp.letters().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "never sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let letters = smtp.letters();
    assert!(letters.iter().all(|letter| letter.to.contains("eve@")));
}
