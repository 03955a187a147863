//! What exceeds a rate, and who is not touched by it.

use std::num::NonZeroU32;

use aeolus_gate::codec::Dialect;
use aeolus_gate::{Live, Rates};

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
