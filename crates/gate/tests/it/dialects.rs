//! What each proxy is answered: only nginx needs other statuses, everybody gets the same identity.

use aeolus_gate::codec::Dialect;

use crate::fleet::*;

/// Asks as a proxy would about a request at `etl.test`.
async fn ask(fleet: &Fleet, dialect: Dialect, line: &str, headers: &str) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let name = dialect.name();
    let (first, own) = match dialect {
        Dialect::Nginx => (
            format!("GET /authz/nginx/{ETL}"),
            format!(
                "Host: gate\r\nX-Original-URL: https://etl.test{path}\r\nX-Original-Method: {method}\r\n"
            ),
        ),
        Dialect::Envoy => (
            format!("{method} /authz/envoy/{ETL}{path}"),
            "Host: etl.test\r\n".to_owned(),
        ),
        _ => (
            format!("GET /authz/{name}/{ETL}?deployment=other"),
            format!(
                "Host: gate\r\nX-Forwarded-Host: etl.test\r\nX-Forwarded-Method: {method}\r\n\
                 X-Forwarded-Uri: {path}\r\n"
            ),
        ),
    };
    let request = format!("{first} HTTP/1.1\r\n{own}{headers}Connection: close\r\n\r\n");
    raw(&fleet.checks, request.as_bytes()).await
}

#[tokio::test]
async fn an_allowance_is_200_with_every_identity_header_and_nothing_else() {
    let fleet = Fleet::start().await;
    let bearer = format!(
        "Authorization: Bearer {}\r\nX-Aeolus-User: mallory\r\n",
        fleet.api_token()
    );
    for dialect in Dialect::OVER_HTTP {
        let answer = ask(&fleet, dialect, "GET /api/v2/dags?x=1", &bearer).await;
        assert_eq!(answer.status, 200, "{dialect:?}: {answer:?}");
        assert_eq!(answer.header("x-aeolus-user"), Some(&*BOT.to_string()));
        assert_eq!(
            answer.header("x-aeolus-deployment"),
            Some(&*ETL.to_string())
        );
        assert_eq!(answer.header("x-aeolus-email"), Some(""));
        assert_eq!(
            airflow_claims(answer.header("authorization").unwrap())["sub"],
            BOT.to_string()
        );
        for noise in ["content-type", "set-cookie", "server", "location"] {
            assert_eq!(answer.header(noise), None, "{dialect:?}: {noise}");
        }
        let public = ask(&fleet, dialect, "GET /static/app.js", &bearer).await;
        assert_eq!(public.status, 200);
        for name in ["authorization", "x-aeolus-user", "x-aeolus-email"] {
            assert_eq!(public.header(name), Some(""), "fact 4, {dialect:?}: {name}");
        }
    }
}

#[tokio::test]
async fn a_browser_is_sent_to_sign_in_and_a_program_is_challenged() {
    let fleet = Fleet::start().await;
    let to = "/.aeolus/sign-in?next=/dags%3Fx%3D1";
    for dialect in Dialect::OVER_HTTP {
        let page = ask(&fleet, dialect, "GET /dags?x=1", "Accept: text/html\r\n").await;
        if dialect == Dialect::Nginx {
            assert_eq!(
                (page.status, page.header("x-auth-location")),
                (401, Some(to))
            );
        } else {
            assert_eq!(
                (page.status, page.header("location")),
                (302, Some(to)),
                "{dialect:?}"
            );
        }
        let program = ask(&fleet, dialect, "GET /api/v2/dags", "").await;
        assert_eq!(program.status, 401);
        assert_eq!(program.header("www-authenticate"), Some("Bearer"));
        assert_eq!(program.header("location"), None, "row 82, {dialect:?}");
    }
}

#[tokio::test]
async fn fact_10_a_refusal_never_carries_a_credential() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.access_token(EVE));
    for dialect in Dialect::OVER_HTTP {
        for (line, status) in [
            ("POST /execution/x", 403),
            ("GET /static/../x", 400),
            ("TRACE /x", 405),
        ] {
            let answer = ask(&fleet, dialect, line, &bearer).await;
            let seen = if dialect == Dialect::Nginx {
                403
            } else {
                status
            };
            assert_eq!(answer.status, seen, "{dialect:?} {line}");
            assert_eq!(answer.header("authorization"), None);
            assert_eq!(answer.header("x-aeolus-user"), None);
        }
    }
}

#[tokio::test]
async fn without_a_snapshot_a_client_is_told_when_to_come_again() {
    let fleet = Fleet::start().await;
    *fleet.fake.world.lock().unwrap() = None;
    for dialect in Dialect::OVER_HTTP {
        let answer = ask(&fleet, dialect, "GET /api/v2/dags", "").await;
        assert_eq!(answer.status, 503, "{dialect:?}");
        let again = (dialect != Dialect::Nginx).then_some("5");
        assert_eq!(answer.header("retry-after"), again);
    }
}

#[tokio::test]
async fn row_46_the_host_must_be_the_configured_deployments() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let request = format!(
        "GET /authz/traefik/{ETL} HTTP/1.1\r\nHost: gate\r\nX-Forwarded-Host: nobody.test\r\n\
         X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /api/v2/dags\r\n{bearer}Connection: close\r\n\r\n"
    );
    assert_eq!(raw(&fleet.checks, request.as_bytes()).await.status, 404);
}
