//! Teams of a provider's groups, as people, programs and gates meet them.

use std::time::Duration;

use aeolus_control::{Publishing, Reload, SignInConfig};
use aeolus_decide::World;
use aeolus_model::{Action, AuditEvent, Subject, UserId};
use aeolus_oidc::{Connection, Kind, Settings};
use aeolus_snapshot::{READER, Snapshot};
use aeolus_store::{Page, Store, Unit as _};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::engines::on_every_engine;
use crate::federation::{Browser, Idp};
use crate::fixture::{Fixture, fleet};
use crate::publish::Reader;

const TEAMS: &str = "/v1/organizations/acme/teams";

on_every_engine! {
    x11_gates_hear_at_once_who_is_in_a_team_and_who_no_more,
    d4_a_group_is_its_connections_and_never_its_name,
    d4_absent_changes_nothing_and_empty_everything,
    d3_a_group_makes_administrators_for_as_long_as_they_are_in_it,
    d4_who_is_in_a_group_is_said_there_alone,
    d4_who_is_known_by_a_provider_no_more_is_in_none_of_its_teams,
    many_who_come_at_once_with_a_new_group_make_one_team,
}

/// A fleet with two providers whose groups become Teams.
pub(crate) struct Scene {
    pub(crate) f: Fixture,
    pub(crate) admin: String,
    database: Option<String>,
    pub(crate) one: Idp,
    pub(crate) other: Idp,
}

pub(crate) fn connection(name: &str, url: &str, teams: &Value) -> Connection {
    let settings = json!({"clientId": "client", "discoveryUrl": url, "fetchUserInfo": false,
        "trustedDomains": ["example.com"], "teams": teams});
    let settings: Settings = serde_json::from_value(settings).unwrap();
    Connection::new(name.parse().unwrap(), Kind::Custom, &settings, None).unwrap()
}

pub(crate) fn sign_in(connections: Vec<Connection>) -> SignInConfig {
    SignInConfig {
        connections,
        ..SignInConfig::default()
    }
}

impl Scene {
    pub(crate) async fn new(name: &str, database: Option<String>, teams: Value) -> Self {
        let one = Idp::start(&format!("{name} one")).await;
        let other = Idp::start(&format!("{name} other")).await;
        let f = Fixture::configured(name, |config| {
            config.sign_in = sign_in(vec![
                connection("one", &one.url, &teams),
                connection("other", &other.url, &teams),
            ]);
            config.publishing = Publishing {
                at_once: Duration::ZERO,
                rest: (Duration::ZERO, Duration::ZERO),
                ..Publishing::default()
            };
            if let Some(database) = &database {
                config.database.clone_from(database);
            }
        });
        let f = f.await;
        let admin = f.admin().await;
        f.fleet(&admin).await;
        Self {
            f,
            admin,
            database,
            one,
            other,
        }
    }

    /// Somebody signs in through a provider that says `groups` of them.
    pub(crate) async fn comes(&self, name: &str, who: &str, groups: Value) {
        let idp = if name == "one" {
            &self.one
        } else {
            &self.other
        };
        idp.lies(|lie| {
            let now = self.f.clock_now().secs();
            lie.claims = json!({"email": format!("{who}@example.com"), "groups": groups,
                "iat": now - 5, "exp": now + 3600});
        });
        let mut browser = Browser::new(&self.f);
        let sent = browser.start(&format!("provider={name}")).await;
        let code = idp.code(&sent, &format!("{who}-1"));
        browser.back(&code).await.expect(303);
    }

    pub(crate) async fn store(&self) -> Store {
        match &self.database {
            Some(url) => Store::connect(&url.parse().unwrap()).await.unwrap(),
            None => self.f.store().await,
        }
    }

    pub(crate) async fn user(&self, who: &str) -> UserId {
        let store = self.store().await;
        let mut view = store.read().await.unwrap();
        let email = format!("{who}@example.com").parse().unwrap();
        view.users().by_email(&email).await.unwrap().unwrap().id
    }

    /// The names of somebody's teams.
    pub(crate) async fn teams_of(&self, who: &str) -> Vec<String> {
        let user = self.user(who).await;
        let store = self.store().await;
        let mut view = store.read().await.unwrap();
        let teams = view.teams().of(user).await.unwrap();
        let mut names: Vec<_> = teams.iter().map(|team| team.name.to_string()).collect();
        names.sort_unstable();
        names
    }

