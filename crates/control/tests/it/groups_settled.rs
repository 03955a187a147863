//! Who is in Teams of groups, and what those hold, beside what others do at the same moment or have done since.

use std::time::Duration;

use aeolus_control::SignInConfig;
use aeolus_model::{Action, Role, Subject};
use aeolus_store::Unit as _;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::federation::{Browser, Idp};
use crate::fixture::{Answer, Fixture};
use crate::groups::{Scene, connection, sign_in};
use crate::races::until_waiting;

on_every_engine! {
    d4_whoever_signs_in_another_way_keeps_no_team_that_nobody_confirms,
    d4_two_replicas_end_a_membership_once,
    d3_a_replica_with_older_rules_gives_no_role_of_them,
    a11_whoever_is_offboarded_is_back_by_a_sign_in_with_the_group,
    a_new_team_is_made_before_its_person_is_held,
}

const DAY: Duration = Duration::from_secs(86_400);
const EVE: &str = "eve@example.com";

async fn d4_whoever_signs_in_another_way_keeps_no_team_that_nobody_confirms(db: Option<String>) {
    let lists = json!({"systemRoles": {"SYSTEM_ADMIN": ["admins"]}});
    let s = Scene::new("settled-other-way", db, lists).await;
    let may = async || {
        let eve = s.f.token_of(EVE).await;
        let asked = s.f.call("GET", "/v1/connections", &eve, None).await;
        asked.status.as_u16() == 200
    };
    s.comes("one", "eve", json!(["admins", "ops"])).await;
    s.f.clock.advance(29 * DAY);
    assert!(may().await, "confirmed within a month");
    s.f.clock.advance(2 * DAY);
    assert!(!may().await);
    assert_eq!(s.teams_of("eve").await, [""; 0]);
    let lines = s.audited(Action::TeamMembers).await;
    let ended = lines.iter().find(|line| line.reason == "not_confirmed");
    assert_eq!(ended.unwrap().changes.len(), 2);
    s.comes("one", "eve", json!(["admins"])).await;
    assert!(may().await);
}

async fn d4_two_replicas_end_a_membership_once(db: Option<String>) {
    let s = Scene::new("settled-once", db, json!({})).await;
    let replica =
        s.f.replica(|config| config.sign_in = configured(&s, &json!({})));
    let replica = replica.await;
    s.comes("one", "eve", json!(["ops", "data-eng"])).await;
    s.comes("other", "member", json!(["ops"])).await;
    s.f.clock.advance(20 * DAY);
    s.comes("other", "member", json!(["ops"])).await;
    s.f.clock.advance(11 * DAY);
    let both = tokio::join!(s.f.control.tend(), replica.control.tend());
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    assert_eq!(s.teams_of("eve").await, [""; 0]);
    assert_eq!(s.teams_of("member").await.len(), 2, "one is a document's");
    let lines = s.audited(Action::TeamMembers).await;
    let ended = lines.iter().filter(|line| line.reason == "not_confirmed");
    assert_eq!(ended.count(), 1);
}

/// Both providers, with rules.
fn configured(s: &Scene, teams: &Value) -> SignInConfig {
    sign_in(vec![
        connection("one", &s.one.url, teams),
        connection("other", &s.other.url, teams),
    ])
}

/// Somebody on their way through `one`, with groups.
async fn on_the_way<'f>(f: &'f Fixture, idp: &Idp, groups: Value) -> (Browser<'f>, String) {
    idp.lies(|lie| lie.claims = json!({"email": EVE, "groups": groups}));
    let mut browser = Browser::new(f);
    let sent = browser.start("provider=one").await;
    let code = idp.code(&sent, "eve-1");
    (browser, code)
}

