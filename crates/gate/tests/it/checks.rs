//! The check listener: nginx's dialect, and what only Airflow and operators ask.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aeolus_keys::{JwkSet, Kind, jws};
use aeolus_model::Clock as _;

use crate::fleet::*;

const DAGS: &str = "GET https://etl.test/api/v2/dags";

#[tokio::test]
async fn an_api_token_becomes_an_airflow_token_that_the_published_keys_verify() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let answer = fleet.check(DAGS, &bearer).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-aeolus-user"), Some(&*BOT.to_string()));
    assert_eq!(answer.header("x-aeolus-email"), Some(""));
    assert_eq!(
        answer.header("x-aeolus-deployment"),
        Some(&*ETL.to_string())
    );
    let head = answer.text.split("\r\n\r\n").next().unwrap();
    assert!(head.len() < 3_584, "{} bytes", head.len());

    let keys = format!(
        "GET /deployments/{ETL}/jwks.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    let keys = raw(&fleet.checks, keys.as_bytes()).await;
    let keys = JwkSet::parse(keys.body().as_bytes())
        .unwrap()
        .own_keys()
        .unwrap();
    let token = answer.header("authorization").unwrap();
    let token = token.strip_prefix("Bearer ").unwrap();
    let verified = jws::parse(token.as_bytes())
        .unwrap()
        .verify(Kind::Airflow3, &keys[0]);
    let claims: aeolus_keys::claims::Airflow3 = verified.unwrap().claims().unwrap();
    assert_eq!(claims.iss, format!("urn:aeolus:plane:{PLANE}"));
    assert_eq!(claims.aud, format!("urn:aeolus:deployment:{ETL}"));
    assert_eq!(claims.sub, BOT.to_string());
    assert_eq!(claims.role, Some(aeolus_model::AirflowRole::Op));
}

#[tokio::test]
async fn identity_headers_are_all_set_on_every_allowance() {
    let fleet = Fleet::start().await;
    let public = fleet
        .check(
            "GET https://etl.test/static/app.js",
            "Authorization: Bearer mallory\r\nX-Aeolus-User: mallory\r\n",
        )
        .await;
    assert_eq!(public.status, 200);
    for name in ["authorization", "x-aeolus-user", "x-aeolus-email"] {
        assert_eq!(public.header(name), Some(""), "{name}");
    }
    // Airflow's own task tokens go on untouched, from where the deployment says.
    let task = "Authorization: Bearer task\r\nX-Forwarded-For: 192.0.2.9\r\n";
    let task = fleet.check("POST https://etl.test/execution/x", task).await;
    assert_eq!(task.status, 200, "{task:?}");
    assert_eq!(task.header("authorization"), Some("Bearer task"));
    assert_eq!(task.header("x-aeolus-user"), Some(""));
}

#[tokio::test]
async fn refusals_carry_no_credential_and_look_alike() {
    let fleet = Fleet::start().await;
    let good = fleet.api_token();
    fleet.publish(|s| s.revocations.get_mut(&ORG).unwrap().status[0] = 1 << 5);
    let revoked = fleet
        .check(DAGS, &format!("Authorization: Bearer {good}\r\n"))
        .await;
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let forged = fleet
        .check(DAGS, &format!("Authorization: Bearer {forged}\r\n"))
        .await;
    for answer in [&revoked, &forged] {
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer error=\"invalid_token\"")
        );
        assert_eq!(answer.header("authorization"), None);
        assert_eq!(answer.header("x-auth-location"), None);
        assert_eq!(answer.body(), "");
    }
    let refused = fleet.fake.refused.lock().unwrap();
    let reasons: Vec<_> = refused.iter().map(|r| r.reason).collect();
    assert_eq!(reasons, ["token_revoked", "token_signature"]);
    assert_eq!(refused[0].source, "198.51.100.7");
}

