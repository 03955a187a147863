//! The built-in proxy, by raw bytes, with an application that records what reaches it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fleet::*;

fn lower(head: &str) -> String {
    head.to_ascii_lowercase()
}

#[tokio::test]
async fn what_was_judged_is_what_is_served_byte_for_byte() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let target = "/api/v2/dags/a/dagRuns/manual__2026-11-23T23:48:50.36+00:00?x=%2f&y=a%20b";
    let answer = fleet.ask(&format!("GET {target}"), &bearer).await;
    assert_eq!((answer.status, answer.body()), (200, "airflow"));
    let head = fleet.airflow.only();
    assert!(
        head.starts_with(&format!("GET {target} HTTP/1.1\r\n")),
        "{head}"
    );
    let head = lower(&head);
    assert!(head.contains("\r\nhost: etl.test\r\n"));
    assert!(head.contains("\r\nx-forwarded-host: etl.test\r\n"));
    assert!(head.contains("\r\nx-forwarded-proto: https\r\n"));
    assert!(head.contains("\r\nx-forwarded-for: 127.0.0.1\r\n"));
    // The application can't set our cookie.
    assert_eq!(answer.headers("set-cookie"), ["lang=de"]);
}

#[tokio::test]
async fn t43_t47_t48_only_our_identity_reaches_the_application() {
    let fleet = Fleet::start().await;
    let mine = fleet.api_token();
    let headers = format!(
        "Authorization: Bearer {mine}\r\nX-Forwarded-User: mallory\r\nX-Forwarded-Email: mallory\r\n\
         X-Auth-Request-User: mallory\r\nX_Auth_User: mallory\r\nx-AEOLUS-user: mallory\r\n\
         X_Aeolus_User: mallory\r\nX-Aeolus-Email: mallory\r\nRemote-User: mallory\r\n\
         Cookie: _token=mallory; theme=dark; {}; aeolus-s=mallory\r\n\
         X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n",
        fleet.cookie("etl.test", EVE)
    );
    assert_eq!(
        fleet
            .ask("GET /api/v2/dags?access_token=x", &headers)
            .await
            .status,
        200
    );
    let head = lower(&fleet.airflow.only());
    assert!(!head.contains("mallory"), "{head}");
    assert!(!head.contains("6.6.6.6"), "{head}");
    assert!(!head.contains(&mine.to_ascii_lowercase()));
    assert!(head.contains("\r\ncookie: theme=dark\r\n"), "{head}");
    assert_eq!(head.matches("\r\nauthorization: ").count(), 1);
    // The header won: the token is the bot's, not Eve's.
    assert!(
        head.contains(&format!("\r\nx-aeolus-user: {BOT}\r\n")),
        "{head}"
    );
    let head = fleet.airflow.only();
    let line = head
        .lines()
        .find(|l| lower(l).starts_with("authorization:"))
        .unwrap();
    let claims = airflow_claims(line.split_once(':').unwrap().1);
    assert_eq!(claims["sub"], BOT.to_string());
    assert_eq!(claims["aud"], format!("urn:aeolus:deployment:{ETL}"));
}

/// What is good at control is nothing here, and never gets as far as an application that might believe it:
/// not as a credential, nor as a bystander of one that counts.
#[tokio::test]
async fn t33_a_token_for_control_is_refused_and_never_forwarded() {
    let fleet = Fleet::start().await;
    let token = fleet.access_for(ISSUER, EVE);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    for line in ["GET /api/v2/dags", "POST /api/v2/dags", "GET /"] {
        assert_eq!(fleet.ask(line, &bearer).await.status, 401, "{line}");
        assert_eq!(fleet.check(line, &bearer).await.status, 403, "{line}");
    }
    // A good session beside it doesn't help it.
    let both = format!("{bearer}Cookie: {}\r\n", fleet.cookie("etl.test", EVE));
    assert_eq!(fleet.ask("GET /api/v2/dags", &both).await.status, 401);
    assert_eq!(fleet.airflow.count(), 0);
    // Nor is it sent along where nobody is asked for a credential, or another one counts.
    assert_eq!(fleet.ask("GET /static/app.js", &bearer).await.status, 200);
    let mine = format!(
        "Authorization: Bearer {}\r\nCookie: _token={token}; aeolus={token}\r\n",
        fleet.api_token()
    );
    assert_eq!(fleet.ask("GET /api/v2/dags", &mine).await.status, 200);
    for head in fleet.airflow.seen.lock().unwrap().iter() {
        assert!(!head.contains(&token), "{head}");
    }
}