    async fn listed(&self) -> Vec<Value> {
        let listed = self.f.call("GET", TEAMS, &self.admin, None).await;
        let listed = listed.expect(200).json();
        listed["items"].as_array().unwrap().clone()
    }

    /// The Team of a group, as it is listed.
    pub(crate) async fn team(&self, connection: &str, group: &str) -> Value {
        let listed = self.listed().await;
        let found = listed
            .iter()
            .find(|team| team["group"]["connection"] == connection && team["group"]["id"] == group);
        found
            .cloned()
            .unwrap_or_else(|| panic!("no {group} in {listed:?}"))
    }

    pub(crate) async fn audited(&self, action: Action) -> Vec<AuditEvent> {
        let store = self.store().await;
        let mut view = store.read().await.unwrap();
        let listed = view.audit_log().list(None, Page::first(10_000)).await;
        let events = listed.unwrap().items.into_iter().map(|line| line.event);
        events.filter(|event| event.action == action).collect()
    }

    async fn apply(&self, body: Value) -> crate::fixture::Answer {
        self.f
            .call("POST", "/v1/apply", &self.admin, Some(body))
            .await
    }
}

pub(crate) fn teams_at_gates(snapshot: &Snapshot, user: UserId) -> Vec<String> {
    let world = World::from_snapshot(snapshot);
    let person = world.person(Subject::User(user));
    person.map_or_else(Vec::new, |person| {
        person.teams.iter().map(ToString::to_string).collect()
    })
}

async fn x11_gates_hear_at_once_who_is_in_a_team_and_who_no_more(database: Option<String>) {
    let s = Scene::new("groups-gates", database, json!({"filter": "^tmp-"})).await;
    s.comes("one", "eve", json!(["data-eng", "tmp-x"])).await;
    assert_eq!(s.teams_of("eve").await, ["data-eng"]);
    let mut document = fleet();
    let acme = &mut document["fleet"]["organizations"][0];
    acme["teams"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "data-eng"}));
    acme["workspaces"][0]["grants"] = json!([{"team": "data-eng", "role": "WORKSPACE_OWNER"}]);
    s.apply(document).await.expect(200);
    let eve = s.user("eve").await;
    let mut reader = Reader::new(&s.f, &s.admin).await;
    let status =
        json!({"replica": "r1", "epoch": 1, "seq": 0, "version": "1.0.0", "reader": READER});
    let path = "/v1/planes/self/status";
    let assertion = s.f.assertion(&reader.gate);
    s.f.call("POST", path, &assertion, Some(status))
        .await
        .expect(204);
    s.f.work();
    let there = |snapshot: &Snapshot| teams_at_gates(snapshot, eve) == ["data-eng"];
    reader.until(&s.f, there).await;
    // What is still on its way.
    loop {
        let answer = reader.poll(&s.f, 1).await;
        if reader.take(&s.f, answer).await.is_none() {
            break;
        }
    }
    let base = |snapshot: &Snapshot| snapshot.manifest().sections["grants"].clone();
    s.comes("one", "eve", json!([])).await;
    let out = |snapshot: &Snapshot| teams_at_gates(snapshot, eve).is_empty();
    let told = reader.until(&s.f, out).await;
    assert!(!told.sections().changes.is_empty(), "told of her alone");
    let before = base(&told);
    s.comes("one", "eve", json!(["data-eng"])).await;
    let told = reader.until(&s.f, there).await;
    assert!(!told.sections().changes.is_empty());
    assert_eq!(base(&told), before, "and nothing else was read");
    let lines = s.audited(Action::TeamMembers).await;
    let mut changes: Vec<_> = lines.iter().flat_map(|line| line.changes.clone()).collect();
    changes.retain(|change| change.field == "team");
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert!(lines.iter().all(|line| line.target == eve.to_string()));
}