/// What a provider provisions with is control's alone (note 034): to a gate it is what anybody made up.
#[tokio::test]
async fn scim_a_credential_for_provisioning_is_nothing_here() {
    let fleet = Fleet::start().await;
    let secret = "kL4tq9Zr2mX7vB1nC8sD5fG0hJ3wE6yU";
    // A secret, an access token, and what Okta sends, each beside one that nobody has.
    for (shown, made_up) in [
        (format!("Bearer xsc_{secret}"), "Bearer mallory".to_owned()),
        (
            format!("Bearer xsa_01890a5d-ac96-774b-bcce-b302099a8057.1800000000.{secret}"),
            "Bearer mallory".to_owned(),
        ),
        (
            "Basic b2t0YTpjb3JyZWN0IGhvcnNl".to_owned(),
            "Basic bWFsbG9yeTptYWxsb3J5".to_owned(),
        ),
    ] {
        for asked in [
            DAGS,
            "POST https://etl.test/api/v2/dags",
            "GET https://etl.test/",
        ] {
            let with = |credential: &str| format!("Authorization: {credential}\r\n");
            let answer = fleet.check(asked, &with(&shown)).await;
            let other = fleet.check(asked, &with(&made_up)).await;
            assert_eq!(answer.status, 401, "{asked} {shown}: {answer:?}");
            assert_eq!(answer.status, other.status);
            assert_eq!(answer.body(), other.body());
            for name in ["www-authenticate", "x-auth-location", "authorization"] {
                assert_eq!(answer.header(name), other.header(name), "{name}");
            }
            assert_eq!(answer.header("x-aeolus-user"), None);
        }
    }
    let refused = fleet.fake.refused.lock().unwrap();
    for pair in refused.chunks(2) {
        assert_eq!(pair[0].reason, pair[1].reason);
    }
}

#[tokio::test]
async fn t44_a_remembered_token_is_asked_for_its_life_on_every_use() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 200);
    fleet.publish(|s| s.revocations.get_mut(&ORG).unwrap().status[0] = 1 << 5);
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 401);
    fleet.publish(|s| s.revocations.get_mut(&ORG).unwrap().status[0] = 0);
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 200);
    fleet.fake.clock.advance(Duration::from_secs(3_600 + 60));
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 401);
}

#[tokio::test]
async fn a_changed_role_is_another_airflow_token_at_once() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.access_token(EVE));
    let role =
        |answer: &Answer| airflow_claims(answer.header("authorization").unwrap())["role"].clone();
    let before = fleet.check(DAGS, &bearer).await;
    assert_eq!(role(&before), "viewer");
    let again = fleet.check(DAGS, &bearer).await;
    assert_eq!(
        before.header("authorization"),
        again.header("authorization")
    );
    let more = aeolus_model::Role::DeploymentAdmin.shipped().to_bytes();
    fleet.publish(|s| s.grants.grants[1].permissions = more.to_vec());
    assert_eq!(role(&fleet.check(DAGS, &bearer).await), "admin");
}

#[tokio::test]
async fn a_browser_gets_the_way_to_sign_in_and_a_program_does_not() {
    let fleet = Fleet::start().await;
    let page = fleet
        .check("GET https://etl.test/dags?x=1", "Accept: text/html\r\n")
        .await;
    assert_eq!(page.status, 401);
    assert_eq!(
        page.header("x-auth-location"),
        Some("/.aeolus/sign-in?next=/dags%3Fx%3D1")
    );
    let script = fleet
        .check(
            "GET https://etl.test/ui/dags",
            "Accept: application/json\r\n",
        )
        .await;
    assert_eq!(
        (script.status, script.header("x-auth-location")),
        (401, None)
    );
    assert_eq!(script.header("www-authenticate"), Some("Bearer"));
    let login = fleet
        .check("GET https://etl.test/api/v2/auth/login?next=/x", "")
        .await;
    assert_eq!(
        login.header("x-auth-location"),
        Some("/.aeolus/sign-in?next=/x")
    );
}

