//! Who leaves by a provider's word: what ends everywhere, what goes on, and that nobody stays in a group who is gone.

use aeolus_model::{Action, Change, Role, UserId};
use aeolus_store::Unit as _;
use http::StatusCode;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture};
use crate::scim_client::{Client, fixture, user};
use crate::scim_groups::{id, pushed};
use crate::scim_guards::grant;
use crate::scim_writers::futures_join;

on_every_engine! {
    a12_tokens_of_who_is_inactive_are_treated_as_those_of_who_is_disabled,
    scim_who_is_deleted_has_nothing_left_where_a_template_put_them,
    scim_nobody_is_in_a_group_who_was_deleted_while_they_were_put_in,
}

const MEMBER: &str = "member@example.com";

/// A connection that may take over accounts, and whose templates reach into another organization.
async fn client(f: &Fixture) -> Client<'_> {
    let config = json!({
        "clientId": "aeolus",
        "discoveryUrl": "https://okta.test",
        "trustedDomains": ["example.com", "corp.test"],
        "scim": {
            "organization": "acme",
            "matchExisting": true,
            "teamTemplates": [
                {"match": "globex-owners", "role": "ORGANIZATION_OWNER", "organization": "globex"},
            ],
        },
    });
    Client::with(f, "okta", "okta", config).await
}

async fn adopted(idp: &Client<'_>, email: &str) -> String {
    let mut body = user("x");
    body["userName"] = json!(email);
    body["externalId"] = json!(email);
    body["emails"][0]["value"] = json!(email);
    let made = idp.post("/Users", body).await.expect(201).json();
    format!("/Users/{}", made["id"].as_str().unwrap())
}

