//! The places that the audit log is copied to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_control::{AuditConfig, AuditFile, AuditWebhook};
use aeolus_keys::digest::plain_hmac;
use aeolus_model::Secret;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::fixture::Fixture;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What arrived at a server, which refuses as often as it is told to.
#[derive(Clone, Default)]
struct Server {
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    refuse: Arc<Mutex<u32>>,
    refused: Arc<Mutex<u32>>,
}

impl Server {
    /// Listens on a port of its own; returns the URL.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let router = Router::new().route("/in", post(take));
        let service = router.with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        url
    }

    fn positions(&self) -> Vec<(u64, u64)> {
        let got = self.got.lock().unwrap();
        let bodies = got.iter().map(|(_, body)| body.as_ref());
        bodies.flat_map(lines).map(|line| place(&line)).collect()
    }
}

async fn take(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut refuse = server.refuse.lock().unwrap();
    if *refuse > 0 {
        *refuse -= 1;
        *server.refused.lock().unwrap() += 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    server.got.lock().unwrap().push((headers, body));
    StatusCode::NO_CONTENT
}

fn lines(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn place(line: &Value) -> (u64, u64) {
    let number = |name: &str| line[name].as_u64().unwrap();
    (number("position"), number("ordinal"))
}

/// Lets control work until something is so, and ends it in order.
async fn work_until(f: &Fixture, done: impl AsyncFn() -> bool) {
    let stop = CancellationToken::new();
    let (control, token) = (Arc::clone(&f.control), stop.clone());
    let work = tokio::spawn(async move { Box::pin(control.work(token)).await });
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    while !done().await {
        assert!(tokio::time::Instant::now() < deadline, "never");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    work.await.unwrap();
}

async fn logged(f: &Fixture, admin: &str) -> Vec<(u64, u64)> {
    let page = f.call("GET", "/v1/audit?limit=200", admin, None).await;
    let page = page.expect(200).json();
    let cursor = |item: &Value| {
        let (position, ordinal) = item["cursor"].as_str().unwrap().split_once('.').unwrap();
        (position.parse().unwrap(), ordinal.parse().unwrap())
    };
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(cursor)
        .collect()
}

#[tokio::test]
async fn f61_every_sink_gets_every_line_also_after_it_was_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.ndjson");
    let server = Server::default();
    *server.refuse.lock().unwrap() = 1;
    let audit = AuditConfig {
        file: Some(AuditFile {
            path: path.clone(),
            max_bytes: 1_000_000,
            keep: 1,
        }),
        webhook: Some(AuditWebhook {
            url: server.start().await,
            secret: Secret::new(SECRET.to_owned()),
        }),
        ..AuditConfig::default()
    };
    let f = Fixture::configured("audit-sinks", |config| config.audit = audit).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let all = logged(&f, &admin).await;
    let in_file = || {
        let text = std::fs::read(&path).unwrap_or_default();
        lines(&text).iter().map(place).collect::<Vec<_>>()
    };
    // The file isn't held up by the server that refuses.
    work_until(&f, async || {
        in_file() == all && server.positions() == all && even(&f).await
    })
    .await;
    assert_eq!(*server.refused.lock().unwrap(), 1);

    // A control that is started again goes on where it was.
    f.login(crate::fixture::ADMIN).await;
    let more = logged(&f, &admin).await;
    assert!(more.len() > all.len());
    work_until(&f, async || in_file() == more && server.positions() == more).await;

    let got = server.got.lock().unwrap().clone();
    for (headers, body) in &got {
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(text("content-type"), "application/x-ndjson");
        let signature = text("x-aeolus-signature");
        let (time, mac) = signature.split_once(",v1=").unwrap();
        let signed = [&time.as_bytes()[2..], b".", body].concat();
        let expected = plain_hmac(SECRET.as_bytes(), &signed);
        assert_eq!(
            mac,
            aeolus_keys::chain::Hash::from_bytes(expected).to_string()
        );
        let lines = lines(body);
        let shown = |line: &Value| {
            let (position, ordinal) = place(line);
            format!("{position}.{ordinal}")
        };
        let both = [shown(&lines[0]), shown(lines.last().unwrap())].join("-");
        assert_eq!(text("idempotency-key"), both);
    }
    let text = f.metrics().await;
    let failures = "aeolus_control_audit_sink_failures_total{sink=\"webhook\"} 1";
    assert!(text.contains(failures), "{text}");
}

/// Whether both sinks have noted everything.
async fn even(f: &Fixture) -> bool {
    let text = f.metrics().await;
    let none = |sink| {
        let line = format!("aeolus_control_audit_sink_behind{{sink=\"{sink}\"}} 0\n");
        text.contains(&line)
    };
    none("file") && none("webhook")
}

/// What a sink doesn't have is kept, whatever its age.
#[tokio::test]
async fn f61_a_sink_that_is_away_loses_nothing_to_retention() {
    let day = Duration::from_secs(86_400);
    let server = Server::default();
    *server.refuse.lock().unwrap() = u32::MAX;
    let audit = AuditConfig {
        retention: Some(day),
        webhook: Some(AuditWebhook {
            url: server.start().await,
            secret: Secret::new(SECRET.to_owned()),
        }),
        ..AuditConfig::default()
    };
    let f = Fixture::configured("audit-held", |config| config.audit = audit).await;
    f.admin().await;
    f.clock.advance(2 * day);
    let admin = f.admin().await;
    let all = logged(&f, &admin).await;
    work_until(&f, async || *server.refused.lock().unwrap() > 0).await;
    assert_eq!(logged(&f, &admin).await, all);
    *server.refuse.lock().unwrap() = 0;
    work_until(&f, async || server.positions().len() >= all.len()).await;
    let trimmed = async || logged(&f, &admin).await.first() > all.first();
    // What was taken just as the work ended may not have been noted: it is told again, and trimmed at the next start.
    let told_again = async || trimmed().await || server.positions().len() > all.len();
    work_until(&f, told_again).await;
    work_until(&f, trimmed).await;
    assert_eq!(server.positions()[..all.len()], all);
}
