//! Invitations, the first administrator, and who may not sign in, as people and programs meet them.

use std::sync::Arc;
use std::time::Duration;

use aeolus_control::first_admin;
use aeolus_model::Action;
use aeolus_store::Unit as _;
use http::StatusCode;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{ADMIN, Answer, Fixture, ISS, PASSWORD};
use crate::smtp::Smtp;

pub(crate) const INVITATIONS: &str = "/v1/organizations/acme/invitations";

on_every_engine! {
    a14_an_invitation_makes_one_account_and_is_good_once,
    d7_no_invitation_gives_a_role_where_teams_alone_do,
    a13_of_many_with_one_code_one_becomes_the_administrator,
    a12_who_is_disabled_is_out_at_once,
}

/// The value of the link in a letter.
pub(crate) fn mailed(body: &str) -> String {
    let (_, rest) = body.split_once("/invitation/").expect(body);
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

pub(crate) async fn fixture(name: &str, database: Option<String>) -> (Fixture, String) {
    let f = Fixture::configured(name, |config| {
        if let Some(database) = database {
            config.database = database;
        }
    });
    let f = f.await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    (f, admin)
}

impl Fixture {
    pub(crate) async fn invite(&self, bearer: &str, body: Value) -> (String, Value) {
        let made = self.call("POST", INVITATIONS, bearer, Some(body)).await;
        let made = made.expect(201).json();
        let link = made["link"].as_str().unwrap();
        let value = link.strip_prefix(&format!("{ISS}/invitation/")).unwrap();
        (value.to_owned(), made)
    }

    pub(crate) async fn take_up(&self, value: &str, password: &str) -> Answer {
        let fields = [
            ("invitation", value),
            ("name", "New"),
            ("password", password),
        ];
        self.form("/invitation/join", &fields, &[("origin", ISS)])
            .await
    }
}

async fn a14_an_invitation_makes_one_account_and_is_good_once(database: Option<String>) {
    let (f, _) = fixture("invite", database).await;
    let owner = f.token_of("owner@example.com").await;
    let body = json!({"email": "new@example.com", "note": "Welcome <b>"});
    let (value, made) = f.invite(&owner, body).await;
    assert_eq!(made["status"], "open");
    assert_eq!(made["emailed"], false);
    assert_eq!(made["roles"][0]["role"], "ORGANIZATION_MEMBER");
    let path = format!("/invitation/{value}");
    // Looking spends nothing, however often programs look.
    for _ in 0..3 {
        let page = f.get(&path).await.expect(200).text();
        assert!(page.contains("owner@example.com") && page.contains("acme"));
        assert!(page.contains("Welcome &#60;b&#62;") && !page.contains("<b>"));
    }
    let short = f.take_up(&value, "too short").await.expect(422);
    assert!(short.text().contains("15 characters"));
    let joined = f.take_up(&value, PASSWORD).await.expect(303);
    let token = f.token_of_cookie(&joined.cookie()).await;
    let me = f.call("GET", "/v1/me", &token, None).await.expect(200);
    assert_eq!(me.json()["email"], "new@example.com");
    assert!(me.text().contains("ORGANIZATION_MEMBER"));
    f.take_up(&value, PASSWORD).await.expect(410);
    f.get(&path).await.expect(410);
    let listed = f.call("GET", INVITATIONS, &owner, None).await.expect(200);
    assert_eq!(listed.json()["items"][0]["status"], "accepted");
    assert!(!listed.text().contains(&value));
    let taken = format!("{INVITATIONS}/{}", made["id"].as_str().unwrap());
    f.call("DELETE", &taken, &owner, None).await.expect(409);
}

/// An invitation from before the rules said so gives nobody a role either, however it is taken up.
async fn d7_no_invitation_gives_a_role_where_teams_alone_do(database: Option<String>) {
    let (f, _) = fixture("invite-teams-only", database).await;
    let owner = f.token_of("owner@example.com").await;
    let (new, _) = f.invite(&owner, json!({"email": "new@example.com"})).await;
    let (eve, _) = f.invite(&owner, json!({"email": "eve@example.com"})).await;
    let rules = async |rules: Value| {
        let path = "/v1/organizations/acme/policy";
        f.call("PUT", path, &owner, Some(rules)).await.expect(200);
    };
    let accept = async || {
        let cookie = f.login("eve@example.com").await;
        let more = [("origin", ISS), ("cookie", cookie.as_str())];
        let fields = [("invitation", eve.as_str())];
        f.form("/invitation/accept", &fields, &more).await
    };
    rules(json!({"teamsOnly": true})).await;
    f.take_up(&new, PASSWORD).await.expect(410);
    accept().await.expect(410);
    f.try_login("new@example.com", PASSWORD, "/")
        .await
        .expect(401);
    // Neither was spent.
    rules(json!({})).await;
    f.take_up(&new, PASSWORD).await.expect(303);
    accept().await.expect(303);
}

#[tokio::test]
async fn a14_who_is_signed_in_accepts_what_is_theirs_by_a_button_of_ours() {
    let (f, admin) = fixture("accept", None).await;
    f.call(
        "POST",
        "/v1/organizations",
        &admin,
        Some(json!({"name": "other"})),
    )
    .await
    .expect(201);
    let body = json!({"email": "member@example.com"});
    let path = "/v1/organizations/other/invitations";
    let made = f.call("POST", path, &admin, Some(body)).await.expect(201);
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let path = link.strip_prefix(ISS).unwrap();
    let value = path.strip_prefix("/invitation/").unwrap();
    // Who is not signed in comes back to it.
    let signed_in = f.try_login("member@example.com", PASSWORD, path).await;
    assert_eq!(signed_in.expect(303).location(), path);
    let accept = async |who: &str, origin: &str| {
        let cookie = f.login(who).await;
        let fields = [("invitation", value)];
        let more = [("origin", origin), ("cookie", cookie.as_str())];
        f.form("/invitation/accept", &fields, &more).await
    };
    let cookie = f.login("eve@example.com").await;
    let page = f.visit(path, &cookie).await.expect(200).text();
    assert!(page.contains("the invitation is for member@example.com"));
    accept("eve@example.com", ISS).await.expect(403);
    accept("member@example.com", "https://evil.example")
        .await
        .expect(403);
    accept("member@example.com", ISS).await.expect(303);
    let member = f.token_of("member@example.com").await;
    f.call("GET", "/v1/organizations/other", &member, None)
        .await
        .expect(200);
    assert_eq!(f.audited(Action::InvitationAccept).await.len(), 2);
}

#[tokio::test]
async fn a9_nobody_invites_to_more_than_they_hold() {
    let (f, admin) = fixture("invite-a9", None).await;
    let member = f.token_of("member@example.com").await;
    let body = json!({"email": "new@example.com"});
    f.call("POST", INVITATIONS, &member, Some(body))
        .await
        .expect(403);
    let owner = f.token_of("owner@example.com").await;
    for (field, value) in [
        ("expiresInDays", json!(31)),
        ("expiresInDays", json!(0)),
        ("note", json!("two\nlines")),
        ("note", json!("x".repeat(501))),
        ("role", json!("SYSTEM_ADMIN")),
        ("role", json!("WORKSPACE_OWNER")),
    ] {
        let mut body = json!({"email": "new@example.com"});
        body[field] = value;
        let refused = f.call("POST", INVITATIONS, &owner, Some(body)).await;
        assert!(refused.expect(422).text().contains(field));
    }
    let token = json!({"name": "ci", "role": "ORGANIZATION_OWNER"});
    let path = "/v1/organizations/acme/tokens";
    let token = f.call("POST", path, &owner, Some(token)).await.expect(201);
    let token = token.json()["token"].as_str().unwrap().to_owned();
    let body = json!({"email": "new@example.com"});
    f.call("POST", INVITATIONS, &token, Some(body))
        .await
        .expect(403);
    let (value, made) = f.invite(&owner, json!({"email": "n@example.com"})).await;
    let one = format!("{INVITATIONS}/{}", made["id"].as_str().unwrap());
    f.call("DELETE", &one, &member, None).await.expect(403);
    f.call("DELETE", &one, &owner, None).await.expect(200);
    f.take_up(&value, PASSWORD).await.expect(410);
    // What somebody lost they don't go on giving (A11).
    let (value, _) = f.invite(&owner, json!({"email": "n@example.com"})).await;
    f.call("POST", "/v1/users/owner@example.com/disable", &admin, None)
        .await
        .expect(200);
    f.take_up(&value, PASSWORD).await.expect(410);
}

#[tokio::test]
async fn a_link_is_sent_where_e_mails_are_and_kept_nowhere() {
    let smtp = Smtp::start().await;
    let f = Fixture::configured("invite-mail", |config| config.email = Some(smtp.config())).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let (other, other_made) = f.invite(&owner, json!({"email": "x@example.com"})).await;
    let id = other_made["id"].as_str().unwrap();
    // Nor is the link of another one got by writing what stands for it.
    let note = format!("{{{{invitation:{id}}}}}");
    let body = json!({"email": "new@example.com", "note": note});
    let (value, made) = f.invite(&owner, body).await;
    assert_eq!(made["emailed"], true);
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    for waiting in view.emails().due(f.clock_now(), 10).await.unwrap() {
        assert!(!waiting.body.contains(&value) && !waiting.body.contains(&other));
    }
    drop(view);
    f.work();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while smtp.letters().len() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "never sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let letters = smtp.letters();
    let letter = letters.iter().find(|l| l.to.contains("new@example.com"));
    let body = letter.unwrap().body();
    let joined = body.replace("=\r\n", "").replace("=\n", "");
    let sent = mailed(&joined);
    assert!(sent.len() > value.len(), "{body}");
    // Nor is it the one that whoever invited was told.
    assert!(
        !joined.contains(&value) && !joined.contains(&other),
        "{body}"
    );
    f.get(&format!("/invitation/{sent}")).await.expect(200);
}

async fn a12_who_is_disabled_is_out_at_once(database: Option<String>) {
    let (f, admin) = fixture("disable", database).await;
    let cookie = f.login("member@example.com").await;
    let token = f.token_of_cookie(&cookie).await;
    f.call("GET", "/v1/me", &token, None).await.expect(200);
    let owner = f.token_of("owner@example.com").await;
    let path = |deed: &str| format!("/v1/users/member@example.com/{deed}");
    f.call("POST", &path("disable"), &owner, None)
        .await
        .expect(403);
    let done = f
        .call("POST", &path("disable"), &admin, None)
        .await
        .expect(200);
    assert_eq!(done.json()["changed"], true);
    assert_eq!(done.json()["sessionsEnded"], 1);
    f.call("GET", "/v1/me", &token, None).await.expect(401);
    assert_eq!(f.visit("/", &cookie).await.status, StatusCode::SEE_OTHER);
    f.try_login("member@example.com", PASSWORD, "/")
        .await
        .expect(401);
    let again = f
        .call("POST", &path("disable"), &admin, None)
        .await
        .expect(200);
    assert_eq!(again.json()["changed"], false);
    f.call("POST", &path("enable"), &admin, None)
        .await
        .expect(200);
    f.call("GET", "/v1/me", &token, None).await.expect(401);
    f.login("member@example.com").await;
    // The last who administers the installation stays.
    let me = format!("/v1/users/{ADMIN}/disable");
    f.call("POST", &me, &admin, None).await.expect(409);
    f.call("POST", "/v1/users/nobody@example.com/disable", &admin, None)
        .await
        .expect(404);
}

async fn setup(name: &str, database: Option<String>) -> (Fixture, String) {
    let mut url = String::new();
    let f = Fixture::configured(name, |config| {
        config.first_admin = None;
        if let Some(database) = database {
            config.database = database;
        }
        url.clone_from(&config.database);
    });
    (f.await, url)
}

fn claim<'a>(code: &'a str, email: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("code", code),
        ("email", email),
        ("name", "Ann"),
        ("password", PASSWORD),
    ]
}

