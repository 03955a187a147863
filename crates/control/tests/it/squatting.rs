//! What whoever owns an organization may not do to people outside it: learn of them, or fill their mailboxes.

use std::time::Duration;

use aeolus_model::{InvitationId, Slug};
use aeolus_store::Unit as _;
use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::people::{INVITATIONS, fixture};
use crate::smtp::Smtp;

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
            .note_sent((id, acme), &address, f.clock_now())
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
