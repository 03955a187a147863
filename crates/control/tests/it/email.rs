//! E-mails: who is told what, once, whatever the server does.

use std::sync::Arc;
use std::time::Duration;

use aeolus_control::EmailConfig;
use aeolus_model::{Action, Subject, UserId};
use aeolus_store::{Store, Unit as _};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::engines::on_every_engine;
use crate::factor::MEMBER;
use crate::fixture::{ADMIN, Fixture};
use crate::smtp::{Mood, Smtp};

const TOKENS: &str = "/v1/organizations/acme/tokens";
const TEST: &str = "/v1/email:test";
const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

on_every_engine! {
    one_message_says_all_that_there_is_to_say_to_a_person,
    what_is_nobodys_is_told_to_the_owners,
    f61_several_replicas_send_a_message_once,
    a_server_that_takes_nothing_is_asked_again_and_again_until_it_does,
    a_message_that_is_refused_for_good_is_given_up_at_once,
    a_message_that_nobody_takes_is_given_up_in_the_end,
    a_message_whose_fate_is_not_known_is_sent_again_as_the_same,
    whoever_has_a_second_factor_is_told_what_becomes_of_it,
    f46_a_test_that_comes_twice_at_once_is_one_message,
}

/// A control with a mail server, on a database.
struct Mail {
    f: Fixture,
    smtp: Smtp,
    url: String,
    admin: String,
}

impl Mail {
    async fn new(name: &str, database: Option<String>) -> Self {
        let smtp = Smtp::start().await;
        let mut url = String::new();
        let f = Fixture::configured(name, |config| {
            config.email = Some(smtp.config());
            if let Some(database) = database {
                config.database = database;
            }
            url.clone_from(&config.database);
        })
        .await;
        let admin = f.admin().await;
        f.fleet(&admin).await;
        Self {
            f,
            smtp,
            url,
            admin,
        }
    }

    async fn store(&self) -> Store {
        Store::connect(&self.url.parse().unwrap()).await.unwrap()
    }

    /// A token of somebody's, that ends in so many days.
    async fn token(&self, by: &str, name: &str, days: u64) -> Value {
        let bearer = self.f.token_of(by).await;
        let body = json!({"name": name, "role": "ORGANIZATION_MEMBER",
            "tokenExpiryPeriodInDays": days});
        let made = self.f.call("POST", TOKENS, &bearer, Some(body)).await;
        made.expect(201).json()
    }

    /// Lets some time pass, and what is to be said then be noted.
    async fn pass(&self, time: Duration) {
        self.f.clock.advance(time);
        self.f.control.tend().await.unwrap();
        self.f.control.tend().await.unwrap();
    }

