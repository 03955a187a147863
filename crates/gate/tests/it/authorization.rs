//! `/v1/authorization`: an nginx that was configured for the original.

use aeolus_gate::codec::Dialect;
use aeolus_keys::claims::PARENT_COOKIE;

use crate::fleet::*;

/// A check as such an nginx sends it about a request whose path it got as `raw` and folded to
/// `folded`.
async fn ask(fleet: &Fleet, method: &str, (raw_path, folded): (&str, &str), more: &str) -> Answer {
    let request = format!(
        "GET /v1/authorization?rd=x HTTP/1.1\r\nHost: gate\r\nX-Original-Method: {method}\r\n\
         X-Original-URL: https://etl.test{folded}\r\nX-Auth-Request-Redirect: {raw_path}\r\n\
         {more}Connection: close\r\n\r\n"
    );
    raw(&fleet.checks, request.as_bytes()).await
}

const DAGS: (&str, &str) = ("/api/v2/dags?limit=1", "/api/v2/dags");

#[tokio::test]
async fn i2_an_allowance_names_the_person_as_the_original_does() {
    let fleet = Fleet::start().await;
    let key = format!(
        "Authorization: {}\r\nusername: mallory\r\n",
        fleet.api_token()
    );
    let answer = ask(&fleet, "GET", DAGS, &key).await;
    assert_eq!(answer.status, 200, "G3, a key without a scheme: {answer:?}");
    assert_eq!(answer.header("username"), Some(&*BOT.to_string()));
    assert_eq!(answer.header("email"), Some(""));
    let claims = airflow_claims(answer.header("authorization").unwrap());
    assert_eq!(claims["sub"], BOT.to_string());
    let public = ask(&fleet, "GET", ("/static/a.js", "/static/a.js"), &key).await;
    for name in ["authorization", "username", "email"] {
        assert_eq!(public.header(name), Some(""), "{name}");
    }
}

#[tokio::test]
async fn i4_nobody_is_answered_401_and_the_forbidden_403() {
    let fleet = Fleet::start().await;
    let nobody = ask(&fleet, "GET", DAGS, "").await;
    assert_eq!(
        (nobody.status, nobody.header("x-auth-location")),
        (401, None)
    );
    let page = ask(&fleet, "GET", ("/dags", "/dags"), "Accept: text/html\r\n").await;
    assert_eq!(page.status, 401);
    assert!(page.header("x-auth-location").is_some());
    let task = ask(&fleet, "GET", ("/execution/x", "/execution/x"), "").await;
    assert_eq!(task.status, 403);
}

#[tokio::test]
async fn both_paths_of_a_check_have_to_say_the_same() {
    let fleet = Fleet::start().await;
    let key = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    for same in [
        ("/api/v2/dags", "/api/v2/dags"),
        ("/api/v2/dags?x=%2F", "/api/v2/dags?x=%2F"),
        ("/api%2Fv2/dags?x", "/api/v2/dags"),
        ("/api/v2/variables/a%2Fb%20c", "/api/v2/variables/a/b c"),
        ("/api/v2/dags/a%C3%A9", "/api/v2/dags/a\u{e9}"),
        ("/api//v2/dags", "/api/v2/dags"),
        ("/api/v2/dags?limit=1", "/_external-auth-Lw"),
    ] {
        assert_eq!(ask(&fleet, "GET", same, &key).await.status, 200, "{same:?}");
    }
    for other in [
        // What a client could send where the proxy lets it, each way round.
        ("/static/a.js", "/api/v2/dags"),
        ("/api/v2/dags", "/static/a.js"),
        ("/static/../api/v2/dags", "/api/v2/dags"),
        ("/static/%2e%2e/api/v2/dags", "/api/v2/dags"),
        ("https://etl.test/static/a.js", "/api/v2/dags"),
        ("", "/api/v2/dags"),
    ] {
        let answer = ask(&fleet, "GET", other, "").await;
        assert_eq!(answer.status, 403, "{other:?}");
    }
    let twice = "X-Auth-Request-Redirect: /static/a.js\r\n";
    assert_eq!(ask(&fleet, "GET", DAGS, twice).await.status, 403);
    let missing = "GET /v1/authorization HTTP/1.1\r\nHost: gate\r\nX-Original-Method: GET\r\n\
                   X-Original-URL: https://etl.test/static/a.js\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(&fleet.checks, missing.as_bytes()).await.status, 403);
}

#[tokio::test]
async fn m3_a_deployment_that_the_proxy_names_must_be_the_hosts() {
    let fleet = Fleet::start().await;
    let key = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    for (pin, status) in [
        (ETL.to_string(), 200),
        (BI.to_string(), 403),
        ("x".into(), 403),
    ] {
        let more = format!("{key}X-Auth-Deployment: {pin}\r\n");
        assert_eq!(
            ask(&fleet, "GET", DAGS, &more).await.status,
            status,
            "{pin}"
        );
    }
}

#[tokio::test]
async fn i13_the_parent_domains_cookie_counts_here_and_nowhere_else() {
    let fleet = Fleet::start().await;
    let token = fleet.access_for(PARENT_COOKIE, ANN);
    let cookie = format!("Cookie: parent={token}\r\n");
    let answer = ask(&fleet, "GET", DAGS, &cookie).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("username"), Some(&*ANN.to_string()));
    // A write of another site's page.
    assert_eq!(ask(&fleet, "POST", DAGS, &cookie).await.status, 403);
    let own = format!("{cookie}Sec-Fetch-Site: same-origin\r\n");
    assert_eq!(ask(&fleet, "POST", DAGS, &own).await.status, 200);
    // As a bearer token, under another name, twice, or asked for in another way.
    let bearer = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(ask(&fleet, "GET", DAGS, &bearer).await.status, 401);
    let renamed = format!("Cookie: other={token}\r\n");
    assert_eq!(ask(&fleet, "GET", DAGS, &renamed).await.status, 401);
    let twins = format!("Cookie: parent={token}; parent={token}\r\n");
    assert_eq!(ask(&fleet, "GET", DAGS, &twins).await.status, 403);
    let nginx = fleet
        .check("GET https://etl.test/api/v2/dags", &cookie)
        .await;
    assert_eq!(nginx.status, 401);
    let proxied = fleet.ask("GET /api/v2/dags", &cookie).await;
    assert_eq!(proxied.status, 401);
    // A deployment's own access token is no such cookie.
    let access = format!("Cookie: parent={}\r\n", fleet.access_token(ANN));
    assert_eq!(ask(&fleet, "GET", DAGS, &access).await.status, 401);
    // Signed out.
    fleet.fake.ended.lock().unwrap().insert(SESSION);
    assert_eq!(ask(&fleet, "GET", DAGS, &cookie).await.status, 401);
}

#[test]
fn the_original_way_is_not_asked_at_a_dialects_path() {
    assert_eq!(Dialect::of("authorization"), None);
}
