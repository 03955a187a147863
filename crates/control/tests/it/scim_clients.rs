//! Client credentials, as Entra's gallery wants them, and where their tokens are good for nothing.

use std::time::Duration;

use aeolus_control::ROUTES;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::coverage::World;
use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture};
use crate::scim_caller::{ask, basic, bearer, fixture};
use crate::scim_credentials::{make, path};

on_every_engine! {
    a_client_gets_tokens_that_end_with_its_credential,
}

async fn client(f: &Fixture, admin: &str) -> Value {
    make(
        f,
        admin,
        "microsoft",
        json!({"name": "gallery", "kind": "client"}),
    )
    .await
}

fn of<'v>(made: &'v Value, key: &str) -> &'v str {
    made[key].as_str().unwrap()
}

async fn token(f: &Fixture, made: &Value, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_id", of(made, "user")),
        ("client_secret", of(made, "secret")),
    ];
    fields.extend(more);
    f.form("/oauth2/token", &fields, &[]).await
}

fn access(answer: &Answer) -> String {
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

async fn a_client_gets_tokens_that_end_with_its_credential(database: Option<String>) {
    let f = fixture("scim-client", database).await;
    let admin = f.admin().await;
    let made = client(&f, &admin).await;
    assert_eq!(made["tokenUrl"], "https://aeolus.example.com/oauth2/token");
    let answer = token(&f, &made, &[("scope", "scim")]).await.expect(200);
    let said = answer.json();
    assert_eq!(
        (&said["token_type"], &said["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );
    assert!(said.get("refresh_token").is_none() && said.get("id_token").is_none());
    let first = bearer(&access(&answer));
    ask(&f, "microsoft", &first).await.expect(200);
    ask(&f, "okta", &first).await.expect(401);
    // The secret itself is for the token endpoint alone.
    let pair = format!("{}:{}", of(&made, "user"), of(&made, "secret"));
    ask(&f, "microsoft", &basic(&pair)).await.expect(401);
    ask(&f, "microsoft", &bearer(of(&made, "secret")))
        .await
        .expect(401);
    // In the header instead of the form.
    let header = basic(&pair);
    let fields = [("grant_type", "client_credentials")];
    let by_header = f
        .form(
            "/oauth2/token",
            &fields,
            &[(AUTHORIZATION.as_str(), &header)],
        )
        .await;
    let second = bearer(&access(&by_header.expect(200)));
    // With an overlap, tokens of the earlier secret go on until it ends.
    let rotate = format!("{}/gallery/rotate", path("microsoft"));
    let rotated = f
        .call("POST", &rotate, &admin, Some(json!({"grace": "10m"})))
        .await;
    let rotated = rotated.expect(200).json();
    ask(&f, "microsoft", &second).await.expect(200);
    f.clock.advance(Duration::from_secs(600));
    ask(&f, "microsoft", &second).await.expect(401);
    let third = token(&f, &rotated, &[]).await.expect(200);
    let third = bearer(&access(&third));
    ask(&f, "microsoft", &third).await.expect(200);
    f.clock.advance(Duration::from_secs(3_599));
    ask(&f, "microsoft", &third).await.expect(200);
    f.clock.advance(Duration::from_secs(1));
    ask(&f, "microsoft", &third).await.expect(401);
    let fourth = token(&f, &rotated, &[]).await.expect(200);
    let fourth = bearer(&access(&fourth));
    let gone = format!("{}/gallery", path("microsoft"));
    let admin = f.admin().await;
    f.call("DELETE", &gone, &admin, None).await.expect(200);
    ask(&f, "microsoft", &fourth).await.expect(401);
    token(&f, &rotated, &[]).await.expect(401);
}

#[tokio::test]
async fn what_is_no_good_client_gets_no_token() {
    let f = fixture("scim-no-client", None).await;
    let admin = f.admin().await;
    let made = client(&f, &admin).await;
    let wrong = json!({"user": made["user"], "secret": "xsc_guess"});
    let refused = token(&f, &wrong, &[]).await.expect(401);
    assert_eq!(refused.json()["error"], "invalid_client");
    let wider = token(&f, &made, &[("scope", "openid")]).await.expect(400);
    assert_eq!(wider.json()["error"], "invalid_scope");
    let pair = basic(&format!("{}:{}", of(&made, "user"), of(&made, "secret")));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_secret", of(&made, "secret")),
    ];
    let both = f
        .form("/oauth2/token", &fields, &[(AUTHORIZATION.as_str(), &pair)])
        .await;
    both.expect(400);
    // A credential of another kind is no client.
    let bearer = make(&f, &admin, "okta", json!({"name": "b"})).await;
    token(&f, &bearer, &[]).await.expect(401);
    let metadata = f
        .get("/.well-known/oauth-authorization-server")
        .await
        .json();
    let lists = |key: &str, value: &str| {
        let list = metadata[key].as_array().unwrap();
        assert!(list.contains(&json!(value)), "{key}: {list:?}");
    };
    lists("grant_types_supported", "client_credentials");
    lists(
        "token_endpoint_auth_methods_supported",
        "client_secret_basic",
    );
    lists(
        "token_endpoint_auth_methods_supported",
        "client_secret_post",
    );
    lists("scopes_supported", "scim");
    for _ in 0..60 {
        token(&f, &wrong, &[]).await;
    }
    for _ in 0..60 {
        token(&f, &wrong, &[]).await;
    }
    token(&f, &wrong, &[]).await.expect(429);
    token(&f, &made, &[]).await.expect(200);
}

/// Nothing else takes what a provisioning client has: no route of the API, no other grant, no introspection.
#[tokio::test]
async fn a_token_for_provisioning_is_refused_everywhere_else() {
    let world = World::new("scim-confusion").await;
    let (f, admin) = (&world.f, &world.admin);
    let mut fleet = crate::fixture::fleet();
    fleet["fleet"]["connections"] = json!([{"name": "idp", "type": "custom", "scim": {}}]);
    f.call("POST", "/v1/apply", admin, Some(fleet))
        .await
        .expect(200);
    let made = make(
        f,
        admin,
        "idp",
        json!({"name": "gallery", "kind": "client"}),
    )
    .await;
    let static_one = make(f, admin, "idp", json!({"name": "entra"})).await;
    let access = access(&token(f, &made, &[]).await.expect(200));
    let mut asked = 0;
    for shown in [access.as_str(), of(&static_one, "secret")] {
        for (method, route) in ROUTES {
            if !route.starts_with("/v1/") || route.starts_with("/v1/scim/v2/") {
                continue;
            }
            let path = world.path_in(route, "acme");
            let body = world.body(method, route);
            let verb = method.to_uppercase();
            let with = f
                .call(&verb, &path, shown, body.clone())
                .await
                .status
                .as_u16();
            let without = f.call(&verb, &path, "", body).await.status.as_u16();
            assert_eq!(with, without, "{method} {path}");
            asked += 1;
        }
        f.call("GET", "/oauth2/userinfo", shown, None)
            .await
            .expect(401);
        let introspected = [("token", shown)];
        let by_admin = bearer(admin);
        let by = [(AUTHORIZATION.as_str(), by_admin.as_str())];
        let said = f.form("/oauth2/introspect", &introspected, &by).await;
        assert_eq!(said.expect(200).json(), json!({"active": false}));
        for grant in [
            vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", shown),
                ("client_id", "aeolus-cli"),
            ],
            vec![
                (
                    "grant_type",
                    "urn:ietf:params:oauth:grant-type:token-exchange",
                ),
                ("subject_token", shown),
                (
                    "subject_token_type",
                    "urn:ietf:params:oauth:token-type:access_token",
                ),
                ("client_id", "aeolus-cli"),
                (
                    "resource",
                    "urn:aeolus:deployment:01890a5d-ac96-774b-bcce-b302099a8057",
                ),
            ],
        ] {
            f.form("/oauth2/token", &grant, &[]).await.expect(400);
        }
    }
    assert!(asked > 100, "{asked}");
}