#[tokio::test]
async fn a_public_path_goes_on_as_nobody() {
    let fleet = Fleet::start().await;
    let headers = "Authorization: Bearer x\r\nX-Aeolus-User: mallory\r\n";
    assert_eq!(fleet.ask("GET /static/app.js", headers).await.status, 200);
    let head = lower(&fleet.airflow.only());
    assert!(!head.contains("authorization"), "{head}");
    assert!(!head.contains("x-aeolus-"), "{head}");
}

/// Rows: id, request bytes after the token and host are filled in, the answer's status. Nothing of
/// it may reach the application.
const ATTACKS: &[(&str, &str, u16)] = &[
    (
        "T42",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\nAuthorization: Bearer $T\r\n\r\n",
        400,
    ),
    (
        "T42b",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T, Bearer $T\r\n\r\n",
        400,
    ),
    (
        "T42c",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer\t$T\r\n\r\n",
        400,
    ),
    (
        "T43",
        "GET /x?access_token=$T HTTP/1.1\r\nHost: etl.test\r\n\r\n",
        401,
    ),
    (
        "T49",
        "GET /static/../api/v2/dags HTTP/1.1\r\nHost: etl.test\r\n\r\n",
        400,
    ),
    (
        "T49b",
        "GET /static/%2e%2e/api/v2/dags HTTP/1.1\r\nHost: etl.test\r\n\r\n",
        400,
    ),
    (
        "T49c",
        "GET /api%2fv2/dags HTTP/1.1\r\nHost: etl.test\r\n\r\n",
        401,
    ),
    (
        "T49d",
        "GET /static;x/../dags HTTP/1.1\r\nHost: etl.test\r\n\r\n",
        400,
    ),
    (
        "T49e",
        "GET //static/x HTTP/1.1\r\nHost: etl.test\r\n\r\n",
        401,
    ),
    (
        "T49f",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nX-Original-URI: /static/x\r\nX-Forwarded-Uri: /static/x\r\n\r\n",
        401,
    ),
    ("T49g", "GET /a%00b HTTP/1.1\r\nHost: etl.test\r\n\r\n", 400),
    ("T49h", "GET /a\\b HTTP/1.1\r\nHost: etl.test\r\n\r\n", 400),
    (
        "T51",
        "TRACE /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\n\r\n",
        405,
    ),
    (
        "T51b",
        "POST /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n",
        400,
    ),
    (
        "T52",
        "GET /ws HTTP/1.1\r\nHost: etl.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        401,
    ),
    (
        "T52b",
        "GET /ws HTTP/1.1\r\nHost: etl.test\r\nCookie: $C\r\nOrigin: https://evil.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        403,
    ),
    (
        "T53 TE.TE",
        "POST /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "T53 CL.CL",
        "POST /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
        400,
    ),
    (
        "T53 obs-fold",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\nX-A: b\r\n c\r\n\r\n",
        400,
    ),
    (
        "41",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\nX-A: b\0\r\n\r\n",
        400,
    ),
    (
        "41 name",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\n: v\r\n\r\n",
        400,
    ),
    (
        "46",
        "GET http://bi.test/x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\n\r\n",
        400,
    ),
    (
        "host twice",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nHost: bi.test\r\nAuthorization: Bearer $T\r\n\r\n",
        400,
    ),
    (
        "host none",
        "GET /x HTTP/1.1\r\nAuthorization: Bearer $T\r\n\r\n",
        400,
    ),
    (
        "host other",
        "GET /x HTTP/1.1\r\nHost: evil.test\r\nAuthorization: Bearer $T\r\n\r\n",
        404,
    ),
    (
        "52",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
        400,
    ),
    (
        "53",
        "OPTIONS * HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\n\r\n",
        400,
    ),
    (
        "53 connect",
        "CONNECT etl.test:443 HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\n\r\n",
        405,
    ),
    (
        "12",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\nConnection: close, X-Aeolus-User, Authorization\r\n\r\n",
        400,
    ),
    (
        "O27",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nCookie: $C; __Host-aeolus=y\r\n\r\n",
        400,
    ),
    (
        "O27b",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nCookie: =$C\r\n\r\n",
        401,
    ),
    (
        "O28",
        "GET /x HTTP/1.1\r\nHost: bi.test\r\nCookie: $C\r\n\r\n",
        401,
    ),
    (
        "O28b",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nCookie: $CA\r\n\r\n",
        401,
    ),
    (
        "T32",
        "GET /x HTTP/1.1\r\nHost: etl.test\r\nCookie: __Host-aeolus=$T\r\n\r\n",
        401,
    ),
    (
        "O29",
        "POST /x HTTP/1.1\r\nHost: etl.test\r\nCookie: $C\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n",
        403,
    ),
    (
        "execution",
        "GET /execution/variables/x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\n\r\n",
        403,
    ),
    (
        "ours",
        "GET /%2eaeolus/session HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer $T\r\n\r\n",
        403,
    ),
];

