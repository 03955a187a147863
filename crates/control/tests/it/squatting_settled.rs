//! Accounts whose address is shown to be theirs, and what becomes of what waited for it.

use std::time::Duration;

use aeolus_model::{Slug, Subject, UserId};
use aeolus_store::Unit as _;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture, ISS, PASSWORD};
use crate::people::mailed;
use crate::races::one_in_the_other;
use crate::smtp::Smtp;

on_every_engine! {
    a12_tokens_that_were_given_to_who_waits_end_with_whose_the_address_is,
    a11_a_role_that_is_taken_back_while_an_address_is_shown_does_not_come_back,
    a11_whoever_is_shown_out_while_an_address_is_shown_is_out,
    a1_no_organization_uses_up_what_another_one_sends_to_an_address,
}

const EVE: &str = "eve@example.com";
const GLOBEX: &str = "/v1/organizations/globex";

/// Eve has her address at her own word. Globex has added her by it, so that another account waits there as an owner.
struct World {
    f: Fixture,
    smtp: Smtp,
    gus: String,
    waiting: UserId,
}

async fn installation(name: &str, database: Option<String>) -> (Fixture, Smtp, String) {
    let smtp = Smtp::start().await;
    let f = Fixture::configured(name, |config| {
        config.email = Some(smtp.config());
        if let Some(database) = database {
            config.database = database;
        }
    });
    let f = f.await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gus = f.globex(&admin).await;
    (f, smtp, gus)
}

impl World {
    async fn new(name: &str, database: Option<String>) -> Self {
        let (f, smtp, gus) = installation(name, database).await;
        let eve = user(&f, EVE).await;
        let mut write = f.store().await.write().await.unwrap();
        write.users().set_proved(eve, false).await.unwrap();
        write.commit().await.unwrap();
        let mut world = Self {
            f,
            smtp,
            gus,
            waiting: eve,
        };
        world.waiting = world.add(EVE).await;
        assert_ne!(world.waiting, eve);
        world
    }

    /// Makes somebody an owner of Globex.
    async fn add(&self, email: &str) -> UserId {
        let body = json!({"email": email, "role": "ORGANIZATION_OWNER"});
        let path = format!("{GLOBEX}/users");
        let added = self.f.call("POST", &path, &self.gus, Some(body)).await;
        let id = added.expect(201).json()["id"].clone();
        id.as_str().unwrap().parse().unwrap()
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then_some(body);
        let path = format!("{GLOBEX}{path}");
        self.f.call(method, &path, &self.gus, body).await
    }

    /// The link that Acme sends to Eve, and the cookie that she opens it with.
    async fn sent(&self) -> (String, String) {
        let owner = self.f.token_of("owner@example.com").await;
        self.f.invite(&owner, json!({"email": EVE})).await;
        self.f.work();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let body = loop {
            let mut letters = self.smtp.letters().into_iter();
            if let Some(letter) = letters.find(|l| l.to.contains(EVE)) {
                break letter.body().replace("=\r\n", "").replace("=\n", "");
            }
            assert!(tokio::time::Instant::now() < deadline, "never sent");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        (mailed(&body), self.f.login(EVE).await)
    }

    async fn accept(&self, (value, cookie): (&str, &str)) -> Answer {
        let more = [("origin", ISS), ("cookie", cookie)];
        let fields = [("invitation", value)];
        self.f.form("/invitation/accept", &fields, &more).await
    }

    /// What she can see of Globex.
    async fn eve_sees(&self) -> u16 {
        let eve = self.f.token_of(EVE).await;
        let answer = self.f.call("GET", GLOBEX, &eve, None).await;
        answer.status.as_u16()
    }
}

async fn user(f: &Fixture, email: &str) -> UserId {
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let user = view.users().by_email(&email.parse().unwrap()).await;
    user.unwrap().unwrap().id
}

async fn a12_tokens_that_were_given_to_who_waits_end_with_whose_the_address_is(
    database: Option<String>,
) {
    let w = World::new("settled-tokens", database).await;
    w.add("member@example.com").await;
    let member = w.f.token_of("member@example.com").await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 1});
    let tokens = format!("{GLOBEX}/tokens");
    let made = w.f.call("POST", &tokens, &member, Some(body)).await;
    let made = made.expect(201).json();
    let value = made["token"].as_str().unwrap().to_owned();
    let give = json!({ "giveTokensTo": EVE });
    w.ask("POST", "/users/member@example.com/offboard", give)
        .await
        .expect(200);
    w.ask("POST", "/teams", json!({"name": "crew"}))
        .await
        .expect(201);
    let crew = json!({"users": [w.waiting.to_string()]});
    w.ask("POST", "/teams/crew/members", crew).await.expect(200);
    let (link, cookie) = w.sent().await;
    w.accept((&link, &cookie)).await.expect(303);
    assert_eq!(w.eve_sees().await, 200);
    let eve = user(&w.f, EVE).await;
    let mut view = w.f.store().await.read().await.unwrap();
    assert!(view.users().get(w.waiting).await.unwrap().is_none());
    let slug = Slug::parse("globex").unwrap();
    let globex = view.organizations().by_name(&slug).await.unwrap().unwrap();
    let hers = view.tokens().created_by(globex.id, eve).await.unwrap();
    assert_eq!(hers.len(), 1);
    drop(view);
    w.f.call("GET", "/v1/me", &value, None).await.expect(200);
    let path = format!("/users/{EVE}/offboard");
    let ended = w.ask("POST", &path, json!({})).await;
    let ended = ended.expect(200).json();
    assert_eq!(ended["tokens"][0]["id"], hers[0].to_string());
    assert_eq!(ended["teams"][0]["name"], "crew");
    w.f.call("GET", "/v1/me", &value, None).await.expect(401);
    assert_eq!(w.eve_sees().await, 404);
}

