//! What exceeds a rate, and who is not touched by it.

use std::num::NonZeroU32;
use std::time::Duration;

use aeolus_gate::codec::Dialect;
use aeolus_gate::{Caps, Live, Rates};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fleet::*;

const DAGS: &str = "GET https://etl.test/api/v2/dags";

fn at_most(failed: u32, requests: Option<u32>) -> Live {
    Live {
        rates: Rates {
            failed: NonZeroU32::new(failed),
            requests_per_subject: requests.and_then(NonZeroU32::new),
        },
        ..live()
    }
}

fn from(source: &str, token: &str) -> String {
    format!("X-Forwarded-For: {source}\r\nAuthorization: Bearer {token}\r\n")
}

/// A token of the right form that nobody signed.
fn forged(fleet: &Fleet, number: u32) -> String {
    let good = fleet.api_token();
    let (signed, _) = good.rsplit_once('.').unwrap();
    let signature = format!("{number:064x}");
    let signature: String = signature.chars().chain("A".repeat(22).chars()).collect();
    format!("{signed}.{signature}")
}

async fn exhaust(fleet: &Fleet, source: &str, count: u32) {
    for number in 0..count {
        let answer = fleet
            .check(DAGS, &from(source, &forged(fleet, number)))
            .await;
        assert_eq!(answer.status, 401, "{number}: {answer:?}");
    }
}

