//! What whoever owns an organization may not do to people outside it: learn of them, or fill their mailboxes.

use std::time::Duration;

use aeolus_model::{InvitationId, Slug};
use aeolus_store::Unit as _;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{ADMIN, Answer, Fixture, ISS, PASSWORD};
use crate::people::{INVITATIONS, fixture, mailed};
use crate::smtp::Smtp;

on_every_engine! {
    a1_whoever_is_added_is_answered_for_alike_whatever_account_has_the_address,
    o22_who_took_an_address_at_their_word_is_not_who_is_added_by_it,
    a1_where_e_mails_are_sent_no_link_of_whoever_invited_tells_who_has_an_account,
    a11_whoever_is_shown_out_by_an_address_leaves_nothing_for_it,
}

const USERS: &str = "/v1/organizations/globex/users";

/// Whoever is reached at `bob@elsewhere.test` has an account, or somebody who says so: nobody has shown it.
async fn took_at_their_word(f: &Fixture) {
    let owner = f.token_of("owner@example.com").await;
    let body = json!({"email": "bob@elsewhere.test"});
    let (value, _) = f.invite(&owner, body).await;
    f.take_up(&value, PASSWORD).await.expect(303);
}

/// Who has an address and who waits for it may both be in an organization: whoever is taken out by it is both, or the
/// one had again what the other waits with.
async fn a11_whoever_is_shown_out_by_an_address_leaves_nothing_for_it(database: Option<String>) {
    let (f, admin) = fixture("both-out", database).await;
    let gus = f.globex(&admin).await;
    took_at_their_word(&f).await;
    let person = json!({"email": "bob@elsewhere.test", "role": "ORGANIZATION_MEMBER"});
    let added = f.call("POST", USERS, &gus, Some(person)).await.expect(201);
    let waiting = added.json()["id"].as_str().unwrap().to_owned();
    let cookie = f.login("bob@elsewhere.test").await;
    let bob = f.token_of("bob@elsewhere.test").await;
    let me = f.call("GET", "/v1/me", &bob, None).await.expect(200);
    let holder = me.json()["actor"]["id"].as_str().unwrap().to_owned();
    let body = json!({"email": "bob@elsewhere.test"});
    let path = "/v1/organizations/globex/invitations";
    let invited = f.call("POST", path, &gus, Some(body)).await.expect(201);
    let link = invited.json()["link"].as_str().unwrap().to_owned();
    let value = link.strip_prefix(&format!("{ISS}/invitation/")).unwrap();
    let more = [("origin", ISS), ("cookie", cookie.as_str())];
    f.form("/invitation/accept", &[("invitation", value)], &more)
        .await
        .expect(303);
    let team = json!({"name": "crew"});
    f.call("POST", "/v1/organizations/globex/teams", &gus, Some(team))
        .await
        .expect(201);
    let members = "/v1/organizations/globex/teams/crew/members";
    let in_team = async || {
        let list = f.call("GET", members, &gus, None).await.expect(200).json();
        list["items"].as_array().unwrap().len()
    };
    let both = json!({"users": [holder, waiting]});
    let put_in = async || {
        let put = f.call("POST", members, &gus, Some(both.clone())).await;
        put.expect(200);
    };
    put_in().await;
    assert_eq!(in_team().await, 2);
    let one = format!("{members}/bob@elsewhere.test");
    f.call("DELETE", &one, &gus, None).await.expect(200);
    assert_eq!(in_team().await, 0);
    f.call("DELETE", &one, &gus, None).await.expect(404);
    put_in().await;
    let offboard = format!("{USERS}/bob@elsewhere.test/offboard");
    let ended = f.call("POST", &offboard, &gus, Some(json!({}))).await;
    let ended = ended.expect(200).json();
    assert_eq!(ended["userId"], json!(holder));
    assert_eq!(ended["grants"].as_array().unwrap().len(), 2);
    assert_eq!(ended["teams"].as_array().unwrap().len(), 2);
    assert_eq!(in_team().await, 0);
    let grants = "/v1/organizations/globex/grants";
    let grants = f.call("GET", grants, &gus, None).await.expect(200).text();
    assert!(!grants.contains(&holder) && !grants.contains(&waiting));
    f.call("POST", &offboard, &gus, Some(json!({})))
        .await
        .expect(404);
    f.call("GET", "/v1/organizations/globex", &bob, None)
        .await
        .expect(404);
}

