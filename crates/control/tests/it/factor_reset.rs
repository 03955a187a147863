//! Who may take away somebody's second factor, and what the person learns of it.

use std::time::Duration;

use aeolus_model::{Action, Actor, Clock as _, Email, Rng};
use aeolus_store::{Store, Unit as _};
use serde_json::json;

use crate::factor::{MEMBER, with_fleet};
use crate::fixture::Fixture;

const OF_MEMBER: &str = "/v1/users/member%40example.com/second-factor";
const OF_OWNER: &str = "/v1/users/owner%40example.com/second-factor";

#[tokio::test]
async fn a_session_that_somebody_found_resets_nothing() {
    let f = with_fleet("reset-recent").await;
    f.enroll(&f.login(MEMBER).await).await;
    let cookie = f.login("owner@example.com").await;
    f.clock.advance(Duration::from_secs(601));
    let owner = f.token_of_cookie(&cookie).await;
    let refused = f.call("DELETE", OF_MEMBER, &owner, None).await.expect(403);
    assert_eq!(refused.json()["code"], "recent-sign-in-required");
    let owner = f.token_of("owner@example.com").await;
    f.call("DELETE", OF_MEMBER, &owner, None).await.expect(200);
}

/// Who resets the factor of somebody with more power, and learns their password, has that power.
#[tokio::test]
async fn p7_nobody_resets_the_factor_of_who_may_do_more_than_they() {
    let f = with_fleet("reset-rank").await;
    f.enroll(&f.login("owner@example.com").await).await;
    let admin = f.admin().await;
    let new = json!({"email": "new@example.com", "role": "ORGANIZATION_MEMBER"});
    let users = "/v1/organizations/acme/users";
    f.call("POST", users, &admin, Some(new)).await.expect(201);
    let low = json!({"email": "low@example.com", "role": "ORGANIZATION_MEMBER"});
    let document = json!({"fleet": {"version": 1, "planes": [], "organizations":
        [{"name": "acme", "users": [low]}]}, "secrets": {}});
    f.call("POST", "/v1/apply", &admin, Some(document))
        .await
        .expect(200);
    let role = json!({"name": "helpdesk", "scope": "ORGANIZATION",
        "permissions": ["organization.iam.update"]});
    let roles = "/v1/organizations/acme/roles";
    f.call("POST", roles, &admin, Some(role)).await.expect(201);
    let listed = f.call("GET", users, &admin, None).await.expect(200).json();
    let mut listed = listed["items"].as_array().unwrap().iter();
    let eve = listed.find(|user| user["email"] == "eve@example.com");
    let acme = f.call("GET", "/v1/organizations/acme", &admin, None).await;
    let grant = json!({"role": "helpdesk",
        "subject": {"type": "user", "id": eve.unwrap()["id"]},
        "resource": {"type": "organization", "id": acme.json()["id"]}});
    let grants = "/v1/organizations/acme/grants";
    f.call("POST", grants, &admin, Some(grant))
        .await
        .expect(201);
    let eve = f.token_of("eve@example.com").await;
    let refused = f.call("DELETE", OF_OWNER, &eve, None).await.expect(403);
    assert!(refused.text().contains("ORGANIZATION_OWNER"));
    let of_low = "/v1/users/low%40example.com/second-factor";
    f.call("DELETE", of_low, &eve, None).await.expect(200);
    // Nor of somebody who was added by their address and has not come.
    let of_new = "/v1/users/new%40example.com/second-factor";
    let refused = f.call("DELETE", of_new, &eve, None).await.expect(403);
    assert!(refused.text().contains("not come"), "{}", refused.text());
    f.call("DELETE", OF_OWNER, &admin, None).await.expect(200);
}

async fn store(f: &Fixture) -> (String, Store) {
    let url = format!("sqlite:{}", f.dir.path().join("control.db").display());
    let store = Store::connect(&url.parse().unwrap()).await.unwrap();
    (url, store)
}

#[tokio::test]
async fn whoever_has_the_database_helps_an_only_administrator() {
    let f = with_fleet("reset-offline").await;
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let (url, store) = store(&f).await;
    let reset = async |email: &str| {
        let email = Email::parse(email).unwrap();
        let parts: (&dyn aeolus_model::Clock, &dyn Rng) = (&*f.clock, &*f.rng);
        aeolus_control::reset_second_factor(&url, &email, parts).await
    };
    let done = reset(MEMBER).await.unwrap().unwrap();
    assert_eq!((done.reset, done.sessions_ended), (true, 1));
    f.visit("/", &enrolled.cookie).await.expect(303);
    f.login(MEMBER).await;
    let again = reset(MEMBER).await.unwrap().unwrap();
    assert_eq!(
        (again.user, again.reset, again.sessions_ended),
        (done.user, false, 0)
    );
    assert_eq!(reset("nobody@example.com").await.unwrap(), None);
    let lines = f.audited(Action::SecondFactorReset).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (&lines[0].actor, lines[0].reason.as_str()),
        (&Actor::System, "offline")
    );
    let mut read = store.read().await.unwrap();
    assert_eq!(read.emails().noted().await.unwrap(), 1, "where one is sent");
}

/// As where an identity provider proved less than its person has here.
#[tokio::test]
async fn a_session_without_the_factor_that_its_person_has_is_shown_no_names() {
    let f = with_fleet("missing-factor").await;
    let cookie = f.login(MEMBER).await;
    let token = f.token_of_cookie(&cookie).await;
    let organizations = async || f.call("GET", "/v1/organizations", &token, None).await;
    assert_eq!(
        organizations().await.expect(200).json()["items"][0]["name"],
        "acme"
    );
    f.visit("/", &cookie).await.expect(200);
    let (_, store) = store(&f).await;
    let mut write = store.write().await.unwrap();
    let email = Email::parse(MEMBER).unwrap();
    let user = write.users().by_email(&email).await.unwrap().unwrap().id;
    let now = f.clock.now();
    let mut factors = write.second_factors();
    assert!(factors.begin(user, b"sealed", now).await.unwrap());
    assert!(factors.confirm(user, 10, now).await.unwrap());
    write.commit().await.unwrap();
    let refused = organizations().await.expect(403).json();
    assert_eq!(refused["code"], "second-factor-required");
    let led = f.visit("/", &cookie).await.expect(303);
    assert_eq!(led.location(), "/login?rd=%2F&again=1");
}
