//! Teams while others change them too, through another replica, and while gates listen.

use std::sync::Arc;
use std::time::Duration;

use aeolus_control::Publishing;
use aeolus_decide::World;
use aeolus_model::Subject;
use aeolus_snapshot::{READER, Snapshot};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::engines::on_every_engine;
use crate::fixture::Fixture;
use crate::publish::Reader;
use crate::roles::{ACME, Acme};
use crate::teams::{TEAMS, acme};

const PEOPLE: [&str; 2] = ["member@example.com", "eve@example.com"];
/// A race that is lost one time in two is seen.
const ROUNDS: usize = 6;

on_every_engine! {
    d9_of_two_owners_taken_out_of_teams_at_once_one_stays,
    nobody_is_in_a_team_that_is_deleted_meanwhile,
    many_who_put_people_in_at_once_put_in_all_of_them,
    x11_gates_hear_at_once_who_is_put_in_and_taken_out,
}

/// Sends requests at once, to one replica and the other; in the order of the requests.
async fn at_once(
    acme: &Arc<Acme>,
    requests: Vec<(&'static str, String, Value)>,
) -> Vec<StatusCode> {
    let mut tasks = JoinSet::new();
    for (n, (method, path, body)) in requests.into_iter().enumerate() {
        let acme = acme.clone();
        tasks.spawn(async move {
            let answer = acme.ask_as(&acme.admin, method, &path, body).await;
            (n, answer.status)
        });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_unstable();
    answers.into_iter().map(|(_, status)| status).collect()
}

async fn d9_of_two_owners_taken_out_of_teams_at_once_one_stays(database: Option<String>) {
    let acme = Arc::new(acme("teams-two-owners", database).await);
    for (team, person) in [("one", PEOPLE[0]), ("two", PEOPLE[1])] {
        let id = acme.team(team).await;
        let at = ("organization", &acme.organization);
        acme.let_team(&id, "ORGANIZATION_OWNER", at).await;
        acme.put_in(&acme.owner, team, &[person]).await.expect(200);
    }
    let owner = acme.person("owner@example.com").await;
    let gone = format!("{ACME}/users/{}", owner.as_str().unwrap());
    acme.ask_as(&acme.admin, "DELETE", &gone, Value::Null)
        .await
        .expect(200);
    for round in 0..ROUNDS {
        let member = |team: &str, person: &str| {
            (
                "DELETE",
                format!("{TEAMS}/{team}/members/{person}"),
                Value::Null,
            )
        };
        let requests = vec![member("one", PEOPLE[0]), member("two", PEOPLE[1])];
        let mut answers = at_once(&acme, requests).await;
        answers.sort_unstable();
        assert_eq!(
            answers,
            [StatusCode::OK, StatusCode::CONFLICT],
            "round {round}"
        );
        for (team, person) in [("one", PEOPLE[0]), ("two", PEOPLE[1])] {
            acme.put_in(&acme.admin, team, &[person]).await.expect(200);
        }
    }
    // And one team deleted beside the other's last.
    let requests = vec![
        ("DELETE", format!("{TEAMS}/one"), Value::Null),
        (
            "DELETE",
            format!("{TEAMS}/two/members/{}", PEOPLE[1]),
            Value::Null,
        ),
    ];
    let mut answers = at_once(&acme, requests).await;
    answers.sort_unstable();
    assert_eq!(answers, [StatusCode::OK, StatusCode::CONFLICT]);
}

async fn nobody_is_in_a_team_that_is_deleted_meanwhile(database: Option<String>) {
    let acme = Arc::new(acme("teams-deleted", database).await);
    for _ in 0..ROUNDS {
        let id = acme.team("short").await;
        let at = ("workspace", &acme.workspace);
        acme.let_team(&id, "WORKSPACE_OWNER", at).await;
        let path = format!("{TEAMS}/{}", id.as_str().unwrap());
        let requests = vec![
            ("POST", format!("{path}/members"), json!({"users": PEOPLE})),
            ("DELETE", path.clone(), Value::Null),
        ];
        let answers = at_once(&acme, requests).await;
        assert_eq!(answers[1], StatusCode::OK);
        assert!(answers[0] == StatusCode::OK || answers[0] == StatusCode::NOT_FOUND);
        let access = format!("{ACME}/access?subject={}", PEOPLE[1]);
        let left = acme
            .ask("GET", &access, Value::Null)
            .await
            .expect(200)
            .text();
        assert!(!left.contains("WORKSPACE_OWNER"), "{left}");
    }
}

async fn many_who_put_people_in_at_once_put_in_all_of_them(database: Option<String>) {
    let acme = Arc::new(acme("teams-many", database).await);
    acme.team("crowd").await;
    let people: Vec<String> = (0..8).map(|n| format!("p{n}@example.com")).collect();
    for email in &people {
        let body = json!({"email": email, "role": "ORGANIZATION_MEMBER"});
        let added = acme.ask("POST", &format!("{ACME}/users"), body).await;
        added.expect(201);
    }
    let path = format!("{TEAMS}/crowd/members");
    let pairs = people.windows(2);
    let requests = pairs.map(|pair| ("POST", path.clone(), json!({ "users": pair })));
    let answers = at_once(&acme, requests.collect()).await;
    assert!(
        answers.iter().all(|status| *status == StatusCode::OK),
        "{answers:?}"
    );
    assert_eq!(acme.members("crowd").await, people);
}

async fn x11_gates_hear_at_once_who_is_put_in_and_taken_out(database: Option<String>) {
    let f = Fixture::configured("teams-gates", |config| {
        config.publishing = Publishing {
            at_once: Duration::ZERO,
            rest: (Duration::ZERO, Duration::ZERO),
            ..Publishing::default()
        };
        if let Some(database) = &database {
            config.database.clone_from(database);
        }
    });
    let acme = Acme::of(f.await).await;
    let (f, eve) = (&acme.f, acme.person(PEOPLE[1]).await);
    let eve = Subject::User(eve.as_str().unwrap().parse().unwrap());
    let id = acme.team("ops").await;
    let at = ("workspace", &acme.workspace);
    acme.let_team(&id, "WORKSPACE_OWNER", at).await;
    let mut reader = Reader::new(f, &acme.admin).await;
    let status =
        json!({"replica": "r1", "epoch": 1, "seq": 0, "version": "1.0.0", "reader": READER});
    let assertion = f.assertion(&reader.gate);
    let said = f.call("POST", "/v1/planes/self/status", &assertion, Some(status));
    said.await.expect(204);
    f.work();
    let teams = |snapshot: &Snapshot| {
        let world = World::from_snapshot(snapshot);
        world.person(eve).map(|person| person.teams.len())
    };
    reader.until(f, |snapshot| teams(snapshot) == Some(0)).await;
    // What is still on its way.
    loop {
        let answer = reader.poll(f, 1).await;
        if reader.take(f, answer).await.is_none() {
            break;
        }
    }
    for is_in in [true, false, true] {
        let answer = if is_in {
            acme.put_in(&acme.owner, "ops", &[PEOPLE[1]]).await
        } else {
            acme.take_out(&acme.owner, "ops", PEOPLE[1]).await
        };
        let seq = answer.expect(200).json()["seq"].as_u64().unwrap();
        let told = reader
            .until(f, |snapshot| teams(snapshot) == Some(usize::from(is_in)))
            .await;
        assert!(told.position().seq >= seq);
        assert!(!told.sections().changes.is_empty(), "told of her alone");
    }
    // Who was in a team that is gone has lost it at once, too.
    acme.ask("DELETE", &format!("{TEAMS}/ops"), Value::Null)
        .await
        .expect(200);
    reader.until(f, |snapshot| teams(snapshot) == Some(0)).await;
}