/// Both read the rules of before, and wait: whoever goes first, the rules of after hold.
async fn d3_a_replica_with_older_rules_gives_no_role_of_them(db: Option<String>) {
    let lists = json!({"systemRoles": {"SYSTEM_ADMIN": ["a", "b"]}});
    let s = Scene::new("settled-older", db, lists).await;
    s.comes("one", "eve", json!([])).await;
    let newer = async || {
        let replica = s.f.replica(|config| {
            let less = json!({"systemRoles": {"SYSTEM_VIEWER": ["a"]}});
            config.sign_in = configured(&s, &less);
        });
        replica.await
    };
    let (mut first, code) = on_the_way(&s.f, &s.one, json!(["a"])).await;
    let (mut second, other_code) = on_the_way(&s.f, &s.one, json!(["a", "b"])).await;
    if s.f.database.starts_with("sqlite:") {
        // One after the other is all there is.
        first.back(&code).await.expect(303);
        newer().await;
        second.back(&other_code).await.expect(303);
    } else {
        let store = s.store().await;
        let mut write = store.write().await.unwrap();
        let one = write.connections().by_name(&"one".parse().unwrap()).await;
        let id = one.unwrap().unwrap().id;
        write.group_teams().hold(id).await.unwrap();
        let replica = async {
            until_waiting(&s.f, 1).await;
            newer().await
        };
        let second = async {
            until_waiting(&s.f, 2).await;
            second.back(&other_code).await.expect(303)
        };
        let release = async {
            until_waiting(&s.f, 3).await;
            write.commit().await.unwrap();
        };
        let all = tokio::join!(first.back(&code), replica, second, release);
        all.0.expect(303);
    }
    let store = s.store().await;
    let mut view = store.read().await.unwrap();
    for (group, expected) in [("a", &[Role::SystemViewer][..]), ("b", &[])] {
        let team = s.team("one", group).await["id"].as_str().unwrap().parse();
        let held = view
            .grants()
            .of(Subject::Team(team.unwrap()))
            .await
            .unwrap();
        let roles: Vec<_> = held.iter().map(|held| held.grant.role.clone()).collect();
        let expected: Vec<_> = expected.iter().map(|role| (*role).into()).collect();
        assert_eq!(roles, expected, "{group}");
    }
}

async fn a11_whoever_is_offboarded_is_back_by_a_sign_in_with_the_group(db: Option<String>) {
    let s = Scene::new("settled-offboarded", db, json!({})).await;
    s.comes("one", "eve", json!(["ops"])).await;
    let eve = s.user("eve").await;
    let path = format!("/v1/organizations/acme/users/{eve}/offboard");
    let out = s.f.call("POST", &path, &s.admin, Some(json!({}))).await;
    out.expect(200);
    assert_eq!(s.teams_of("eve").await, [""; 0]);
    let store = s.store().await;
    let is_out = async || {
        let mut view = store.read().await.unwrap();
        let acme = view.organizations().by_name(&"acme".parse().unwrap()).await;
        let acme = acme.unwrap().unwrap().id;
        view.group_teams().is_shown_out(acme, eve).await.unwrap()
    };
    assert!(is_out().await);
    s.comes("one", "eve", json!([])).await;
    assert!(is_out().await, "without a group she is not meant");
    s.comes("one", "eve", json!(["ops"])).await;
    assert_eq!(s.teams_of("eve").await, ["ops"]);
    assert!(!is_out().await);
}

/// Whoever has the organization goes on to people: nobody waits for it who holds one.
async fn a_new_team_is_made_before_its_person_is_held(db: Option<String>) {
    let s = Scene::new("settled-order", db, json!({})).await;
    s.comes("one", "eve", json!([])).await;
    let eve = s.user("eve").await;
    let (mut browser, code) = on_the_way(&s.f, &s.one, json!(["new"])).await;
    let back = async |browser: &mut Browser<'_>| -> Answer { browser.back(&code).await };
    if s.f.database.starts_with("sqlite:") {
        back(&mut browser).await.expect(303);
    } else {
        // As a fleet document is applied.
        let store = s.store().await;
        let mut write = store.write().await.unwrap();
        let acme = write
            .organizations()
            .by_name(&"acme".parse().unwrap())
            .await;
        let acme = acme.unwrap().unwrap().id;
        write.organizations().lock(acme).await.unwrap();
        let apply = async {
            until_waiting(&s.f, 1).await;
            write.users().hold(eve).await.unwrap();
            write.commit().await.unwrap();
        };
        let (answer, ()) = tokio::join!(back(&mut browser), apply);
        answer.expect(303);
    }
    assert_eq!(s.teams_of("eve").await, ["new"]);
}