#[tokio::test]
async fn attack_corpus() {
    let fleet = Fleet::start().await;
    let token = fleet.api_token();
    let cookie = fleet.cookie("etl.test", ANN);
    let mut failed = Vec::new();
    for (id, request, status) in ATTACKS {
        let request = request.replace("$T", &token).replace("$C", &cookie);
        // Ends the connection after one answer without saying so in a header under test.
        let answer = finish(&fleet.proxy, request.as_bytes()).await;
        if answer.status != *status {
            failed.push(format!("{id}: {} not {status}", answer.status));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(fleet.airflow.count(), 0, "{:?}", fleet.airflow.seen);
}

/// The HTTP library drops `Content-Length` beside `Transfer-Encoding` before anybody here sees it
/// (RFC 9112 §6.1 lets it): the request goes on as one message, framed anew, and the connection is
/// closed, so that what follows is never taken for a second request.
#[tokio::test]
async fn t53_a_request_with_two_framings_can_not_carry_another() {
    let fleet = Fleet::start().await;
    let token = fleet.api_token();
    let head = format!("POST /x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer {token}\r\n");
    let smuggled = format!(
        "GET /smuggled HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    for framing in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    ] {
        fleet.airflow.seen.lock().unwrap().clear();
        let request = format!("{head}{framing}\r\n0\r\n\r\n{smuggled}");
        let answer = finish(&fleet.proxy, request.as_bytes()).await;
        assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
        assert_eq!(answer.text.matches("HTTP/1.1 ").count(), 1, "{answer:?}");
        let seen = lower(&fleet.airflow.only());
        assert!(!seen.contains("content-length"), "{seen}");
        assert!(!seen.contains("smuggled"), "{seen}");
    }
}

/// Row 36: the HTTP library cuts a target at `#` before anybody here sees it. What is judged and
/// what is served are then the same shorter target.
#[tokio::test]
async fn row_36_a_fragment_never_reaches_the_application() {
    let fleet = Fleet::start().await;
    let token = fleet.api_token();
    let request = format!(
        "GET /execution#/../static/x HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let answer = finish(&fleet.proxy, request.as_bytes()).await;
    assert!(matches!(answer.status, 400 | 403), "{answer:?}");
    assert_eq!(fleet.airflow.count(), 0);
}

async fn finish(address: &str, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    // Half-closing says that no further request comes.
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let limit = Duration::from_secs(20);
    let _ = tokio::time::timeout(limit, stream.read_to_end(&mut answer))
        .await
        .expect("an answer in time");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        text,
    }
}

#[tokio::test]
async fn t51_head_is_authorised_and_forwarded_as_itself() {
    let fleet = Fleet::start().await;
    assert_eq!(fleet.ask("HEAD /api/v2/dags", "").await.status, 401);
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let answer = fleet.ask("HEAD /api/v2/dags", &bearer).await;
    assert_eq!((answer.status, answer.body()), (200, ""));
    assert!(fleet.airflow.only().starts_with("HEAD /api/v2/dags "));
}

#[tokio::test]
async fn f57_a_dead_application_is_a_502_that_says_whose_fault_it_is() {
    let fleet = Fleet::start().await;
    fleet.airflow.stop();
    let bearer = format!(
        "Host: bi.test\r\nAuthorization: Bearer {}\r\n",
        fleet.api_token()
    );
    let request = format!("GET /x HTTP/1.1\r\n{bearer}Connection: close\r\n\r\n");
    let answer = raw(&fleet.proxy, request.as_bytes()).await;
    assert_eq!(answer.status, 502);
    assert!(answer.body().contains("Airflow"), "{answer:?}");
    // Refusals are as ever, and the metrics blame the application.
    assert_eq!(fleet.ask("GET /api/v2/dags", "").await.status, 401);
    let metrics = raw(
        &fleet.metrics,
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    let line = "aeolus_gate_upstream_errors_total{deployment=\"bi\"} 1";
    assert!(metrics.text.contains(line), "{}", metrics.text);
}

#[tokio::test]
async fn an_answer_streams_before_it_is_complete() {
    let fleet = Fleet::start().await;
    let token = fleet.api_token();
    let request =
        format!("GET /stream HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut stream = TcpStream::connect(&fleet.proxy).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let seen = read_until(&mut stream, "first").await;
    assert!(seen.starts_with("HTTP/1.1 200"));
}

async fn read_until(stream: &mut TcpStream, part: &str) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    let reading = async {
        while !String::from_utf8_lossy(&seen).contains(part) {
            let n = stream.read(&mut buffer).await.unwrap();
            assert_ne!(n, 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..n]);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("it comes in time");
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn t52_a_websocket_is_tunnelled_and_closed_when_its_credential_is_revoked() {
    let fleet = Fleet::start().await;
    let cookie = fleet.cookie("etl.test", ANN);
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: etl.test\r\nCookie: {cookie}\r\nOrigin: https://etl.test\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    );
    let mut stream = TcpStream::connect(&fleet.proxy).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    stream.write_all(b"hello").await.unwrap();
    assert!(read_until(&mut stream, "hello").await.ends_with("hello"));
    fleet.publish(|s| {
        let revoked = s.revocations.get_mut(&ORG).unwrap();
        revoked
            .sessions
            .push(aeolus_snapshot::section::EndedSession {
                id: SESSION.as_bytes().to_vec(),
                absolute_end: NOW.secs() + 99_999,
            });
    });
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest))
        .await
        .expect("closed in time")
        .unwrap();
}

#[tokio::test]
async fn a_session_is_renewed_off_the_path_and_outlives_an_outage() {
    let fleet = Fleet::start().await;
    let cookie = format!("Cookie: {}\r\n", fleet.cookie("etl.test", ANN));
    let hour = Duration::from_secs(3_600);
    assert_eq!(fleet.ask("GET /x", &cookie).await.status, 200);
    assert!(fleet.fake.asked.lock().unwrap().is_empty());
    fleet.fake.clock.advance(7 * hour);
    assert_eq!(fleet.ask("GET /x", &cookie).await.status, 200);
    assert_eq!(*fleet.fake.asked.lock().unwrap(), [SESSION]);
    // Past its end while control is away: on; control back, not yet renewed: still on for a while.
    fleet.fake.clock.advance(3 * hour);
    *fleet.fake.age.lock().unwrap() = Some(4 * hour);
    assert_eq!(fleet.ask("GET /x", &cookie).await.status, 200);
    *fleet.fake.age.lock().unwrap() = Some(Duration::ZERO);
    assert_eq!(fleet.ask("GET /x", &cookie).await.status, 200);
    fleet.fake.clock.advance(hour);
    assert_eq!(fleet.ask("GET /x", &cookie).await.status, 401);
}
