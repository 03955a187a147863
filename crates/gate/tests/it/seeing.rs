//! What an operator sees: figures, the decision log, traces, readiness, probes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_gate::observe::{Line, Outcome, probe};
use aeolus_gate::ports::Standing;
use aeolus_snapshot::Position;

use crate::fleet::*;

const DAGS: &str = "GET https://etl.test/api/v2/dags";

async fn get(address: &str, path: &str, headers: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n");
    raw(address, request.as_bytes()).await
}

/// Samples by name, each with its labels as `name="value"`.
async fn samples(fleet: &Fleet) -> BTreeMap<String, Vec<(BTreeSet<String>, String)>> {
    let answer = get(&fleet.metrics, "/metrics", "").await;
    let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for line in answer.body().lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split_inclusive("\",");
        let labels = labels.filter(|label| !label.is_empty());
        let labels = labels.map(|label| label.trim_end_matches(',').to_owned());
        let sample = (labels.collect(), value.to_owned());
        all.entry(name.to_owned()).or_default().push(sample);
    }
    all
}

async fn value(fleet: &Fleet, name: &str, labels: &[&str]) -> Option<String> {
    let all = samples(fleet).await;
    let wanted: BTreeSet<String> = labels.iter().map(ToString::to_string).collect();
    let found = all.get(name)?.iter().find(|(has, _)| *has == wanted)?;
    Some(found.1.clone())
}

#[tokio::test]
async fn decisions_are_counted_by_deployment_dialect_class_outcome_and_reason() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    fleet.check(DAGS, "").await;
    fleet.check(DAGS, &bearer).await;
    fleet.check(DAGS, &bearer).await;
    fleet.ask("GET /static/app.js", "").await;
    fleet.check("GET https://nobody.test/", "").await;
    let labels = |deployment, dialect, class, outcome| {
        [
            "path=\"plane\"".to_owned(),
            format!("deployment=\"{deployment}\""),
            format!("dialect=\"{dialect}\""),
            format!("class=\"{class}\""),
            format!("outcome=\"{outcome}\""),
        ]
    };
    for (labels, count) in [
        (labels("etl", "nginx", "read", "deny"), "1"),
        (labels("etl", "nginx", "read", "allow"), "2"),
        (labels("etl", "proxy", "public", "allow"), "1"),
        (labels("", "nginx", "unknown", "deny"), "1"),
    ] {
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let found = value(&fleet, "aeolus_gate_decisions_total", &labels).await;
        assert_eq!(found.as_deref(), Some(count), "{labels:?}");
    }
    let reason = [
        "path=\"plane\"",
        "deployment=\"etl\"",
        "dialect=\"nginx\"",
        "reason=\"credential_missing\"",
    ];
    let refusals = value(&fleet, "aeolus_gate_refusals_total", &reason).await;
    assert_eq!(refusals.as_deref(), Some("1"));
    for (name, labels, wanted) in [
        ("aeolus_gate_token_lookups_total", "result=\"hit\"", "1"),
        ("aeolus_gate_token_lookups_total", "result=\"miss\"", "1"),
        ("aeolus_gate_exchanges_total", "result=\"minted\"", "1"),
        ("aeolus_gate_exchanges_total", "result=\"cached\"", "1"),
        ("aeolus_gate_snapshot_state", "state=\"fresh\"", "1.0"),
    ] {
        let found = value(&fleet, name, &[labels]).await;
        assert_eq!(found.as_deref(), Some(wanted), "{name} {labels}");
    }
    let seq = value(&fleet, "aeolus_gate_snapshot_seq", &[]).await;
    assert_eq!(seq.as_deref(), Some("7.0"));
}