    /// Lets replicas work until something is so.
    async fn work(&self, replicas: &[&Fixture], done: impl AsyncFn() -> bool) {
        let stop = CancellationToken::new();
        let mut working = tokio::task::JoinSet::new();
        for replica in replicas {
            let (control, stop) = (Arc::clone(&replica.control), stop.clone());
            working.spawn(async move { Box::pin(control.work(stop)).await });
        }
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !done().await {
            assert!(tokio::time::Instant::now() < deadline, "never");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        working.join_all().await;
    }

    /// Lets this control send until so many messages have come, and nothing waits.
    async fn sent(&self, count: usize) {
        self.work(&[&self.f], async || {
            self.smtp.letters().len() >= count && self.waiting().await == 0
        })
        .await;
        assert_eq!(self.smtp.letters().len(), count);
    }

    /// Lets this control try once more.
    async fn tried(&self) {
        let before = self.smtp.asked();
        self.work(&[&self.f], async || self.smtp.asked() > before)
            .await;
    }

    async fn waiting(&self) -> u64 {
        let store = self.store().await;
        let mut view = store.read().await.unwrap();
        let mut emails = view.emails();
        emails.waiting().await.unwrap() + emails.noted().await.unwrap()
    }

    /// The reasons for which messages were given up.
    async fn given_up(&self) -> Vec<String> {
        let path = "/v1/audit?limit=200&action=email.give_up";
        let admin = self.f.token_of(ADMIN).await;
        let lines = self.f.call("GET", path, &admin, None).await.expect(200);
        let lines = lines.json()["items"].as_array().unwrap().clone();
        let reason = |line: &Value| line["reason"].as_str().unwrap().to_owned();
        lines.iter().map(reason).collect()
    }
}

async fn one_message_says_all_that_there_is_to_say_to_a_person(database: Option<String>) {
    let m = Mail::new("mail-digest", database).await;
    let first = m.token("owner@example.com", "ci", 60).await;
    let second = m.token("owner@example.com", "na\u{ef}ve", 60).await;
    m.pass(30 * DAY).await;
    // What follows within a few minutes goes with it: nothing is sent yet.
    m.pass(4 * MINUTE).await;
    assert_eq!(m.smtp.asked(), 0);
    m.pass(2 * MINUTE).await;
    m.sent(1).await;
    let letter = m.smtp.letters().remove(0);
    assert_eq!(letter.to, "owner@example.com");
    assert_eq!(letter.header("To"), "owner@example.com");
    assert_eq!(letter.header("From"), "Aeolus <aeolus@example.com>");
    assert_eq!(letter.header("Reply-To"), "help@example.com");
    assert_eq!(letter.header("Subject"), "2 API tokens need a look");
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    assert!(letter.header("Content-Type").starts_with("text/plain"));
    assert!(letter.header("Message-ID").ends_with("@example.com>"));
    let body = letter.body();
    for token in [&first, &second] {
        let text = |name: &str| token[name].as_str().unwrap();
        for part in [text("id"), text("shortToken"), "the organization"] {
            assert!(body.contains(part), "{part}: {body}");
        }
        // A message is kept for days by many hands: no value is in one.
        assert!(!body.contains(text("token")));
    }
    assert!(body.contains("Organization acme: These API tokens end soon."));
    assert!(body.contains("aeolus token rotate ID --grace 24h"));
    assert!(body.contains("  na\u{ef}ve\n"), "{body}");
    assert!(body.contains("2027-03-16 08:00 UTC"), "{body}");
    // It is said once.
    m.pass(DAY).await;
    m.pass(10 * MINUTE).await;
    assert_eq!(m.waiting().await, 0);
}

async fn what_is_nobodys_is_told_to_the_owners(database: Option<String>) {
    let m = Mail::new("mail-owners", database).await;
    let grants = "/v1/organizations/acme/grants";
    let users = "/v1/organizations/acme/users";
    let owner = m.f.token_of("owner@example.com").await;
    let list =
        m.f.call("GET", users, &owner, None)
            .await
            .expect(200)
            .json();
    let id = |email: &str| {
        let users = list["items"].as_array().unwrap();
        let found = users.iter().find(|user| user["email"] == email).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    let member = id("member@example.com");
    let organization = m.f.call("GET", "/v1/organizations/acme", &owner, None);
    let organization = organization.await.json()["id"].clone();
    let body = json!({"role": "ORGANIZATION_OWNER", "subject": {"type": "user", "id": member},
        "resource": {"type": "organization", "id": organization}});
    let grant = m.f.call("POST", grants, &owner, Some(body)).await;
    grant.expect(201);
    let token = m.token("member@example.com", "nightly", 365).await;
    let name = token["id"].as_str().unwrap().to_owned();
    // Their tokens stay, and are somebody's who has no place here.
    let store = m.store().await;
    let mut write = store.write().await.unwrap();
    let user: UserId = member.parse().unwrap();
    for record in write.grants().of(Subject::User(user)).await.unwrap() {
        write.grants().delete(record.grant.id).await.unwrap();
    }
    for team in write.teams().of(user).await.unwrap() {
        write.teams().remove(team.id, user).await.unwrap();
    }
    write.commit().await.unwrap();
    m.pass(MINUTE).await;
    m.pass(6 * MINUTE).await;
    m.sent(1).await;
    let letter = m.smtp.letters().remove(0);
    assert_eq!(letter.to, "owner@example.com");
    assert_eq!(letter.header("Subject"), "Nobody answers for an API token");
    assert!(letter.body().contains(&name));
    // An organization that wants none is left alone; its audit log has the line.
    let policy = json!({"notices": {"email": false}});
    let path = "/v1/organizations/acme/policy";
    let owner = m.f.token_of("owner@example.com").await;
    let tag = m.f.call("GET", path, &owner, None).await.expect(200);
    let tag = tag.header("etag").to_owned();
    let set =
        m.f.call_with(("PUT", path), &owner, &[("if-match", &tag)], Some(policy))
            .await;
    set.expect(200);
    m.token("owner@example.com", "soon", 40).await;
    m.pass(11 * DAY).await;
    assert_eq!(m.waiting().await, 0);
}

async fn f61_several_replicas_send_a_message_once(database: Option<String>) {
    let m = Mail::new("mail-replicas", database).await;
    for name in ["a", "b", "c"] {
        m.token("owner@example.com", name, 60).await;
        m.token(ADMIN, &format!("{name}2"), 60).await;
    }
    let config = |config: &mut aeolus_control::ControlConfig| {
        config.email = Some(m.smtp.config());
        config.database.clone_from(&m.url);
    };
    // They share the master key and the folder of the root key.
    let others = [m.f.replica(config).await, m.f.replica(config).await];
    m.f.clock.advance(30 * DAY);
    let rounds = [&m.f, &others[0], &others[1]].map(|f| f.control.tend());
    let [first, second, third] = rounds;
    // On PostgreSQL whoever loses a race may be told so; the next round says the rest.
    let _ = tokio::join!(first, second, third);
    m.f.control.tend().await.unwrap();
    m.f.clock.advance(6 * MINUTE);
    m.work(&[&m.f, &others[0], &others[1]], async || {
        m.smtp.letters().len() >= 2 && m.waiting().await == 0
    })
    .await;
    let mut to: Vec<_> = m.smtp.letters().into_iter().map(|l| l.to).collect();
    to.sort();
    assert_eq!(to, [ADMIN, "owner@example.com"]);
}

async fn a_server_that_takes_nothing_is_asked_again_and_again_until_it_does(
    database: Option<String>,
) {
    let m = Mail::new("mail-again", database).await;
    m.token("owner@example.com", "ci", 60).await;
    m.pass(30 * DAY).await;
    m.f.clock.advance(6 * MINUTE);
    for (mood, wait) in [
        (Mood::BreaksOff, 3 * MINUTE),
        (Mood::Says("451 not now"), 11 * MINUTE),
        (Mood::Says("421 too busy"), 31 * MINUTE),
    ] {
        m.smtp.be(mood);
        m.tried().await;
        // Nobody waits for it.
        let asked = tokio::time::Instant::now();
        m.f.token_of("owner@example.com").await;
        assert!(asked.elapsed() < Duration::from_secs(5), "{mood:?}");
        assert_eq!(m.waiting().await, 1, "{mood:?}");
        m.f.clock.advance(wait);
    }
    m.smtp.be(Mood::Takes);
    m.sent(1).await;
    assert_eq!(m.given_up().await, [""; 0]);
}

async fn a_message_that_is_refused_for_good_is_given_up_at_once(database: Option<String>) {
    let m = Mail::new("mail-refused", database).await;
    m.token("owner@example.com", "ci", 60).await;
    m.pass(30 * DAY).await;
    m.f.clock.advance(6 * MINUTE);
    m.smtp.be(Mood::Says("550 nobody here"));
    m.work(&[&m.f], async || m.waiting().await == 0).await;
    assert_eq!(m.smtp.asked(), 1);
    assert_eq!(m.given_up().await, ["refused"]);
}

async fn a_message_that_nobody_takes_is_given_up_in_the_end(database: Option<String>) {
    let m = Mail::new("mail-given-up", database).await;
    m.token("owner@example.com", "ci", 60).await;
    m.pass(30 * DAY).await;
    m.f.clock.advance(6 * MINUTE);
    m.smtp.be(Mood::Says("451 not now"));
    let mut hours = 0;
    while m.given_up().await.is_empty() {
        assert!(hours < 72, "never");
        let before = m.smtp.asked();
        m.work(&[&m.f], async || {
            m.smtp.asked() > before || m.waiting().await == 0
        })
        .await;
        m.f.clock.advance(Duration::from_secs(13 * 3600));
        hours += 13;
    }
    assert_eq!(m.given_up().await, ["too-long"]);
    assert!(m.smtp.asked() <= 8, "{}", m.smtp.asked());
    assert_eq!(m.waiting().await, 0);
}

async fn a_message_whose_fate_is_not_known_is_sent_again_as_the_same(database: Option<String>) {
    let m = Mail::new("mail-silent", database).await;
    m.token("owner@example.com", "ci", 60).await;
    m.pass(30 * DAY).await;
    m.f.clock.advance(6 * MINUTE);
    m.smtp.be(Mood::TakesSilently);
    m.work(&[&m.f], async || m.smtp.letters().len() == 1).await;
    m.smtp.be(Mood::Takes);
    m.f.clock.advance(3 * MINUTE);
    m.sent(2).await;
    let [first, second] = m.smtp.letters().try_into().unwrap();
    assert_eq!(
        first.text, second.text,
        "byte by byte, and its Message-ID too"
    );
}

/// A request of the API's about e-mail.
async fn try_out(m: &Mail) -> crate::fixture::Answer {
    let body = json!({"to": "ann@example.com"});
    m.f.call("POST", TEST, &m.admin, Some(body)).await
}

#[tokio::test]
async fn a_test_says_what_the_server_does() {
    let m = Mail::new("mail-test", None).await;
    let good = try_out(&m).await.expect(200).json();
    assert_eq!(good["server"], format!("127.0.0.1:{}", m.smtp.port));
    assert_eq!(good["encryption"], "none");
    let letter = m.smtp.letters().remove(0);
    assert_eq!(letter.to, "ann@example.com");
    assert_eq!(letter.header("Message-ID"), good["messageId"]);
    for (mood, said) in [
        (Mood::Says("550 nobody here"), "nobody here"),
        (Mood::Says("451 not now"), "for now"),
        (Mood::BreaksOff, "doesn't speak SMTP"),
    ] {
        m.smtp.be(mood);
        let refused = try_out(&m).await.expect(502).json();
        assert_eq!(refused["code"], "email-not-sent");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{mood:?}: {detail}");
    }
    let outcomes: Vec<_> = m.f.audited(Action::EmailTest).await;
    let reasons: Vec<_> = outcomes.iter().map(|line| line.reason.as_str()).collect();
    assert_eq!(reasons, ["", "refused", "refused-for-now", "no-smtp"]);
    let body = |to: &str| Some(json!({"to": to}));
    for wrong in [
        "ann",
        "a@example.com\r\nBcc: b@example.com",
        "a b@example.com",
        "",
    ] {
        let refused = m.f.call("POST", TEST, &m.admin, body(wrong)).await;
        assert!(matches!(refused.status.as_u16(), 400 | 422), "{wrong}");
    }
    let owner = m.f.token_of("owner@example.com").await;
    let forbidden = m.f.call("POST", TEST, &owner, body("ann@example.com"));
    forbidden.await.expect(403);
}

/// A control that is told to use a server in a way that can't work.
async fn misled(name: &str, change: impl FnOnce(&mut EmailConfig)) -> String {
    let smtp = Smtp::start().await;
    let mut email = smtp.config();
    change(&mut email);
    let f = Fixture::configured(name, |config| config.email = Some(email)).await;
    let admin = f.admin().await;
    let body = json!({"to": "ann@example.com"});
    let refused = f.call("POST", TEST, &admin, Some(body)).await;
    let refused = refused.expect(502).json();
    assert_eq!(smtp.letters().len(), 0);
    refused["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_test_says_what_to_change() {
    let nobody = misled("mail-port", |email| email.server.port = Some(1)).await;
    assert!(
        nobody.contains("Check email.smtp.host and port"),
        "{nobody}"
    );
    let clear = misled("mail-clear", |email| email.start_tls = Some(true)).await;
    assert!(clear.contains("no STARTTLS"), "{clear}");
    assert!(clear.contains("email.smtp.startTls: false"), "{clear}");
    let auth = misled("mail-auth", |email| {
        email.server.user = Some("u".to_owned());
        email.server.password = Some(aeolus_model::Secret::new("hunter2".to_owned()));
    });
    let auth = auth.await;
    assert!(auth.contains("email.smtp.auth"), "{auth}");
    assert!(!auth.contains("hunter2"));
    let f = Fixture::new("mail-none").await;
    let admin = f.admin().await;
    let body = json!({"to": "ann@example.com"});
    let none = f.call("POST", TEST, &admin, Some(body)).await.expect(409);
    assert!(none.text().contains("email.smtpUrl"), "{}", none.text());
}

/// It may be somebody else who does it.
async fn whoever_has_a_second_factor_is_told_what_becomes_of_it(database: Option<String>) {
    let m = Mail::new("mail-factor", database).await;
    let enrolled = m.f.enroll(&m.f.login(MEMBER).await).await;
    m.f.clock.advance(6 * MINUTE);
    m.sent(1).await;
    let letter = m.smtp.letters().remove(0);
    assert_eq!(
        (letter.to.as_str(), letter.header("Subject")),
        (MEMBER, "Your second factor was set up")
    );
    assert!(
        letter
            .body()
            .contains("If not, somebody else signs in as you")
    );

    m.f.login_with(MEMBER, &enrolled.codes[0]).await;
    let path = "/v1/users/member%40example.com/second-factor";
    let admin = m.f.admin().await;
    m.f.call("DELETE", path, &admin, None).await.expect(200);
    m.f.clock.advance(6 * MINUTE);
    m.sent(2).await;
    let letter = m.smtp.letters().remove(1);
    let body = letter.body();
    for what in [
        "A recovery code of yours was used",
        "An administrator removed your second factor",
    ] {
        assert!(body.contains(what), "{body}");
    }
    for secret in enrolled.codes {
        assert!(!body.contains(&secret));
    }
}

async fn f46_a_test_that_comes_twice_at_once_is_one_message(database: Option<String>) {
    let m = Mail::new("mail-once", database).await;
    let ask = async |key: &str| {
        let headers = [("idempotency-key", key)];
        let body = Some(json!({"to": "ann@example.com"}));
        m.f.call_with(("POST", TEST), &m.admin, &headers, body)
            .await
    };
    let all = tokio::join!(ask("a"), ask("a"), ask("a"));
    let mut said = [all.0, all.1, all.2].map(|answer| answer.status.as_u16());
    said.sort_unstable();
    assert_eq!(said[0], 200);
    assert!(
        said.iter().all(|status| [200, 409].contains(status)),
        "{said:?}"
    );
    assert_eq!(m.smtp.letters().len(), 1);
    ask("a").await.expect(200);
    assert_eq!(m.smtp.letters().len(), 1);
    // What was not sent may be tried again under the same key.
    m.smtp.be(Mood::Says("550 nobody here"));
    ask("b").await.expect(502);
    m.smtp.be(Mood::Takes);
    ask("b").await.expect(200);
    assert_eq!(m.smtp.letters().len(), 2);
}
