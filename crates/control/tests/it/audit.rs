//! The audit log: reading, exporting and verifying it, what is deleted for its age, and refusals.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::audit::{AuditCheckpoint, AuditVerification};
use aeolus_control::AuditConfig;
use aeolus_keys::chain::{Export, Finding, Scope, Stated, Verified};
use aeolus_model::Clock as _;
use aeolus_snapshot::{Checkpoint, Root, verify_checkpoint};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::fixture::{Answer, Fixture};

const DAY: Duration = Duration::from_secs(86_400);

struct World {
    f: Fixture,
    admin: String,
    owner: String,
}

impl World {
    async fn new(name: &str) -> Self {
        Self::configured(name, AuditConfig::default()).await
    }

    async fn configured(name: &str, audit: AuditConfig) -> Self {
        let f = Fixture::configured(name, |config| config.audit = audit).await;
        let (f, admin, owner) = f.peopled().await;
        Self { f, admin, owner }
    }

    async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.f.call("GET", path, bearer, None).await
    }

    async fn items(&self, query: &str) -> Vec<Value> {
        let path = format!("/v1/audit?limit=200&{query}");
        let page = self.get(&path, &self.admin).await.expect(200).json();
        page["items"].as_array().unwrap().clone()
    }

    async fn grant(&self) {
        let body = json!({"name": "n"});
        let path = "/v1/organizations/acme/workspaces";
        let made = self.f.call("POST", path, &self.admin, Some(body)).await;
        let id = made.expect(201).json()["id"].as_str().unwrap().to_owned();
        let path = format!("{path}/{id}");
        self.f
            .call("DELETE", &path, &self.admin, None)
            .await
            .expect(200);
    }

    async fn verdict(&self, query: &str) -> AuditVerification {
        let path = format!("/v1/audit:verify{query}");
        let text = self.get(&path, &self.admin).await.expect(200).text();
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    /// Runs SQL beside control, as whoever has the database could.
    async fn raw(&self, sql: &'static str) {
        let path = self.f.dir.path().join("control.db");
        let url = format!("sqlite:{}", path.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        connection.execute(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Runs everything that runs beside requests, and ends it in order.
    async fn work_until(&self, done: impl AsyncFn() -> bool) {
        let stop = CancellationToken::new();
        let (control, token) = (Arc::clone(&self.f.control), stop.clone());
        let work = tokio::spawn(async move { Box::pin(control.work(token)).await });
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !done().await {
            assert!(tokio::time::Instant::now() < deadline, "never");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        work.await.unwrap();
    }
}

fn read(file: &str, stated: Option<Stated>) -> Result<Verified, Finding> {
    let mut export = stated.map_or_else(Export::default, Export::comparing);
    for line in file.lines() {
        export.line(line.as_bytes())?;
    }
    export.end()
}

fn kept(text: &str) -> Stated {
    let kept = Checkpoint::unverified(text).unwrap();
    Stated {
        issuer: kept.issuer,
        scope: kept.scope,
        link: kept.link,
    }
}

#[tokio::test]
async fn lines_are_found_by_what_they_say() {
    let w = World::new("audit-filters").await;
    w.grant().await;
    let all = w.items("").await;
    let actions = |items: &[Value]| {
        let items = items.iter();
        items
            .map(|item| item["action"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let found = actions(&w.items("action=workspace.*&order=newest").await);
    assert_eq!(found[..2], ["workspace.delete", "workspace.create"]);
    let admin = w.get("/v1/me", &w.admin).await.json();
    let by_address = w.items("actor=admin%40example.com").await;
    let id = admin["actor"]["id"].as_str().unwrap();
    assert_eq!(by_address, w.items(&format!("actor={id}")).await);
    assert!(!by_address.is_empty() && by_address.len() < all.len());
    let system = w.items("actor=system").await;
    assert_eq!(actions(&system), ["user.create"]);
    let target = system[0]["target"].as_str().unwrap();
    assert_eq!(
        w.items(&format!("target={target}&actor=system")).await,
        system
    );
    assert_eq!(w.items("outcome=failure").await, Vec::<Value>::new());
    let now = w.f.clock.now().secs();
    assert_eq!(w.items(&format!("since={now}")).await.len(), all.len());
    assert!(w.items(&format!("since={}", now + 1)).await.is_empty());
    assert!(w.items(&format!("until={}", now - 1)).await.is_empty());
    // Whether anybody has an address shows to nobody (A1).
    let nobody = w.items("actor=nobody%40example.com").await;
    assert_eq!(nobody, Vec::<Value>::new());
    for wrong in ["outcome=x", "since=x", "order=x", "actor=%40"] {
        let path = format!("/v1/audit?{wrong}");
        w.get(&path, &w.admin).await.expect(422);
    }
    // Page by page it is the same, from both ends.
    for order in ["oldest", "newest"] {
        let (mut cursor, mut paged) = (String::new(), Vec::new());
        loop {
            let path = format!("/v1/audit?limit=3&order={order}{cursor}");
            let page = w.get(&path, &w.admin).await.expect(200).json();
            paged.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        if order == "newest" {
            paged.reverse();
        }
        assert_eq!(paged, all, "{order}");
    }
}

#[tokio::test]
async fn an_owner_reads_their_organizations_log_and_no_other() {
    let w = World::new("audit-scopes").await;
    w.grant().await;
    for what in ["audit", "audit:export", "audit:verify", "audit:checkpoint"] {
        w.get(&format!("/v1/{what}"), &w.owner).await.expect(403);
        w.get(&format!("/v1/{what}"), &w.admin).await.expect(200);
        let own = format!("/v1/organizations/acme/{what}");
        w.get(&own, &w.owner).await.expect(200);
    }
    let body = json!({"name": "other"});
    let path = "/v1/organizations";
    w.f.call("POST", path, &w.admin, Some(body))
        .await
        .expect(201);
    let other = "/v1/organizations/other/audit:export";
    w.get(other, &w.owner).await.expect(404);
    let export = w.get("/v1/organizations/acme/audit:export", &w.owner).await;
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let text = export.expect(200).text();
    let verified = read(&text, None).unwrap();
    let organization = w.get("/v1/organizations/acme", &w.owner).await.json();
    let id = organization["id"].as_str().unwrap();
    assert_eq!(verified.header.scope.to_string(), id);
    assert!(!text.contains("\"organization\":null"));
    let lines = w
        .get("/v1/organizations/acme/audit?limit=200", &w.owner)
        .await;
    let lines = lines.json()["items"].as_array().unwrap().clone();
    assert_eq!(verified.footer.end.line, lines.len() as u64);
    let last = lines.last().unwrap();
    assert_eq!(last["hash"], verified.footer.end.hash.to_string());
}

#[tokio::test]
async fn a24_an_export_is_verified_by_the_root_document_alone() {
    let w = World::new("audit-export").await;
    let gate = w.f.join(&w.admin, "eu-9").await;
    let root = Root::parse(&gate.root).unwrap();
    let said = w.get("/v1/audit:checkpoint", &w.admin).await.expect(200);
    let said: AuditCheckpoint = said.of();
    let checked = verify_checkpoint(&root, &said.checkpoint).unwrap();
    assert_eq!(
        (checked.scope, checked.link.line),
        (Scope::Installation, said.line)
    );
    w.grant().await;
    let text = w.get("/v1/audit:export", &w.admin).await.text();
    let verified = read(&text, Some(kept(&said.checkpoint))).unwrap();
    let end = verified.footer.checkpoint.unwrap();
    let end = verify_checkpoint(&root, &end).unwrap();
    assert_eq!(end.link, verified.footer.end);
    assert!(end.link.line > said.line);
    // A part of it begins with the link before its first line.
    w.f.clock.advance(Duration::from_secs(3600));
    let now = w.f.clock.now().secs();
    w.grant().await;
    let path = format!("/v1/audit:export?since={now}");
    let part = read(&w.get(&path, &w.admin).await.text(), None).unwrap();
    assert_eq!(part.header.begin, end.link);
    assert!(part.footer.end.line > end.link.line);
    let path = format!("/v1/audit:export?until={}", now - 1);
    let part = read(&w.get(&path, &w.admin).await.text(), None).unwrap();
    assert_eq!(part.footer.end, end.link);
    let path = format!("/v1/audit:export?since={}", now + 86_400);
    let empty = read(&w.get(&path, &w.admin).await.text(), None).unwrap();
    assert_eq!(empty.header.begin, empty.footer.end);
}

#[tokio::test]
async fn a24_tampering_in_the_database_is_found_and_the_line_named() {
    let w = World::new("audit-tamper").await;
    let said: AuditCheckpoint = w.get("/v1/audit:checkpoint", &w.admin).await.of();
    let good = w.verdict("").await;
    assert_eq!((good.ok, good.verified), (Some(true), said.line));
    let query = format!("?checkpoint={}", said.checkpoint);
    assert_eq!(w.verdict(&query).await.ok, Some(true));
    let foreign = w.get("/v1/audit:verify?checkpoint=x.y.z", &w.admin).await;
    foreign.expect(422);

    w.raw("UPDATE audit SET event = replace(event, 'success', 'denied') WHERE line = 3")
        .await;
    let bad = w.verdict("").await;
    assert_eq!((bad.ok, bad.verified), (Some(false), 2));
    assert!(bad.fault.unwrap().starts_with("line 3 "));
    let text = w.get("/v1/audit:export", &w.admin).await.text();
    let found = read(&text, None).unwrap_err();
    assert!(found.to_string().starts_with("line 4 of the file: line 3 "));
    assert!(
        !text.lines().last().unwrap().contains("checkpoint"),
        "not signed"
    );
}

#[tokio::test]
async fn a24_a_log_that_was_made_anew_is_not_the_one_of_a_kept_checkpoint() {
    let w = World::new("audit-anew").await;
    let said: AuditCheckpoint = w.get("/v1/audit:checkpoint", &w.admin).await.of();
    // The tail goes, and the end of the chain is set back: by itself the rest is in order.
    w.raw(
        "DELETE FROM audit WHERE line > 2;
        UPDATE audit_chains SET line = 2, hash = (SELECT hash FROM audit WHERE line = 2),
            position = (SELECT position FROM audit WHERE line = 2),
            ordinal = (SELECT ordinal FROM audit WHERE line = 2)
        WHERE scope = zeroblob(16)",
    )
    .await;
    assert_eq!(w.verdict("").await.ok, Some(true));
    let query = format!("?checkpoint={}", said.checkpoint);
    let bad = w.verdict(&query).await;
    assert_eq!(bad.ok, Some(false));
    assert!(bad.fault.unwrap().contains("its end was cut off"));
}

#[tokio::test]
async fn old_lines_are_deleted_and_the_rest_is_whole() {
    let audit = AuditConfig {
        retention: Some(30 * DAY),
        ..AuditConfig::default()
    };
    let w = World::configured("audit-retention", audit).await;
    let old = w.items("").await.len();
    w.f.clock.advance(31 * DAY);
    let admin = w.f.admin().await;
    let w = World { admin, ..w };
    w.work_until(async || !w.items("action=audit.trim").await.is_empty())
        .await;
    let items = w.items("").await;
    let trimmed: Vec<_> = items
        .iter()
        .filter(|i| i["action"] == "audit.trim")
        .collect();
    assert_eq!(trimmed.len(), 1);
    assert_eq!(trimmed[0]["changes"][0]["before"], old.to_string());
    let good = w.verdict("").await;
    assert_eq!((good.ok, good.begin), (Some(true), old as u64));
    assert_eq!(items[0]["line"], old as u64 + 1);
    let text = w.get("/v1/audit:export", &w.admin).await.text();
    assert_eq!(read(&text, None).unwrap().header.begin.line, old as u64);
    let own = w.get("/v1/organizations/acme/audit:verify", &w.admin).await;
    assert!(own.text().lines().last().unwrap().contains("\"ok\":true"));
    // Deleting further without control's signature is found out.
    w.raw(
        "UPDATE audit_begins SET line = line + 1,
            hash = (SELECT hash FROM audit ORDER BY line LIMIT 1) WHERE scope = zeroblob(16);
        DELETE FROM audit WHERE line = (SELECT MIN(line) FROM audit)",
    )
    .await;
    let bad = w.verdict("").await;
    assert_eq!(bad.ok, Some(false));
    assert!(bad.fault.unwrap().contains("is not signed"));
}

#[tokio::test]
async fn refusals_are_in_the_log_and_strangers_cant_fill_it() {
    let w = World::new("audit-denials").await;
    let member = w.f.token_of("member@example.com").await;
    let before = w.items("").await.len();
    for _ in 0..3 {
        let path = "/v1/organizations/acme/audit";
        w.get(path, &member).await.expect(403);
    }
    for n in 0..300 {
        let source = format!("10.1.{}.{}", n / 250, n % 250);
        let request = http::Request::get("/v1/me").header("x-forwarded-for", source);
        let request = request.body(axum::body::Body::empty()).unwrap();
        w.f.send(request).await.expect(401);
    }
    w.get("/v1/planes/self/manifest", "x.y.z").await.expect(401);
    w.work_until(async || true).await;
    let denied = w.items("action=api.deny").await;
    let known: Vec<_> = denied
        .iter()
        .filter(|d| d["actor"]["type"] == "user")
        .collect();
    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(known[0]["outcome"], "denied");
    assert_eq!(known[0]["reason"], "forbidden");
    assert_eq!(known[0]["target"], "GET /v1/organizations/acme/audit");
    assert_eq!(known[0]["changes"][0]["after"], "3");
    let strangers = denied.len() - 1;
    assert_eq!(strangers, 33);
    let after = w.items("").await.len();
    assert_eq!(after - before, denied.len());
    let own = w
        .get("/v1/organizations/acme/audit?action=api.deny", &w.owner)
        .await;
    assert_eq!(own.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(w.verdict("").await.ok, Some(true));
}