#[tokio::test]
async fn a_source_of_failures_gets_429_before_anything_is_verified() {
    let fleet = Fleet::start().await;
    fleet.gate.settings.replace(at_most(5, None));
    exhaust(&fleet, "192.0.2.1", 5).await;
    let verified = fleet.gate.gauges().tokens.misses;
    let unknown = [
        forged(&fleet, 9),
        forged(&fleet, 1),
        "x".to_owned(),
        fleet.api_token(),
    ];
    let mut answers = Vec::new();
    for token in &unknown {
        let answer = fleet.check(DAGS, &from("192.0.2.1", token)).await;
        // nginx shows its client no 429 of a check.
        assert_eq!(answer.status, 403, "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("10"));
        assert_eq!(answer.header("authorization"), None);
        let same = ["www-authenticate", "x-auth-location"]
            .map(|name| answer.header(name).map(str::to_owned));
        answers.push((same, answer.body().to_owned()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "every cause looks the same: {answers:?}");
    assert_eq!(
        fleet.gate.gauges().tokens.misses,
        verified,
        "nothing was verified"
    );
    assert_eq!(fleet.gate.gauges().limited.sources, 4);
    let refused = fleet.fake.refused.lock().unwrap();
    assert_eq!(refused.last().unwrap().reason, "rate_limited");
}

#[tokio::test]
async fn nobody_else_and_nothing_known_is_touched_by_a_source_at_its_limit() {
    let fleet = Fleet::start().await;
    fleet.gate.settings.replace(at_most(5, None));
    let known = fleet.api_token();
    assert_eq!(
        fleet.check(DAGS, &from("192.0.2.1", &known)).await.status,
        200
    );
    exhaust(&fleet, "192.0.2.1", 5).await;
    let unknown = fleet.access_token(ANN);
    assert_eq!(
        fleet.check(DAGS, &from("192.0.2.1", &unknown)).await.status,
        403
    );

    assert_eq!(
        fleet.check(DAGS, &from("192.0.2.1", &known)).await.status,
        200
    );
    let session = format!(
        "X-Forwarded-For: 192.0.2.1\r\nCookie: {}\r\n",
        fleet.cookie("etl.test", ANN)
    );
    assert_eq!(fleet.check(DAGS, &session).await.status, 200);
    let stranger = fleet.check(DAGS, "X-Forwarded-For: 192.0.2.1\r\n").await;
    assert_eq!(stranger.status, 401, "may sign in");
    let neighbour = from("192.0.2.2", &forged(&fleet, 0));
    assert_eq!(fleet.check(DAGS, &neighbour).await.status, 401);
    assert_eq!(
        fleet.check(DAGS, &from("192.0.2.2", &unknown)).await.status,
        200
    );
    // By now the token is known.
    assert_eq!(
        fleet.check(DAGS, &from("192.0.2.1", &unknown)).await.status,
        200
    );
}

#[tokio::test]
async fn what_was_good_once_is_no_failure_of_its_source() {
    let fleet = Fleet::start().await;
    fleet.gate.settings.replace(at_most(2, None));
    let bot = from("192.0.2.1", &fleet.api_token());
    assert_eq!(fleet.check(DAGS, &bot).await.status, 200);
    fleet.publish(|s| s.revocations.get_mut(&ORG).unwrap().status[0] = 1 << 5);
    for _ in 0..10 {
        assert_eq!(fleet.check(DAGS, &bot).await.status, 401);
        assert_eq!(
            fleet
                .check(DAGS, "X-Forwarded-For: 192.0.2.1\r\n")
                .await
                .status,
            401
        );
    }
    let next = from("192.0.2.1", &fleet.access_token(ANN));
    assert_eq!(fleet.check(DAGS, &next).await.status, 200);
}

#[tokio::test]
async fn a_source_that_is_not_known_is_not_limited() {
    let fleet = Fleet::start().await;
    fleet.gate.settings.replace(at_most(1, None));
    for number in 0..5 {
        let unnamed = format!(
            "X-Forwarded-For: unknown\r\nAuthorization: Bearer {}\r\n",
            forged(&fleet, number)
        );
        assert_eq!(fleet.check(DAGS, &unnamed).await.status, 401);
    }
    let figures = fleet.gate.metrics.render(fleet.gate.gauges());
    assert!(
        figures.contains("aeolus_gate_sources_unknown_total 5"),
        "{figures}"
    );
}

#[tokio::test]
async fn a_source_is_the_same_with_and_without_a_port() {
    let fleet = Fleet::start().await;
    fleet.gate.settings.replace(at_most(3, None));
    for (number, source) in (0..).zip(["192.0.2.1", "192.0.2.1:567", "9.9.9.9, 192.0.2.1:568"]) {
        let forged = forged(&fleet, number);
        assert_eq!(fleet.check(DAGS, &from(source, &forged)).await.status, 401);
    }
    let over = from("192.0.2.1:569", &forged(&fleet, 9));
    assert_eq!(fleet.check(DAGS, &over).await.status, 403);
    assert_eq!(fleet.gate.gauges().limited.nameless, 0);
}

#[tokio::test]
async fn who_holds_requests_at_the_proxy_costs_nobody_a_check() {
    let fleet = Fleet::start().await;
    let caps = Caps {
        waiting: 1,
        ..Caps::default()
    };
    fleet.gate.settings.replace(Live { caps, ..live() });
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let slow =
        format!("POST /slow HTTP/1.1\r\nHost: etl.test\r\n{bearer}Content-Length: 1\r\n\r\n");
    let mut held = connected(&fleet.proxy).await;
    held.write_all(slow.as_bytes()).await.unwrap();
    let waits = async {
        while fleet.gate.gauges().load.waiting < 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), waits)
        .await
        .expect("it waits");
    let unknown = format!("Authorization: Bearer {}\r\n", fleet.access_token(ANN));
    let shed = fleet.ask("GET /api/v2/dags", &unknown).await;
    assert_eq!((shed.status, shed.header("retry-after")), (503, Some("5")));
    assert_eq!(fleet.check(DAGS, &unknown).await.status, 200);
}

#[tokio::test]
async fn a_subject_has_its_own_rate_wherever_it_comes_from() {
    let fleet = Fleet::start().await;
    let (bot, ann) = (fleet.api_token(), fleet.access_token(ANN));
    for number in 0..20 {
        let answer = fleet.check(DAGS, &from("192.0.2.1", &bot)).await;
        assert_eq!(answer.status, 200, "{number}: off unless asked for");
    }
    fleet.gate.settings.replace(at_most(5, Some(3)));
    for source in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(fleet.check(DAGS, &from(source, &bot)).await.status, 200);
    }
    let over = fleet.check(DAGS, &from("192.0.2.4", &bot)).await;
    assert_eq!((over.status, over.header("retry-after")), (403, Some("10")));
    assert_eq!(over.header("authorization"), None);
    assert_eq!(
        fleet.check(DAGS, &from("192.0.2.4", &ann)).await.status,
        200
    );
    assert_eq!(fleet.gate.gauges().limited.subjects, 1);
    let refused = fleet.fake.refused.lock().unwrap();
    assert_eq!(
        refused.last().unwrap().subject,
        Some(aeolus_model::Subject::Token(BOT))
    );
}

#[tokio::test]
async fn the_others_relay_429_with_its_text_and_time() {
    let fleet = Fleet::start().await;
    fleet.gate.settings.replace(at_most(1, None));
    exhaust(&fleet, "192.0.2.1", 1).await;
    for dialect in [Dialect::Traefik, Dialect::Caddy, Dialect::Haproxy] {
        let request = format!(
            "GET /authz/{}/{ETL} HTTP/1.1\r\nHost: gate\r\nX-Forwarded-Host: etl.test\r\n\
             X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /dags\r\nAccept: text/html\r\n{}Connection: close\r\n\r\n",
            dialect.name(),
            from("192.0.2.1", "x"),
        );
        let answer = raw(&fleet.checks, request.as_bytes()).await;
        assert_eq!(answer.status, 429, "{dialect:?}: {answer:?}");
        assert_eq!(answer.header("retry-after"), Some("10"));
        assert_eq!(answer.body(), "Too many requests. Try again in a moment.\n");
    }
}

#[tokio::test]
async fn a_flood_past_the_rate_is_counted_in_the_log_and_not_written() {
    let fleet = Fleet::start().await;
    fleet.gate.settings.replace(at_most(1, None));
    exhaust(&fleet, "192.0.2.1", 1).await;
    for number in 0..100 {
        fleet
            .check(DAGS, &from("192.0.2.1", &forged(&fleet, number)))
            .await;
    }
    let lines = fleet.gate.log.drain(NOW);
    assert_eq!(lines.len(), 1 + 10, "{lines:?}");
    let figures = fleet.gate.metrics.render(fleet.gate.gauges());
    assert!(
        figures.contains("aeolus_gate_rate_limited_total{by=\"source\"} 100"),
        "{figures}"
    );
}

#[tokio::test]
async fn f53_a_head_has_an_end_and_a_body_at_a_check_is_not_waited_for() {
    let fleet = Fleet::start().await;
    let long = "x".repeat(200_000);
    let head = format!("GET /livez HTTP/1.1\r\nHost: gate\r\nX-Long: {long}\r\n\r\n");
    for listener in [&fleet.checks, &fleet.proxy, &fleet.metrics] {
        assert_eq!(raw(listener, head.as_bytes()).await.status, 431);
    }
    let endless = "POST /livez HTTP/1.1\r\nHost: gate\r\nContent-Length: 10000000000\r\n\r\nbegun";
    assert_eq!(raw(&fleet.checks, endless.as_bytes()).await.status, 405);
}

async fn connected(address: &str) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// One answer's head on a connection that stays.
async fn asked(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = vec![0; 4_096];
    let read = timeout(Duration::from_secs(20), stream.read(&mut head)).await;
    let length = read.expect("an answer in time").unwrap();
    String::from_utf8_lossy(&head[..length]).into_owned()
}

const LIVEZ: &str = "GET /livez HTTP/1.1\r\nHost: gate\r\n\r\n";

#[tokio::test]
async fn a_connection_beyond_the_cap_is_refused_at_once_and_health_has_its_own() {
    let fleet = Fleet::start().await;
    let caps = Caps {
        connections: 2,
        ..Caps::default()
    };
    fleet.gate.settings.replace(Live { caps, ..live() });
    let mut first = connected(&fleet.checks).await;
    let mut second = connected(&fleet.checks).await;
    for stream in [&mut first, &mut second] {
        assert!(asked(stream, LIVEZ).await.starts_with("HTTP/1.1 200"));
    }
    let refused = raw(&fleet.checks, LIVEZ.as_bytes()).await;
    assert_eq!(
        (refused.status, refused.header("connection")),
        (503, Some("close"))
    );
    assert!(
        asked(&mut connected(&fleet.metrics).await, LIVEZ)
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        asked(&mut first, LIVEZ).await.starts_with("HTTP/1.1 200"),
        "who is connected stays"
    );
    drop(first);
    let again = async {
        while !asked(&mut connected(&fleet.checks).await, LIVEZ)
            .await
            .starts_with("HTTP/1.1 200")
        {}
    };
    timeout(Duration::from_secs(20), again)
        .await
        .expect("the place is free again");
    let figures = fleet.gate.metrics.render(fleet.gate.gauges());
    assert!(
        !figures.contains("aeolus_gate_connections_refused_total 0"),
        "{figures}"
    );
}

#[tokio::test]
async fn f57_an_application_that_does_not_answer_takes_only_itself_down() {
    let fleet = Fleet::start().await;
    let caps = Caps {
        waiting: 8,
        ..Caps::default()
    };
    fleet.gate.settings.replace(Live { caps, ..live() });
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let slow =
        format!("POST /slow HTTP/1.1\r\nHost: etl.test\r\n{bearer}Content-Length: 1\r\n\r\nb");
    let mut stuck = Vec::new();
    for _ in 0..2 {
        let mut stream = connected(&fleet.proxy).await;
        stream.write_all(slow.as_bytes()).await.unwrap();
        stuck.push(stream);
    }
    let both = async {
        while fleet.gate.gauges().load.waiting < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), both)
        .await
        .expect("both wait");
    let over = fleet.ask("GET /api/v2/dags", &bearer).await;
    assert_eq!((over.status, over.header("retry-after")), (503, Some("5")));
    let unknown = format!("Authorization: Bearer {}\r\n", fleet.access_token(ANN));
    assert_eq!(fleet.check(DAGS, &unknown).await.status, 200);
    assert_eq!(fleet.ask("GET /.aeolus/sign-in", "").await.status, 302);
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 200);
    let readyz = raw(
        &fleet.metrics,
        b"GET /readyz HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(readyz.status, 200);
    drop(stuck);
    let none = async {
        while fleet.gate.gauges().load.waiting > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), none)
        .await
        .expect("nobody waits any more");
    assert_eq!(fleet.ask("GET /static/app.js", "").await.status, 200);
}

