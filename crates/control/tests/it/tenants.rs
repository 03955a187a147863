//! T36: what belongs to one organization is, for everybody in another, what doesn't exist: at every route
//! and method, by name and by id, for people and for programs.

use aeolus_control::ROUTES;
use serde_json::{Value, json};

use crate::coverage::World;

const NOWHERE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// An owner of another organization, and a token that may do everything there.
async fn strangers(w: &World) -> [String; 2] {
    let person = w.f.globex(&w.admin).await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 30});
    let path = "/v1/organizations/globex/tokens";
    let made =
        w.f.call("POST", path, &person, Some(body))
            .await
            .expect(201);
    let program = made.json()["token"].as_str().unwrap().to_owned();
    [person, program]
}

/// An answer without what is another one each time.
async fn answer(
    w: &World,
    (method, path): (&str, &str),
    bearer: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let answer = w.f.call(&method.to_uppercase(), path, bearer, body).await;
    let mut said: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if let Some(members) = said.as_object_mut() {
        members.remove("requestId");
    }
    (answer.status.as_u16(), said)
}

#[tokio::test]
async fn t36_what_belongs_to_another_organization_does_not_exist() {
    let w = World::new("t36").await;
    let acme = w.organization_id().await;
    let mut asked = 0;
    for bearer in strangers(&w).await {
        for (method, route) in ROUTES.iter().filter(|(_, route)| route.contains("{o}")) {
            let body = w.body(method, route);
            let real = |organization: &str| w.path_in(route, organization);
            let unknown = answer(&w, (method, &real("nowhere")), &bearer, body.clone()).await;
            // Or 403 where it is not for programs in any organization.
            let nowhere = matches!(unknown.0, 403 | 404);
            assert!(nowhere, "{method} {route}: {unknown:?}");
            for organization in ["acme", acme.as_str()] {
                let theirs = answer(&w, (method, &real(organization)), &bearer, body.clone()).await;
                assert_eq!(theirs, unknown, "{method} {route} of {organization}");
                asked += 1;
            }
            if !route.contains("{id}") {
                continue;
            }
            // Their things, asked for in one's own organization.
            let made_up = route.replace("{o}", "globex").replace("{id}", NOWHERE);
            let unknown = answer(&w, (method, &made_up), &bearer, body.clone()).await;
            let theirs = answer(&w, (method, &real("globex")), &bearer, body).await;
            assert_eq!(theirs, unknown, "{method} {route} in globex");
            assert!(
                (400..500).contains(&theirs.0),
                "{method} {route}: {theirs:?}"
            );
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked}");
}