async fn d4_a_group_is_its_connections_and_never_its_name(database: Option<String>) {
    let s = Scene::new("groups-names", database, json!({})).await;
    // A document has a team of that name.
    s.comes("one", "eve", json!(["data", "Ops Team"])).await;
    s.comes("other", "eve", json!(["data", "\u{430}dmins"]))
        .await;
    let (one, other) = (s.team("one", "data").await, s.team("other", "data").await);
    for team in [&one, &other] {
        let name = team["name"].as_str().unwrap();
        assert!(name.starts_with("data-") && name.len() == 13, "{name}");
    }
    assert_ne!(one["id"], other["id"]);
    assert_eq!(s.team("one", "Ops Team").await["name"], "ops-team");
    let alike = s.team("other", "\u{430}dmins").await;
    let alike = alike["name"].as_str().unwrap();
    assert!(alike.starts_with("dmins-"), "{alike}");
    let eves = s.teams_of("eve").await;
    assert!(
        eves.len() == 4 && !eves.contains(&"data".to_owned()),
        "{eves:?}"
    );
    assert_eq!(s.teams_of("member").await, ["data"]);
    // Each says only who is in its own, and of whoever comes.
    s.comes("other", "member", json!(["data"])).await;
    s.comes("one", "eve", json!([])).await;
    let left = s.teams_of("eve").await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(s.teams_of("member").await.len(), 2);
    s.comes("other", "member", json!([])).await;
    assert_eq!(
        s.teams_of("member").await,
        ["data"],
        "a document put them there"
    );
}

async fn d4_absent_changes_nothing_and_empty_everything(database: Option<String>) {
    let s = Scene::new("groups-absent", database, json!({})).await;
    s.comes("one", "eve", json!(["ops"])).await;
    for said in [Value::Null, json!({"a": 1}), json!([{"name": "ops"}])] {
        s.comes("one", "eve", said).await;
        assert_eq!(s.teams_of("eve").await, ["ops"]);
    }
    s.comes(
        "one",
        "eve",
        json!(["x\u{202e}y", "z".repeat(300), "ops\nx"]),
    )
    .await;
    assert!(s.teams_of("eve").await.is_empty(), "none of them is hers");
    assert_eq!(s.audited(Action::TeamCreate).await.len(), 1);
    s.comes("one", "eve", json!("ops")).await;
    assert_eq!(
        s.teams_of("eve").await,
        ["ops"],
        "one text is a list of one"
    );
    s.comes("one", "eve", json!([])).await;
    assert!(s.teams_of("eve").await.is_empty());
}

async fn d3_a_group_makes_administrators_for_as_long_as_they_are_in_it(database: Option<String>) {
    let lists = json!({"systemRoles": {"SYSTEM_ADMIN": ["admins"]}});
    let s = Scene::new("groups-admins", database, lists).await;
    let may = async || {
        let eve = s.f.token_of("eve@example.com").await;
        let asked = s.f.call("GET", "/v1/connections", &eve, None).await;
        asked.status.as_u16() == 200
    };
    assert!(!may().await);
    s.comes("one", "eve", json!(["admins"])).await;
    assert!(may().await);
    s.comes("one", "eve", json!(["others"])).await;
    assert!(!may().await);
    s.comes("one", "eve", json!(["admins"])).await;
    assert!(may().await);
    // The configuration says something else.
    let (reloads, reloaded) = mpsc::channel(1);
    let (control, stop) = (s.f.control.clone(), s.f.stop.clone());
    tokio::spawn(async move { control.follow(reloaded, stop).await });
    let (taken, answer) = oneshot::channel();
    let wanted = sign_in(vec![
        connection("one", &s.one.url, &json!({})),
        connection("other", &s.other.url, &json!({})),
    ]);
    assert!(reloads.send(Reload::SignIn(wanted, taken)).await.is_ok());
    answer.await.unwrap().unwrap();
    assert!(!may().await);
    assert_eq!(
        s.teams_of("eve").await,
        ["admins"],
        "she is in it all the same"
    );
    let said = |events: Vec<AuditEvent>| {
        let ours = events
            .into_iter()
            .filter(|event| event.organization.is_none());
        ours.filter(|event| event.changes.iter().any(|c| c.field == "team"))
            .count()
    };
    assert_eq!(said(s.audited(Action::GrantCreate).await), 1);
    assert_eq!(said(s.audited(Action::GrantDelete).await), 1);
}