#[tokio::test]
async fn draining_says_so_and_answers_as_ever() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    fleet.gate.drain();
    let readyz = raw(&fleet.checks, b"GET /readyz HTTP/1.1\r\nHost: gate\r\n\r\n").await;
    assert_eq!((readyz.status, readyz.body()), (503, "draining\n"));
    assert_eq!(
        readyz.header("connection"),
        Some("close"),
        "and nobody stays"
    );
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 200);
    assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 200);
    assert_eq!(raw(&fleet.checks, LIVEZ.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn a_request_on_its_way_when_the_stop_comes_is_answered() {
    let fleet = Fleet::start().await;
    let mut kept = connected(&fleet.checks).await;
    assert!(asked(&mut kept, LIVEZ).await.starts_with("HTTP/1.1 200"));
    let mut fresh = connected(&fleet.checks).await;
    fleet.gate.drain();
    fleet.stop.cancel();
    for stream in [&mut kept, &mut fresh] {
        stream.write_all(LIVEZ.as_bytes()).await.unwrap();
    }
    for stream in [&mut kept, &mut fresh] {
        let answer = asked(stream, "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_tunnel_has_its_time_and_is_closed_at_its_end() {
    let fleet = Fleet::start().await;
    let mut tunnel = connected(&fleet.proxy).await;
    let cookie = fleet.cookie("etl.test", ANN);
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: etl.test\r\nCookie: {cookie}\r\nOrigin: https://etl.test\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    );
    assert!(
        asked(&mut tunnel, &request)
            .await
            .starts_with("HTTP/1.1 101")
    );
    assert_eq!(asked(&mut tunnel, "hello").await, "hello");
    let end = fleet.gate.end(Duration::from_millis(300));
    let used = async { assert_eq!(asked(&mut tunnel, "again").await, "again") };
    tokio::join!(end, used);
    assert_eq!(fleet.gate.gauges().streams.open, 0);
    let mut rest = Vec::new();
    let closed = timeout(Duration::from_secs(30), tunnel.read_to_end(&mut rest)).await;
    closed.expect("it is closed").unwrap();
}