#[tokio::test]
async fn the_first_administrator_is_who_has_the_code_and_the_page_is_gone_then() {
    let (f, url) = setup("setup", None).await;
    f.get("/setup").await.expect(200);
    let origin = [("origin", ISS)];
    let wrong = f.form("/setup", &[("code", "ABCD-EFGH-JKLM-NPQR-STUV")], &origin);
    assert!(wrong.await.expect(401).text().contains("first-admin"));
    let code = first_admin(&url, &*f.clock, &*f.rng)
        .await
        .unwrap()
        .unwrap();
    let code = code.expose();
    let typed = code.to_lowercase().replace('-', " ");
    let right = f.form("/setup", &[("code", &typed)], &origin).await;
    assert!(right.expect(200).text().contains("/setup/account"));
    let elsewhere = [("origin", "https://evil.example")];
    f.form("/setup/account", &claim(code, ADMIN), &elsewhere)
        .await
        .expect(403);
    let made = f
        .form("/setup/account", &claim(code, ADMIN), &origin)
        .await
        .expect(303);
    let token = f.token_of_cookie(&made.cookie()).await;
    let me = f.call("GET", "/v1/me", &token, None).await.expect(200);
    assert!(me.text().contains("SYSTEM_ADMIN"));
    f.get("/setup").await.expect(404);
    f.form("/setup/account", &claim(code, "eve@example.com"), &origin)
        .await
        .expect(404);
    assert!(
        first_admin(&url, &*f.clock, &*f.rng)
            .await
            .unwrap()
            .is_none()
    );
    let audited = f.audited(Action::FirstAdmin).await;
    assert!(
        audited
            .iter()
            .any(|e| e.outcome == aeolus_model::Outcome::Success)
    );
    assert!(
        audited
            .iter()
            .any(|e| e.outcome == aeolus_model::Outcome::Denied)
    );
}

async fn a13_of_many_with_one_code_one_becomes_the_administrator(database: Option<String>) {
    let (f, url) = setup("setup-many", database).await;
    let f = Arc::new(f);
    let code = first_admin(&url, &*f.clock, &*f.rng)
        .await
        .unwrap()
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..4 {
        let (f, code) = (f.clone(), code.expose().clone());
        tasks.spawn(async move {
            let email = format!("a{n}@example.com");
            let fields = claim(&code, &email);
            let answer = f.form("/setup/account", &fields, &[("origin", ISS)]).await;
            answer.status == StatusCode::SEE_OTHER
        });
    }
    let made = tasks.join_all().await.into_iter().filter(|made| *made);
    assert_eq!(made.count(), 1);
}