async fn d4_who_is_known_by_a_provider_no_more_is_in_none_of_its_teams(database: Option<String>) {
    let teams = json!({"systemRoles": {"SYSTEM_VIEWER": ["root"]}});
    let s = Scene::new("groups-unlink", database, teams).await;
    s.comes("other", "eve", json!(["staff"])).await;
    let eve = s.user("eve").await;
    let cookie = s.f.login("eve@example.com").await;
    s.comes("one", "eve", json!(["ops", "root"])).await;
    assert_eq!(s.teams_of("eve").await, ["ops", "root", "staff"]);
    let store = s.store().await;
    let mut view = store.read().await.unwrap();
    let one = view.connections().by_name(&"one".parse().unwrap()).await;
    let id = one.unwrap().unwrap().id.to_string();
    drop(view);
    let form = [("connection", id.as_str())];
    let gone = s.f.page("/account/ways/remove", &cookie, &form).await;
    gone.expect(303);
    assert_eq!(s.teams_of("eve").await, ["staff"]);
    let lines = s.audited(Action::TeamMembers).await;
    let left = |line: &&AuditEvent| line.changes.iter().all(|change| change.after.is_none());
    let last = lines.iter().find(left).unwrap();
    assert_eq!(last.target, eve.to_string());
    assert_eq!(last.changes.len(), 2);
}

async fn d4_who_is_in_a_group_is_said_there_alone(database: Option<String>) {
    let s = Scene::new("groups-alone", database, json!({})).await;
    s.comes("one", "eve", json!(["ops"])).await;
    let mut document = fleet();
    let teams = &mut document["fleet"]["organizations"][0]["teams"];
    let ops = json!({"name": "ops", "members": ["member@example.com"]});
    teams.as_array_mut().unwrap().push(ops);
    let refused = s.apply(document).await.expect(409).text();
    assert!(
        refused.contains("ops is said by the group ops of one"),
        "{refused}"
    );
    assert_eq!(s.teams_of("member").await, ["data"]);
    let pruned =
        s.f.call("POST", "/v1/apply?prune=true", &s.admin, Some(fleet()));
    pruned.await.expect(200);
    assert_eq!(s.teams_of("eve").await, ["ops"], "no document made it");

    let owner = s.f.token_of("owner@example.com").await;
    let put = async |team: &str, name: &str| {
        let path = format!("{TEAMS}/{team}");
        let body = Some(json!({ "name": name }));
        s.f.call("PUT", &path, &owner, body).await
    };
    put("ops", "data").await.expect(409);
    put("data", "mine").await.expect(409);
    put("none", "mine").await.expect(404);
    let renamed = put("ops", "operations").await.expect(200).json();
    assert_eq!(renamed["team"]["group"]["id"], "ops");
    s.comes("one", "eve", json!(["ops"])).await;
    assert_eq!(s.teams_of("eve").await, ["operations"]);
    let delete = async |team: &str| {
        let path = format!("{TEAMS}/{team}");
        s.f.call("DELETE", &path, &owner, None).await
    };
    delete("operations").await.expect(409);
    delete("data").await.expect(409);
    s.comes("one", "eve", json!([])).await;
    delete("operations").await.expect(200);
    delete("operations").await.expect(404);
    assert_eq!(s.listed().await.len(), 1);
    assert_eq!(s.audited(Action::TeamDelete).await.len(), 1);
}

async fn many_who_come_at_once_with_a_new_group_make_one_team(database: Option<String>) {
    let s = Scene::new("groups-many", database, json!({})).await;
    // Whoever is known already.
    s.comes("one", "eve", json!([])).await;
    for round in 0..4 {
        let groups = json!([format!("a{round}"), format!("b{round}")]);
        s.one.lies(|lie| {
            lie.claims = json!({"email": "eve@example.com", "groups": groups});
        });
        let mut ways = Vec::new();
        for _ in 0..4 {
            let mut browser = Browser::new(&s.f);
            let sent = browser.start("provider=one").await;
            let code = s.one.code(&sent, "eve-1");
            ways.push((browser, code));
        }
        let [one, two, three, four] = ways.as_mut_slice() else {
            unreachable!("four ways");
        };
        let answers = tokio::join!(
            one.0.back(&one.1),
            two.0.back(&two.1),
            three.0.back(&three.1),
            four.0.back(&four.1)
        );
        for answer in <[_; 4]>::from(answers) {
            answer.expect(303);
        }
        let mut expected: Vec<String> = vec![format!("a{round}"), format!("b{round}")];
        expected.sort_unstable();
        assert_eq!(s.teams_of("eve").await, expected);
    }
    assert_eq!(s.audited(Action::TeamCreate).await.len(), 8);
}
