//! Changes of what somebody has read.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};

const TOKENS: &str = "/v1/organizations/acme/tokens";

impl Fixture {
    async fn change(&self, method: &str, path: &str, tag: &str, body: &Value) -> Answer {
        let headers = [("if-match", tag)];
        let body = Some(body.clone()).filter(|body| !body.is_null());
        let admin = self.admin().await;
        self.call_with((method, path), &admin, &headers, body).await
    }

    async fn tag(&self, path: &str) -> String {
        let admin = self.admin().await;
        let shown = self.call("GET", path, &admin, None).await.expect(200);
        shown.header("etag").to_owned()
    }
}

/// Each change is refused with the tag of what was there before, and goes through with the new one.
async fn each_needs_what_was_read(f: &Fixture, path: &str, changes: &[(&str, String, Value)]) {
    let mut stale = "\"x\"".to_owned();
    for (method, at, body) in changes {
        let now = f.tag(path).await;
        assert_ne!(
            now, stale,
            "{method} {at}: the tag is the same after a change"
        );
        let refused = f.change(method, at, &stale, body).await.expect(412);
        assert_eq!(refused.json()["code"], "changed-since-read");
        assert_eq!(
            f.tag(path).await,
            now,
            "{method} {at}: a refusal changed it"
        );
        f.change(method, at, &now, body).await.expect(200);
        stale = now;
    }
}

#[tokio::test]
async fn nobody_undoes_a_change_of_a_role_that_they_have_not_seen() {
    let f = Fixture::new("seen-roles").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let roles = "/v1/organizations/acme/roles";
    let role = |permissions: &[&str]| json!({"name": "on-call", "scope": "WORKSPACE", "permissions": permissions});
    let first = role(&["workspace.config.get"]);
    f.call("POST", roles, &admin, Some(first)).await.expect(201);
    let path = format!("{roles}/on-call");
    let changed = role(&["workspace.config.get", "workspace.users.get"]);
    let changes = [
        ("PUT", path.clone(), changed),
        ("DELETE", path.clone(), Value::Null),
    ];
    each_needs_what_was_read(&f, &path, &changes).await;
}

#[tokio::test]
async fn nobody_undoes_a_change_of_a_token_that_they_have_not_seen() {
    let f = Fixture::new("seen-tokens").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_MEMBER"});
    let made = f.call("POST", TOKENS, &admin, Some(body)).await.expect(201);
    let made = made.json();
    let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
    // Its use is no change.
    let before = f.tag(&path).await;
    let value = made["token"].as_str().unwrap();
    f.call("GET", "/v1/me", value, None).await.expect(200);
    assert_eq!(f.tag(&path).await, before);
    let role = json!({"entityType": "ORGANIZATION", "entityId": made["organizationId"],
        "role": "ORGANIZATION_BILLING_ADMIN"});
    let at = |rest: &str| format!("{path}{rest}");
    let changes = [
        ("POST", at(""), json!({"name": "another"})),
        ("POST", at("/roles"), json!({"roles": [role]})),
        ("POST", at("/rotate"), json!({"grace": "1h"})),
        ("DELETE", at(""), Value::Null),
    ];
    each_needs_what_was_read(&f, &path, &changes).await;
}

#[tokio::test]
async fn nobody_undoes_a_change_of_a_rollout_that_they_have_not_seen() {
    let f = Fixture::new("seen-rollouts").await;
    let path = "/v1/rollouts/r";
    let settings = |percent| json!({"name": "r", "path": "plane", "percent": percent});
    // There is nothing that could have been read.
    f.change("PUT", path, "*", &settings(5)).await.expect(412);
    let admin = f.admin().await;
    f.call("PUT", path, &admin, Some(settings(5)))
        .await
        .expect(200);
    let changes = [
        ("PUT", path.to_owned(), settings(10)),
        ("POST", format!("{path}/promote"), Value::Null),
        ("POST", format!("{path}/abort"), Value::Null),
        ("DELETE", path.to_owned(), Value::Null),
    ];
    each_needs_what_was_read(&f, path, &changes).await;
}