/// Somebody makes an API token in an organization: its id and its value.
async fn token(f: &Fixture, email: &str, organization: &str, body: &Value) -> (String, String) {
    let bearer = f.token_of(email).await;
    let path = format!("/v1/organizations/{organization}/tokens");
    let made = f.call("POST", &path, &bearer, Some(body.clone())).await;
    let made = made.expect(201).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

async fn a12_tokens_of_who_is_inactive_are_treated_as_those_of_who_is_disabled(
    database: Option<String>,
) {
    let f = fixture("scim a12", database).await;
    let admin = f.admin().await;
    let idp = client(&f).await;
    let workspace = f.first(&admin, "workspaces").await;
    let body = json!({"name": "ci", "role": "WORKSPACE_MEMBER", "scope": "WORKSPACE",
        "entityId": workspace, "tokenExpiryPeriodInDays": 30});
    let (kept, value) = token(&f, MEMBER, "acme", &body).await;
    let path = adopted(&idp, MEMBER).await;
    let active = |active: bool| json!([{"op": "replace", "path": "active", "value": active}]);
    idp.patch(&path, active(false)).await.expect(200);
    // It is the organization's: it goes on, and the log names it.
    f.call("GET", "/v1/me", &value, None).await.expect(200);
    idp.patch(&path, active(true)).await.expect(200);
    let disable = format!("/v1/users/{MEMBER}/disable");
    let done = f.call("POST", &disable, &admin, None).await.expect(200);
    assert_eq!(done.json()["tokens"], json!([kept]));
    let lines = f.audited(Action::UserDisable).await;
    let told = |line: usize| {
        let changes = lines[line].changes.iter();
        changes
            .filter(|change| change.field != "sessions")
            .collect::<Vec<&Change>>()
    };
    assert_eq!(lines.len(), 2);
    assert_eq!(told(0), told(1), "whoever says it");
    assert!(told(0).contains(&&Change::to("keptToken", kept.clone())));
    // With the person, it goes from the organization of the connection.
    let enable = format!("/v1/users/{MEMBER}/enable");
    f.call("POST", &enable, &admin, None).await.expect(200);
    idp.delete(&path).await.expect(204);
    f.call("GET", "/v1/me", &value, None).await.expect(401);
    let lines = f.audited(Action::TokenDelete).await;
    assert_eq!((lines.len(), lines[0].target.clone()), (1, kept));
}

async fn scim_who_is_deleted_has_nothing_left_where_a_template_put_them(database: Option<String>) {
    let f = fixture("scim elsewhere", database).await;
    let admin = f.admin().await;
    let gus = f.globex(&admin).await;
    let idp = client(&f).await;
    let path = adopted(&idp, MEMBER).await;
    let member: UserId = id(&path).parse().unwrap();
    let group = pushed(&idp, "globex-owners", &[id(&path)]).await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER"});
    let (token_id, value) = token(&f, MEMBER, "globex", &body).await;
    // And what they were given there beside.
    grant(&f, member, Role::OrganizationMember, Some("globex")).await;
    f.call("GET", "/v1/me", &value, None).await.expect(200);
    idp.delete(&path).await.expect(204);
    f.call("GET", "/v1/me", &value, None).await.expect(401);
    let people = "/v1/organizations/globex/users?limit=200";
    let people = f.call("GET", people, &gus, None).await.expect(200).text();
    assert!(
        people.contains("gus@") && !people.contains(MEMBER),
        "{people}"
    );
    let lines = f.audited(Action::UserOffboard).await;
    assert_eq!(lines.len(), 2, "from either organization: {lines:?}");
    let lines = f.audited(Action::TokenDelete).await;
    assert!(lines.iter().any(|line| line.target == token_id));
    assert_eq!(crate::scim_groups::members(&idp, &group).await, [""; 0]);
    // Of an organization where no group puts them, nothing is taken.
    let again = adopted(&idp, MEMBER).await;
    grant(&f, member, Role::OrganizationMember, Some("globex")).await;
    idp.delete(&again).await.expect(204);
    let people = "/v1/organizations/globex/users?limit=200";
    let people = f.call("GET", people, &gus, None).await.expect(200).text();
    assert!(people.contains(MEMBER), "{people}");
    f.call("GET", "/v1/me", &admin, None).await.expect(200);
}

/// Accounts that go with the user, and ones that others hold as well: those are users no more and stay.
async fn scim_nobody_is_in_a_group_who_was_deleted_while_they_were_put_in(
    database: Option<String>,
) {
    const ROUNDS: usize = 25;
    let f = fixture("scim race", database).await;
    let admin = f.admin().await;
    f.globex(&admin).await;
    let idp = client(&f).await;
    let groups = [
        pushed(&idp, "one", &[]).await,
        pushed(&idp, "two", &[]).await,
        pushed(&idp, "three", &[]).await,
    ];
    for round in 0..ROUNDS {
        let path = idp.make(&format!("race-{round}")).await;
        let other = idp.make(&format!("other-{round}")).await;
        let (who, beside) = (id(&path).to_owned(), id(&other).to_owned());
        if round % 2 == 0 {
            let who = who.parse().unwrap();
            grant(&f, who, Role::OrganizationMember, Some("globex")).await;
        }
        let add = json!([{"op": "add", "path": "members",
            "value": [{"value": who}, {"value": beside}]}]);
        let whole = json!([{"op": "replace", "path": "members", "value": [{"value": who}]}]);
        // They are in one of them from before.
        idp.patch(&groups[0], add.clone()).await.expect(200);
        let done = futures_join(
            vec![
                Deed::Delete(&path),
                Deed::Patch(&groups[1], &add),
                Deed::Patch(&groups[0], &whole),
                Deed::Patch(&groups[2], &add),
                Deed::Delete(&other),
            ]
            .into_iter()
            .map(|deed| deed.done(&idp))
            .collect(),
        )
        .await;
        for (at, answer) in done.iter().enumerate() {
            let status = answer.status.as_u16();
            // Who is gone is nobody who could be put in.
            assert!(
                matches!(status, 200 | 204 | 400),
                "{round} {at}: {}",
                answer.text()
            );
        }
        assert_eq!(done[0].status, StatusCode::NO_CONTENT);
        assert_eq!(done[4].status, StatusCode::NO_CONTENT);
        let store = f.store().await;
        let mut read = store.read().await.unwrap();
        for gone in [&who, &beside] {
            let gone: UserId = gone.parse().unwrap();
            for group in &groups {
                let team = id(group).parse().unwrap();
                let is_in = read.scim_groups().is_member(team, gone).await.unwrap();
                assert!(!is_in, "{round}: {gone} in {group}");
            }
        }
        let stays = read.users().get(who.parse().unwrap()).await.unwrap();
        assert_eq!(stays.is_some(), round % 2 == 0);
    }
}

enum Deed<'d> {
    Delete(&'d str),
    Patch(&'d str, &'d Value),
}

impl Deed<'_> {
    async fn done(self, idp: &Client<'_>) -> Answer {
        match self {
            Self::Delete(path) => idp.delete(path).await,
            Self::Patch(path, operations) => idp.patch(path, operations.clone()).await,
        }
    }
}