/// An answer without what is another one each time: ids, and the order that people have by them.
fn blank(value: Value, address: &str) -> Value {
    let is_id = |text: &str| text.len() == 36 && text.matches('-').count() == 4;
    match value {
        Value::String(text) if is_id(&text) => json!("*"),
        Value::String(text) => json!(text.replace(address, "ADDRESS")),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| blank(item, address));
            let mut items: Vec<Value> = items.collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .filter(|(key, _)| !matches!(key.as_str(), "seq" | "requestId"));
            let fields = fields.map(|(key, value)| (key, blank(value, address)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}

/// Whoever owns an organization adds an address and does all that they may do to people: no answer tells whether
/// somebody has the address here, who holds what elsewhere, or who is disabled.
async fn a1_whoever_is_added_is_answered_for_alike_whatever_account_has_the_address(
    database: Option<String>,
) {
    let (f, admin) = fixture("add-alike", database).await;
    let gus = f.globex(&admin).await;
    took_at_their_word(&f).await;
    let path = "/v1/users/eve@example.com/disable";
    f.call("POST", path, &admin, None).await.expect(200);
    let team = json!({"name": "crew"});
    f.call("POST", "/v1/organizations/globex/teams", &gus, Some(team))
        .await
        .expect(201);
    let teams = f
        .call("GET", "/v1/organizations/globex/teams", &gus, None)
        .await;
    let team = teams.expect(200).json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let members = format!("/v1/organizations/globex/teams/{team}/members");
    let told = async |address: &str| {
        let mut told = Vec::new();
        let mut ask = async |method: &str, path: &str, body: Value| {
            let body = (!body.is_null()).then_some(body);
            let answer: Answer = f.call(method, path, &gus, body).await;
            let text = answer.text();
            let json = serde_json::from_str(&text).unwrap_or(Value::Null);
            told.push((
                format!("{method} {path}").replace(address, "ADDRESS"),
                answer.status,
                blank(json, address),
            ));
        };
        let add = json!({"email": address, "role": "ORGANIZATION_MEMBER", "name": "Zed"});
        let explain = format!("/v1/explain?subject={address}&resource=globex");
        let sessions = format!("/v1/sessions?organization=globex&user={address}");
        let review = format!("/v1/organizations/globex/access?subject={address}");
        let offboard = format!("{USERS}/{address}/offboard");
        for round in ["before", "after"] {
            if round == "after" {
                ask("POST", USERS, add.clone()).await;
                ask("POST", USERS, add.clone()).await;
                ask("GET", USERS, Value::Null).await;
            }
            ask("GET", &explain, Value::Null).await;
            ask("GET", &sessions, Value::Null).await;
            ask("GET", &review, Value::Null).await;
            ask(
                "POST",
                &format!("/v1/users/{address}/password-reset"),
                Value::Null,
            )
            .await;
            ask(
                "DELETE",
                &format!("/v1/users/{address}/second-factor"),
                Value::Null,
            )
            .await;
            ask("POST", &members, json!({"users": [address]})).await;
            ask("GET", &members, Value::Null).await;
            ask("DELETE", &format!("{members}/{address}"), Value::Null).await;
            ask("POST", &offboard, json!({"dryRun": true})).await;
            ask(
                "POST",
                &format!("{USERS}/nobody@example.com/offboard"),
                json!({"giveTokensTo": address}),
            )
            .await;
            ask(
                "GET",
                &format!("/v1/organizations/globex/audit?actor={address}"),
                Value::Null,
            )
            .await;
        }
        ask("DELETE", &format!("{USERS}/{address}"), Value::Null).await;
        ask("GET", USERS, Value::Null).await;
        ask("GET", &explain, Value::Null).await;
        told
    };
    let free = told("free@elsewhere.test").await;
    let done = free
        .iter()
        .filter(|(_, status, _)| status.is_success())
        .count();
    assert!(done > 10, "most of it can be done: {free:#?}");
    for address in [
        "bob@elsewhere.test",
        "member@example.com",
        "eve@example.com",
        ADMIN,
    ] {
        for (taken, free) in told(address).await.into_iter().zip(&free) {
            // Who reaches every deployment is in every organization's review.
            if address != ADMIN || !taken.0.contains("/access?") {
                assert_eq!(taken, *free, "{address}");
            }
        }
    }
}

/// What is given to whom an address means is nobody's who said that it is theirs, and one account waits for all
/// organizations.
async fn o22_who_took_an_address_at_their_word_is_not_who_is_added_by_it(database: Option<String>) {
    let (f, admin) = fixture("squat", database).await;
    let gus = f.globex(&admin).await;
    took_at_their_word(&f).await;
    let person = json!({"email": "bob@elsewhere.test", "role": "ORGANIZATION_OWNER"});
    let add = async |organization: &str, bearer: &str| {
        let path = format!("/v1/organizations/{organization}/users");
        let added = f.call("POST", &path, bearer, Some(person.clone())).await;
        added.expect(201).json()["id"].as_str().unwrap().to_owned()
    };
    let waiting = add("globex", &gus).await;
    let body = json!({"name": "other"});
    f.call("POST", "/v1/organizations", &admin, Some(body))
        .await
        .expect(201);
    assert_eq!(add("other", &admin).await, waiting);
    let bob = f.token_of("bob@elsewhere.test").await;
    let me = f.call("GET", "/v1/me", &bob, None).await.expect(200).json();
    assert_ne!(me["actor"]["id"].as_str().unwrap(), waiting);
    f.call("GET", "/v1/organizations/globex", &bob, None)
        .await
        .expect(404);
    // Where they were let in at their word it is they who are meant.
    let owner = f.token_of("owner@example.com").await;
    let inside = add("acme", &owner).await;
    assert_eq!(me["actor"]["id"], json!(inside));
    let refused = f.call(
        "POST",
        "/v1/apply",
        &admin,
        Some(json!({"fleet": {"version": 1,
        "planes": [], "organizations": [{"name": "other", "users": [person]}]}, "secrets": {}})),
    );
    assert!(
        refused
            .await
            .expect(409)
            .text()
            .contains("Invite them instead")
    );
}

/// Whoever owns an organization learns by adding an address neither whether anybody has it here nor who they are.
#[tokio::test]
async fn a1_adding_an_address_tells_nothing_of_its_person() {
    let (f, admin) = fixture("add-a1", None).await;
    f.globex(&admin).await;
    let own_name = json!({"fleet": {"version": 1, "planes": [], "organizations": [{"name": "globex",
        "users": [{"email": "gus@example.com", "name": "Gustav Secret", "role": "ORGANIZATION_OWNER"}]}]},
        "secrets": {}});
    f.call("POST", "/v1/apply", &admin, Some(own_name))
        .await
        .expect(200);
    f.clock.advance(Duration::from_secs(86_400));
    let owner = f.token_of("owner@example.com").await;
    let users = "/v1/organizations/acme/users";
    let add = async |email: &str, name: Option<&str>| {
        let mut body = json!({"email": email, "role": "ORGANIZATION_OWNER"});
        if let Some(name) = name {
            body["name"] = json!(name);
        }
        f.call("POST", users, &owner, Some(body)).await
    };
    for email in ["gus@example.com", "nobody@example.com"] {
        let odd = add(email, Some("two\nlines")).await.expect(422);
        assert!(odd.text().contains("name"));
    }
    let known = add("gus@example.com", Some("Zed")).await.expect(201).json();
    let unknown = add("nobody@example.com", Some("Zed")).await;
    let unknown = unknown.expect(201).json();
    let keys = |answer: &Value| {
        answer
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&known), keys(&unknown));
    for answer in [&known, &unknown] {
        assert_eq!(answer["name"], "Zed");
        let id = answer["id"].as_str().unwrap();
        assert_eq!(&id[14..15], "4", "{id} says when somebody was made");
    }
    let listed = async || {
        let list = f.call("GET", users, &owner, None).await.expect(200).json();
        let items = list["items"].as_array().unwrap().clone();
        let named = items.into_iter().filter(|item| item["name"] == "Zed");
        let text = named.map(|item| item["email"].as_str().unwrap().to_owned());
        let mut emails: Vec<String> = text.collect();
        emails.sort();
        emails
    };
    assert_eq!(listed().await, ["gus@example.com", "nobody@example.com"]);
    let log = async |email: &str| {
        let path = format!("/v1/organizations/acme/audit?actor={email}");
        f.call("GET", &path, &owner, None).await.expect(200).text()
    };
    let (gus, stranger) = (
        log("gus@example.com").await,
        log("stranger@example.com").await,
    );
    assert_eq!(gus, stranger);
    // Once they come they have their own name.
    let admin = f.admin().await;
    let gate = f.join(&admin, "eu-1").await;
    let deployment = f.first(&owner, "deployments").await;
    let cookie = f.login("gus@example.com").await;
    f.gate_sign_in(&gate, &deployment, &cookie)
        .await
        .expect(200);
    assert_eq!(listed().await, ["nobody@example.com"]);
}

/// Whoever invites and takes back in a loop fills nobody's mailbox, and not everybody's outbox.
#[tokio::test]
async fn invitations_are_sent_so_often_and_not_more() {
    let smtp = Smtp::start().await;
    let f = Fixture::configured("invite-loop", |config| config.email = Some(smtp.config())).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let looped = async |email: &str| {
        let (_, made) = f.invite(&owner, json!({"email": email})).await;
        let one = format!("{INVITATIONS}/{}", made["id"].as_str().unwrap());
        f.call("DELETE", &one, &owner, None).await.expect(200);
        made["emailed"].as_bool().unwrap()
    };
    let mut sent = 0;
    for _ in 0..8 {
        sent += usize::from(looped("x@example.com").await);
    }
    assert_eq!(sent, 5, "to one address in a day");
    assert!(looped("y@example.com").await);
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let acme = write
        .organizations()
        .by_name(&Slug::parse("acme").unwrap())
        .await;
    let acme = acme.unwrap().unwrap().id;
    for n in 0..494_u16 {
        let id = InvitationId::new(&*f.clock, &*f.rng);
        let mut address = [0; 32];
        address[..2].copy_from_slice(&n.to_be_bytes());
        let mut invitations = write.invitations();
        invitations
            .note_sent((id, acme), &address, (f.clock_now(), f.clock_now()))
            .await
            .unwrap();
    }
    write.commit().await.unwrap();
    assert!(
        !looped("z@example.com").await,
        "of one organization in a day"
    );
    f.clock.advance(Duration::from_secs(86_401));
    let owner = f.token_of("owner@example.com").await;
    let (_, made) = f.invite(&owner, json!({"email": "x@example.com"})).await;
    assert_eq!(made["emailed"], true, "the next day");
}

/// Whoever invites has a link too: it makes no account with a password, and so tells of none. The one that is sent to the
/// address does both, and shows whose the address is.
async fn a1_where_e_mails_are_sent_no_link_of_whoever_invited_tells_who_has_an_account(
    database: Option<String>,
) {
    let smtp = Smtp::start().await;
    let f = Fixture::configured("join-a1", |config| {
        config.email = Some(smtp.config());
        if let Some(database) = database {
            config.database = database;
        }
    });
    let f = f.await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let mut pages = Vec::new();
    for email in ["free@example.com", "eve@example.com"] {
        let (value, _) = f.invite(&owner, json!({"email": email})).await;
        let page = f.get(&format!("/invitation/{value}")).await.expect(200);
        assert!(!page.text().contains("Accept with a new account"));
        let asked = f.take_up(&value, PASSWORD).await.expect(200).text();
        assert!(asked.contains("on its way"), "{asked}");
        let blank = |text: String| text.replace(&value, "VALUE").replace(email, "ADDRESS");
        pages.push(blank(page.text()) + &blank(asked));
    }
    assert_eq!(pages[0], pages[1]);
    f.work();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while smtp.letters().len() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "never sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let link_to = |email: &str| {
        let letters = smtp.letters();
        let to: Vec<_> = letters.iter().filter(|l| l.to.contains(email)).collect();
        assert_eq!(to.len(), 1, "once a day to {email}");
        mailed(&to[0].body().replace("=\r\n", "").replace("=\n", ""))
    };
    let unproved = async |email: &str| {
        let store = f.store().await;
        let mut view = store.read().await.unwrap();
        let user = view.users().by_email(&email.parse().unwrap()).await;
        let id = user.unwrap().unwrap().id;
        view.users().has_unproved_address(id).await.unwrap()
    };
    let free = link_to("free@example.com");
    let (kept, last) = free.split_at(free.len() - 1);
    let altered = format!("{kept}{}", if last == "0" { "1" } else { "0" });
    f.get(&format!("/invitation/{altered}")).await.expect(410);
    f.take_up(&free, PASSWORD).await.expect(303);
    assert!(!unproved("free@example.com").await);
    f.take_up(&free, PASSWORD).await.expect(410);
    let eve = link_to("eve@example.com");
    f.take_up(&eve, PASSWORD).await.expect(409);
    let cookie = f.login("eve@example.com").await;
    let more = [("origin", ISS), ("cookie", cookie.as_str())];
    let fields = [("invitation", eve.as_str())];
    f.form("/invitation/accept", &fields, &more)
        .await
        .expect(303);
    // Who only said that an address is theirs gives it up, and what waited for it is whose it is.
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let squatter = write
        .users()
        .by_email(&"free@example.com".parse().unwrap())
        .await;
    let squatter = squatter.unwrap().unwrap().id;
    write.users().set_proved(squatter, false).await.unwrap();
    write.commit().await.unwrap();
    let gus = f.globex(&admin).await;
    let person = json!({"email": "free@example.com", "role": "ORGANIZATION_MEMBER"});
    let added = f.call("POST", USERS, &gus, Some(person)).await.expect(201);
    let body = json!({"email": "free@example.com"});
    f.invite(&owner, body).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let to_free = || {
        let letters = smtp.letters().into_iter();
        let to: Vec<_> = letters
            .filter(|l| l.to.contains("free@example.com"))
            .collect();
        to
    };
    while to_free().len() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "never sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let body = to_free()[1].body();
    let link = mailed(&body.replace("=\r\n", "").replace("=\n", ""));
    let joined = f.take_up(&link, PASSWORD).await.expect(303);
    let token = f.token_of_cookie(&joined.cookie()).await;
    let me = f.call("GET", "/v1/me", &token, None).await.expect(200);
    assert_eq!(me.json()["actor"]["id"], added.json()["id"]);
    f.call("GET", "/v1/organizations/globex", &token, None)
        .await
        .expect(200);
}