/// Rows of the attack table that reach a check: id, question, further headers (`$B` is a good
/// bearer line, `$C` a good cookie), the answer's status.
const ATTACKS: &[(&str, &str, &str, u16)] = &[
    (
        "1",
        "GET https://etl.test/api/v2/dags",
        "X-Forwarded-Uri: /static/x\r\n",
        401,
    ),
    ("2", "GET https://etl.test/api/v2/dags?x=/static/x", "", 401),
    (
        "4",
        "GET https://etl.test/",
        "User-Agent: GoogleHC/1.0\r\n",
        401,
    ),
    (
        "8",
        "GET https://etl.test/api/v2/dags",
        "X_Forwarded_Uri: /static/x\r\n",
        401,
    ),
    (
        "9",
        "GET https://etl.test/api/v2/dags",
        "X-Forwarded-Prefix: /static\r\n",
        401,
    ),
    ("14", "GET https://etl.test/static/../dags", "$B", 403),
    ("14b", "GET https://etl.test/static/%2e%2e/dags", "$B", 403),
    ("18", "GET https://ETL.TEST./api/v2/dags", "$B", 200),
    ("21", "GET https://etl.test/%zz", "$B", 403),
    (
        "22",
        "GET https://etl.test/dags",
        "Cookie: __Host-aeolus=%00%ff\r\n",
        401,
    ),
    ("29", "GET https://etl.test/execution/x?y=1", "$B", 403),
    ("30", "GET https://etl.test/execution%2fx", "$B", 403),
    ("30b", "GET https://etl.test/execution%2Fx", "$B", 403),
    ("32", "GET https://etl.test//execution/x", "$B", 403),
    ("33", "GET dags", "$B", 403),
    ("34", "GET https://etl.test/dags", "$B$B", 403),
    ("36", "GET https://etl.test/dags#/../static", "$B", 403),
    (
        "37",
        "GET https://etl.test/dags",
        "Authorization: Bearer x\r\n",
        401,
    ),
    (
        "41c",
        "GET https://etl.test/dags",
        "Cookie: x=\u{fffd}; $C, b=2\r\n",
        401,
    ),
    ("46", "GET http://bi.test/p", "$B", 403),
    (
        "48",
        "GET https://etl.test/p?deployment=x&rd=//evil",
        "",
        401,
    ),
    ("52", "GET https://etl.test/p", "$BUpgrade: h2c\r\n", 403),
    ("53", "OPTIONS *", "$B", 403),
    ("53b", "CONNECT https://etl.test/", "$B", 403),
    ("53c", "TRACE https://etl.test/", "$B", 403),
    (
        "54",
        "GET https://etl.test/dags",
        "X_User: mallory\r\n",
        401,
    ),
    ("56", "GET https://etl.test/static%252Fx", "", 401),
    ("57", "GET https://etl.test/a%c0%afb", "$B", 403),
    (
        "58",
        "POST https://etl.test/dags",
        "$BX-HTTP-Method-Override: DELETE\r\n",
        403,
    ),
    (
        "64",
        "GET https://etl.test/dags",
        "Cookie: $C; __Host-aeolus=x\r\n",
        403,
    ),
    ("T49", "GET https://etl.test/a\\b", "$B", 403),
    ("T49b", "GET https://etl.test/a%00b", "$B", 403),
    (
        "O29",
        "POST https://etl.test/dags",
        "Cookie: $C\r\nOrigin: https://evil.test\r\n",
        403,
    ),
    ("O29b", "POST https://etl.test/dags", "Cookie: $C\r\n", 403),
    (
        "O29c",
        "POST https://etl.test/dags",
        "Cookie: $C\r\nOrigin: https://etl.test\r\n",
        200,
    ),
    (
        "O28",
        "GET https://etl.test/dags",
        "Cookie: aeolus=x\r\n",
        401,
    ),
    (
        "F59",
        "GET https://etl.test/dags",
        "User-Agent: \"}{\x1b[31m\r\n",
        401,
    ),
];