/// It is taken back while all that is left of the other is to commit.
async fn a11_a_role_that_is_taken_back_while_an_address_is_shown_does_not_come_back(
    database: Option<String>,
) {
    let w = World::new("settled-revoked", database).await;
    let mut view = w.f.store().await.read().await.unwrap();
    let held = view.grants().of(Subject::User(w.waiting)).await.unwrap();
    drop(view);
    assert_eq!(held.len(), 1);
    let grant = format!("/grants/{}", held[0].grant.id);
    let (link, cookie) = w.sent().await;
    let shown = w.accept((&link, &cookie));
    let taken_back = w.ask("DELETE", &grant, Value::Null);
    let (shown, taken_back) = one_in_the_other(&w.f, shown, taken_back).await;
    shown.expect(303);
    taken_back.expect(200);
    assert_eq!(w.eve_sees().await, 404);
}

async fn a11_whoever_is_shown_out_while_an_address_is_shown_is_out(database: Option<String>) {
    let w = World::new("settled-out", database).await;
    let (link, cookie) = w.sent().await;
    let path = format!("/users/{EVE}/offboard");
    let shown = w.accept((&link, &cookie));
    let out = w.ask("POST", &path, json!({}));
    let (shown, out) = one_in_the_other(&w.f, shown, out).await;
    shown.expect(303);
    if out.status == 409 {
        let again = w.ask("POST", &path, json!({})).await;
        again.expect(200);
    } else {
        out.expect(200);
    }
    assert_eq!(w.eve_sees().await, 404);
    // Who is there no more is given nothing either.
    let crew = json!({"users": [w.waiting.to_string()]});
    w.ask("POST", "/teams", json!({"name": "crew"}))
        .await
        .expect(201);
    w.ask("POST", "/teams/crew/members", crew).await.expect(422);
}

/// Whoever asks with a link is told the truth, and the same whether there is an account.
async fn a1_no_organization_uses_up_what_another_one_sends_to_an_address(database: Option<String>) {
    let (f, _smtp, gus) = installation("sent-each", database).await;
    let owner = f.token_of("owner@example.com").await;
    let mut pages = Vec::new();
    for email in ["free@example.com", EVE] {
        for _ in 0..5 {
            let (_, made) = f.invite(&owner, json!({ "email": email })).await;
            assert_eq!(made["emailed"], true);
        }
        for n in 0..6 {
            let path = format!("{GLOBEX}/invitations");
            let body = Some(json!({ "email": email }));
            let made = f.call("POST", &path, &gus, body).await.expect(201).json();
            assert_eq!(made["emailed"], false, "of whoever invites they were many");
            let link = made["link"].as_str().unwrap().to_owned();
            let value = link.strip_prefix(&format!("{ISS}/invitation/")).unwrap();
            let status = if n < 5 { 200 } else { 429 };
            let asked = f.take_up(value, PASSWORD).await.expect(status).text();
            assert_eq!(asked.contains("on its way"), n < 5, "{asked}");
            assert_eq!(asked.contains("No more links"), n == 5, "{asked}");
            pages.push(asked.replace(value, "VALUE").replace(email, "ADDRESS"));
        }
    }
    let (free, eve) = pages.split_at(6);
    assert_eq!(free, eve);
}