#[tokio::test]
async fn counters_outlive_a_snapshot_and_go_with_their_deployment() {
    let fleet = Fleet::start().await;
    fleet.check(DAGS, "").await;
    fleet.publish(|_| {});
    fleet.check(DAGS, "").await;
    let denied = [
        "path=\"plane\"",
        "deployment=\"etl\"",
        "dialect=\"nginx\"",
        "class=\"read\"",
        "outcome=\"deny\"",
    ];
    let count = value(&fleet, "aeolus_gate_decisions_total", &denied).await;
    assert_eq!(count.as_deref(), Some("2"));
    fleet.publish(|sections| {
        let deployments = &mut sections.deployments.deployments;
        deployments.retain(|deployment| deployment.id != ETL.as_bytes());
    });
    let count = value(&fleet, "aeolus_gate_decisions_total", &denied).await;
    assert_eq!(count, None);
}

#[tokio::test]
async fn nothing_a_client_chooses_becomes_a_label() {
    let fleet = Fleet::start().await;
    let before = samples(&fleet).await.len();
    for number in 0..50 {
        fleet
            .check(&format!("X{number} https://h{number}.test/p{number}"), "")
            .await;
    }
    let all = samples(&fleet).await;
    let decisions = &all["aeolus_gate_decisions_total"];
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    assert_eq!(all.len(), before + 5, "decisions, refusals, a histogram");
}

#[tokio::test]
async fn f60_a_refusal_is_logged_with_its_reason_and_without_any_secret() {
    let fleet = Fleet::start().await;
    let token = fleet.api_token();
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    let request = format!(
        "Authorization: Bearer {forged}\r\nX-Request-Id: my-1\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    );
    let line = "DELETE https://etl.test/api/v2/dags/x?secret=canary";
    let answer = fleet.check(line, &request).await;
    assert_eq!(answer.header("x-aeolus-request-id"), Some("my-1"));
    let lines = fleet.gate.log.drain(NOW);
    let [Line::One(entry)] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(entry.request_id.as_str(), "my-1");
    assert_eq!(entry.reason.unwrap().code(), "token_signature");
    assert_eq!((entry.method, &*entry.path), ("DELETE", "/api/v2/dags/x"));
    assert_eq!((&*entry.host, &*entry.name), ("etl.test", "etl"));
    assert_eq!(entry.class.unwrap().name(), "write");
    assert_eq!(entry.position, Some(Position { epoch: 1, seq: 7 }));
    assert_eq!(entry.source, Some("198.51.100.7".parse().unwrap()));
    let trace = entry.trace.unwrap().to_string();
    assert_eq!(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    let all = format!("{entry:?}");
    let payload = token.split('.').nth(1).unwrap();
    assert!(!all.contains("canary") && !all.contains(payload), "{all}");
    let told = fleet.fake.refused.lock().unwrap();
    assert_eq!(told[0].request_id, "my-1");
}

#[tokio::test]
async fn allowances_are_sampled_and_name_who_came_by_id_alone() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.access_token(ANN));
    let answer = fleet.check(DAGS, &bearer).await;
    assert_eq!(answer.header("x-aeolus-request-id"), None);
    let lines = fleet.gate.log.drain(NOW);
    let [Line::One(entry)] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(entry.outcome, Outcome::Allow);
    assert_eq!(entry.subject, Some(aeolus_model::Subject::User(ANN)));
    assert!(!format!("{entry:?}").contains("ann@"), "{entry:?}");
}

#[tokio::test]
async fn f59_what_a_client_sends_can_not_forge_a_line_or_an_id() {
    let fleet = Fleet::start().await;
    let evil = "X-Request-Id: a b\"}\r\nUser-Agent: x\"}\r\n";
    let answer = fleet.ask("GET /a%0d%0ab%1b%22}", evil).await;
    let id = answer.header("x-aeolus-request-id").unwrap().to_owned();
    assert_eq!(id.len(), 32, "{id}");
    for line in fleet.gate.log.drain(NOW) {
        let Line::One(entry) = line else { panic!() };
        assert_eq!(entry.request_id.as_str(), id);
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        assert!(plain(&entry.path) && plain(&entry.host), "{entry:?}");
    }
}