#[tokio::test]
async fn attack_corpus() {
    let fleet = Fleet::start().await;
    let token = fleet.api_token();
    let cookie = fleet.cookie("etl.test", ANN);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let mut failed = Vec::new();
    for (id, line, headers, status) in ATTACKS {
        let headers = headers.replace("$B", &bearer).replace("$C", &cookie);
        let answer = fleet.check(line, &headers).await;
        let leaks = answer.status != 200 && answer.header("authorization").is_some();
        // A control byte in a header is refused by the server itself.
        let refused_early = answer.status == 400 && *id == "F59";
        if (answer.status != *status && !refused_early) || leaks {
            failed.push(format!("{id}: {line} gave {}, not {status}", answer.status));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(fleet.airflow.count(), 0);
}

#[tokio::test]
async fn row_85_a_check_without_its_headers_or_with_two_of_them_is_refused() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let send = async |path: &str, headers: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: etl.test\r\nConnection: close\r\n{headers}\r\n");
        raw(&fleet.checks, request.as_bytes()).await.status
    };
    let path = format!("/authz/nginx/{ETL}");
    let url = "X-Original-URL: https://etl.test/api/v2/dags\r\n";
    let method = "X-Original-Method: GET\r\n";
    assert_eq!(send(&path, &format!("{bearer}{url}{method}")).await, 200);
    assert_eq!(send(&path, &format!("{bearer}{url}")).await, 403);
    assert_eq!(send(&path, &format!("{bearer}{method}")).await, 403);
    assert_eq!(
        send(&path, &format!("{bearer}{url}{url}{method}")).await,
        403
    );
    assert_eq!(
        send(
            &format!("{path}?deployment={BI}"),
            &format!("{bearer}{url}{method}")
        )
        .await,
        200
    );
    assert_eq!(
        send("/authz/nginx/nobody", &format!("{bearer}{url}{method}")).await,
        403
    );
    assert_eq!(
        send("/authz/other", &format!("{bearer}{url}{method}")).await,
        404
    );
}

#[tokio::test]
async fn without_a_snapshot_everything_is_refused_and_readiness_says_so() {
    let fleet = Fleet::start().await;
    let get = async |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        raw(&fleet.checks, request.as_bytes()).await.status
    };
    assert_eq!(get("/readyz").await, 200);
    *fleet.fake.world.lock().unwrap() = None;
    assert_eq!(get("/readyz").await, 503);
    assert_eq!(get("/livez").await, 200);
    assert_eq!(get(&format!("/deployments/{ETL}/jwks.json")).await, 503);
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 503);
}

#[tokio::test]
async fn f72_a_panic_refuses_one_request_and_the_process_lives() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    fleet.fake.panics.store(true, Ordering::SeqCst);
    let answer = fleet.check(DAGS, &bearer).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("authorization"), None);
    let proxied = fleet.ask("GET /api/v2/dags", &bearer).await;
    assert_eq!(proxied.status, 500);
    fleet.fake.panics.store(false, Ordering::SeqCst);
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 200);
    let metrics = raw(
        &fleet.metrics,
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        metrics.text.contains("aeolus_gate_panics_total 2"),
        "{}",
        metrics.text
    );
}

#[tokio::test]
async fn metrics_count_by_path_outcome_and_reason() {
    let fleet = Fleet::start().await;
    fleet.check(DAGS, "").await;
    let metrics = raw(
        &fleet.metrics,
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    for line in [
        "aeolus_gate_refusals_total{path=\"plane\",deployment=\"etl\",dialect=\"nginx\",reason=\"credential_missing\"} 1",
        "aeolus_gate_snapshot_age_seconds 0",
        "aeolus_gate_deployments 2",
        "aeolus_gate_decision_seconds_count{path=\"plane\",dialect=\"nginx\"} 1",
    ] {
        assert!(metrics.text.contains(line), "{line}\n{}", metrics.text);
    }
}

#[tokio::test]
async fn f33_a_token_is_let_in_for_its_leeway_of_sixty_seconds_and_not_longer() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.access_token(ANN));
    let begins = fleet.fake.clock.now();
    // What Airflow gets ends with the token, and only past that with its leeway.
    for (after, ends) in [
        (0, Some(300)),
        (3_599, Some(3_600)),
        (3_600, Some(3_660)),
        (3_659, Some(3_660)),
        (3_660, None),
    ] {
        let then = begins.plus(Duration::from_secs(after));
        let passed = then.since(fleet.fake.clock.now());
        fleet.fake.clock.advance(passed);
        let answer = fleet.check(DAGS, &bearer).await;
        let found = answer.header("authorization").map(|authorization| {
            let exp = airflow_claims(authorization)["exp"].as_i64().unwrap();
            exp - begins.secs()
        });
        assert_eq!(found, ends, "{after}: {answer:?}");
        let status = if ends.is_some() { 200 } else { 401 };
        assert_eq!(answer.status, status, "{after}: {answer:?}");
    }
}
