//! Many teams at once: all that is asked for, or nothing.

use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::Answer;
use crate::roles::{Acme, ROLES, role};
use crate::teams::{TEAMS, acme};

on_every_engine! {
    an_import_says_each_difference_and_makes_it,
    an_import_with_anything_wrong_changes_nothing_and_says_all_of_it,
}

impl Acme {
    async fn import(&self, query: &str, rows: Value) -> Answer {
        let path = format!("{TEAMS}:import{query}");
        self.ask("POST", &path, json!({ "rows": rows })).await
    }
}

fn lines(answer: &Answer) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let answer = answer.json();
    let changes = answer["changes"].as_array().unwrap().iter();
    let lines = changes.map(|c| {
        format!(
            "{} {} {}",
            text(&c["kind"]),
            text(&c["path"]),
            text(&c["detail"])
        )
    });
    lines.map(|line| line.trim_end().to_owned()).collect()
}

async fn an_import_says_each_difference_and_makes_it(database: Option<String>) {
    let acme = acme("teams-import", database).await;
    let rows = json!([
        {"team": "ops", "email": "eve@example.com", "role": "WORKSPACE_OPERATOR", "place": "acme/sales"},
        {"team": "ops", "email": "member@example.com", "role": "WORKSPACE_OPERATOR", "place": "acme/sales"},
        {"team": "ops", "role": "DEPLOYMENT_ADMIN", "place": "acme/sales/etl"},
        {"team": "data", "email": "eve@example.com"},
        {"team": "members", "role": "ORGANIZATION_MEMBER"},
        {"team": "empty"},
    ]);
    let expected = [
        "team acme/ops",
        "member acme/ops/eve@example.com",
        "grant acme/ops WORKSPACE_OPERATOR at acme/sales",
        "member acme/ops/member@example.com",
        "grant acme/ops DEPLOYMENT_ADMIN at acme/sales/etl",
        "member acme/data/eve@example.com",
        "team acme/members",
        "grant acme/members ORGANIZATION_MEMBER at acme",
        "team acme/empty",
    ];
    let listed = async || {
        let list = acme.ask("GET", TEAMS, Value::Null).await.expect(200).json();
        list["items"].as_array().unwrap().len()
    };
    let dry = acme.import("?dry_run=true", rows.clone()).await.expect(200);
    assert_eq!(lines(&dry), expected);
    assert_eq!((&dry.json()["applied"], listed().await), (&json!(false), 1));
    let done = acme.import("", rows.clone()).await.expect(200);
    assert_eq!(lines(&done), expected);
    assert_eq!((&done.json()["applied"], listed().await), (&json!(true), 4));
    let people = ["eve@example.com", "member@example.com"];
    assert_eq!(acme.members("ops").await, people);
    let again = acme.import("", rows).await.expect(200).json();
    assert_eq!(
        (&again["changes"], &again["seq"]),
        (&json!([]), &Value::Null)
    );
}

async fn an_import_with_anything_wrong_changes_nothing_and_says_all_of_it(
    database: Option<String>,
) {
    let acme = acme("teams-import-wrong", database).await;
    let rows = json!([
        {"team": "fine", "email": "eve@example.com"},
        {"team": "Not fine"},
        {"team": "ops", "email": "nobody@example.com", "role": "WORKSPACE_OPERATOR", "place": "acme/none"},
        {"team": "ops", "email": "not an address"},
        {"team": "ops", "role": "WORKSPACE_OPERATOR"},
        {"team": "ops", "place": "acme/sales"},
        {"team": "ops", "role": "no-such-role"},
        {"team": "ops", "role": "DEPLOYMENT_VIEWER", "place": "globex/sales/etl"},
        {"team": "01890a5d-ac96-774b-bcce-b302099a8057"},
    ]);
    let refused = acme.import("", rows).await.expect(422).json();
    let errors = refused["errors"].as_array().unwrap().iter();
    let at: Vec<_> = errors.map(|error| error["at"].as_str().unwrap()).collect();
    assert_eq!(
        at,
        [
            "rows[1].team",
            "rows[2].email",
            "rows[2].place",
            "rows[3].email",
            "rows[4].role",
            "rows[5].place",
            "rows[6].role",
            "rows[7].place",
            "rows[8].team",
        ],
        "{refused}"
    );
    let list = acme.ask("GET", TEAMS, Value::Null).await.expect(200).json();
    assert_eq!(
        list["items"].as_array().unwrap().len(),
        1,
        "not even what was fine"
    );
    acme.import("", json!([])).await.expect(422);
    // Roles that the actor may not give, in the middle of what they may do.
    let permissions = ["organization.teams.get", "organization.teams.update"];
    let keeper = role("keeper", "ORGANIZATION", &permissions);
    acme.ask("POST", ROLES, keeper).await.expect(201);
    let at = ("organization", &acme.organization);
    acme.give("eve@example.com", "keeper", at).await;
    let eve = acme.f.token_of("eve@example.com").await;
    let rows = json!({"rows": [{"team": "mine", "email": "eve@example.com"},
        {"team": "mine", "role": "ORGANIZATION_OWNER"}]});
    let path = format!("{TEAMS}:import");
    let refused = acme.ask_as(&eve, "POST", &path, rows).await.expect(403);
    assert!(refused.text().contains("rows[1]"), "{}", refused.text());
    acme.ask("GET", &format!("{TEAMS}/mine"), Value::Null)
        .await
        .expect(404);
}