#[tokio::test]
async fn a_trace_goes_on_to_the_application_with_a_span_of_our_own() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let headers = format!("{bearer}traceparent: {given}\r\ntracestate: a=b\r\n");
    assert_eq!(fleet.ask("GET /x", &headers).await.status, 200);
    let bad = format!("{bearer}traceparent: evil\r\ntracestate: a=b\r\n");
    assert_eq!(fleet.ask("GET /x", &bad).await.status, 200);
    let seen = fleet.airflow.seen.lock().unwrap();
    let line = |head: &str, name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned())
    };
    let child = line(&seen[0], "traceparent").unwrap();
    assert!(child.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && child.ends_with("-00"));
    assert_ne!(child, given);
    assert_eq!(line(&seen[0], "tracestate").as_deref(), Some("a=b"));
    let own = line(&seen[1], "traceparent").unwrap();
    assert!(own.len() == 55 && own != "evil", "{own}");
    assert_eq!(line(&seen[1], "tracestate"), None);
}

#[tokio::test]
async fn an_old_gate_says_so_on_every_answer() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let header = "x-aeolus-staleness";
    assert_eq!(fleet.check(DAGS, &bearer).await.header(header), None);
    *fleet.fake.age.lock().unwrap() = Some(Duration::from_secs(90));
    for answer in [
        fleet.check(DAGS, &bearer).await,
        fleet.check(DAGS, "").await,
        fleet.ask("GET /x", &bearer).await,
        fleet.ask("GET /x", "").await,
        fleet.ask("GET /x", "Accept: text/html\r\n").await,
    ] {
        assert_eq!(answer.header(header), Some("90"), "{answer:?}");
    }
    let state = value(&fleet, "aeolus_gate_snapshot_state", &["state=\"stale\""]).await;
    assert_eq!(state.as_deref(), Some("1.0"));
}

#[tokio::test]
async fn readiness_says_where_the_knowledge_is_from() {
    let fleet = Fleet::start().await;
    let json = "Accept: application/json\r\n";
    for address in [&fleet.checks, &fleet.metrics] {
        assert_eq!(get(address, "/readyz", "").await.body(), "ready\n");
    }
    *fleet.fake.standing.lock().unwrap() = Some(Standing {
        position: Position { epoch: 2, seq: 9 },
        from_disk: true,
    });
    *fleet.fake.age.lock().unwrap() = Some(Duration::from_secs(42));
    let ready = get(&fleet.metrics, "/readyz", "").await;
    assert_eq!(ready.body(), "ready (from disk, age 42 s)\n");
    let ready = get(&fleet.metrics, "/readyz", json).await;
    let ready: serde_json::Value = serde_json::from_str(ready.body()).unwrap();
    let wanted =
        serde_json::json!({"ready": true, "fromDisk": true, "age": 42, "epoch": 2, "seq": 9});
    assert_eq!(ready, wanted);
    *fleet.fake.world.lock().unwrap() = None;
    let ready = get(&fleet.metrics, "/readyz", "").await;
    assert_eq!((ready.status, ready.body()), (503, "no snapshot yet\n"));
    let ready = get(&fleet.metrics, "/readyz", json).await;
    assert_eq!((ready.status, ready.body()), (503, "{\"ready\":false}"));
}

/// Waits until the probes have found something.
async fn probed(fleet: &Fleet) {
    let control = Client::new(&format!("http://{}", fleet.airflow.address)).unwrap();
    let every = Duration::from_secs(1);
    tokio::spawn(probe::run(Arc::clone(&fleet.gate), Some(control), every));
    let found = async {
        while samples(fleet)
            .await
            .get("aeolus_gate_probe_success")
            .is_none_or(|found| found.len() < 6)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, found).await.expect("in time");
}

#[tokio::test]
async fn probes_blame_the_part_that_fails() {
    let fleet = Fleet::start().await;
    probed(&fleet).await;
    let all = samples(&fleet).await;
    let success = &all["aeolus_gate_probe_success"];
    let of = |deployment: &str, part: &str| {
        let deployment = format!("deployment=\"{deployment}\"");
        let part = format!("part=\"{part}\"");
        let fits =
            |labels: &BTreeSet<String>| labels.contains(&deployment) && labels.contains(&part);
        let found = success.iter().find(|(labels, _)| fits(labels));
        found.map(|(_, value)| value.as_str())
    };
    for part in ["decision", "upstream", "control"] {
        assert_eq!(of("etl", part), Some("1.0"), "{part}: {success:?}");
    }
    // Nothing listens where this one's Airflow should be; the gate itself is fine.
    assert_eq!(of("bi", "upstream"), Some("0.0"));
    assert_eq!(of("bi", "decision"), Some("1.0"));
    // Probes are nobody's requests.
    assert!(!all.contains_key("aeolus_gate_decisions_total"));
    assert!(fleet.fake.refused.lock().unwrap().is_empty());
}

/// The names of metrics in an expression, each with the labels it is matched by.
fn names(expression: &str) -> Vec<(String, Vec<String>)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find("aeolus_") {
        rest = &rest[at..];
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let matched = behind.strip_prefix('{').and_then(|b| b.split_once('}'));
        let matched = matched.map_or("", |(inside, _)| inside);
        let labels = matched.split(',').filter_map(|pair| pair.split_once('='));
        let labels = labels.map(|(label, _)| label.trim_end_matches('!').trim().to_owned());
        found.push((name.to_owned(), labels.collect()));
        rest = behind;
    }
    found
}

/// The labels that an expression groups by.
fn grouped(expression: &str) -> Vec<String> {
    let groups = expression.split("by (").skip(1);
    let groups = groups.filter_map(|rest| rest.split_once(')'));
    let labels = groups.flat_map(|(labels, _)| labels.split(','));
    labels.map(|label| label.trim().to_owned()).collect()
}

/// Every `expr`, and every `query` of a variable.
fn expressions(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == "expr" || name == "query" => found.push(text.to_owned()),
                    _ => expressions(value, found),
                }
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn dashboards_and_alerts_use_figures_and_labels_that_a_gate_has() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    fleet.check(DAGS, &bearer).await;
    fleet.check(DAGS, "").await;
    let broken = format!("GET /x HTTP/1.1\r\nHost: bi.test\r\n{bearer}Connection: close\r\n\r\n");
    assert_eq!(raw(&fleet.proxy, broken.as_bytes()).await.status, 502);
    probed(&fleet).await;
    let all = samples(&fleet).await;

    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");
    let read = |path| std::fs::read_to_string(format!("{deploy}/{path}")).unwrap();
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("grafana/aeolus-gate.json")).unwrap();
    let rules: serde_json::Value = serde_saphyr::from_str(&read("prometheus/rules.yml")).unwrap();
    let mut used = BTreeSet::new();
    // Prometheus adds these two to whatever it scrapes.
    let everywhere = ["instance", "job"];
    for (file, least) in [(dashboard, 25), (rules, 10)] {
        let mut found = Vec::new();
        expressions(&file, &mut found);
        assert!(found.len() >= least, "{found:?}");
        // What `aeolus pki check` writes is not a gate's; its own tests look after it.
        found.retain(|expression| !expression.contains("aeolus_pki_check_"));
        for expression in found {
            let names = names(&expression);
            let mut known: BTreeSet<&str> = everywhere.into();
            for (name, matched) in &names {
                let samples = all.get(name).unwrap_or_else(|| {
                    panic!("a gate has no {name}, used in {expression}");
                });
                let labels = samples.iter().flat_map(|(labels, _)| labels);
                known.extend(labels.filter_map(|label| Some(label.split_once('=')?.0)));
                for label in matched {
                    assert!(
                        known.contains(&**label),
                        "{name} has no {label}: {expression}"
                    );
                }
                used.insert(name.clone());
            }
            for label in grouped(&expression) {
                assert!(known.contains(&*label), "no {label}: {expression}");
            }
        }
    }
    // Whatever a gate shows is on the dashboard or alerted on.
    for name in all.keys() {
        let family = name
            .trim_end_matches("_sum")
            .trim_end_matches("_count")
            .trim_end_matches("_bucket");
        assert!(
            used.iter().any(|used| used.starts_with(family)),
            "{name} is used nowhere"
        );
    }
}
