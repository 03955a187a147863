//! Paths: who asks control about what, what its word can do, and what happens when it has none.

use std::time::Duration;

use aeolus_decide::SessionCookie;
use aeolus_snapshot::section;

use crate::fleet::{ANN, Answer, ETL, EVE, Fleet, Said, raw};

const DAGS: &str = "GET https://etl.test/api/v2/dags";

fn flag(path: section::RolloutPath) -> section::Rollout {
    section::Rollout {
        name: "to-there".to_owned(),
        path: path.into(),
        percent: 100,
        ..section::Rollout::default()
    }
}

/// A gate whose deployments are on the central path.
async fn central() -> Fleet {
    let fleet = Fleet::start().await;
    put(&fleet, vec![flag(section::RolloutPath::Central)]);
    fleet
}

fn put(fleet: &Fleet, rollouts: Vec<section::Rollout>) {
    fleet.publish(|s| s.rollouts.rollouts = rollouts);
}

fn says(fleet: &Fleet, said: Said) {
    *fleet.fake.central.lock().unwrap() = said;
}

fn questions(fleet: &Fleet) -> Vec<serde_json::Value> {
    std::mem::take(&mut fleet.fake.questions.lock().unwrap())
}

async fn metrics(fleet: &Fleet) -> String {
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    raw(&fleet.metrics, request).await.body().to_owned()
}

fn seen(answer: &Answer) -> (u16, bool) {
    (answer.status, answer.header("authorization").is_some())
}

#[tokio::test]
async fn o4_control_is_asked_on_its_path_and_nobody_on_the_planes() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    put(&fleet, vec![flag(section::RolloutPath::Plane)]);
    assert_eq!(seen(&fleet.check(DAGS, &bearer).await), (200, true));
    assert_eq!(questions(&fleet).len(), 0);
    put(&fleet, vec![flag(section::RolloutPath::Central)]);
    assert_eq!(seen(&fleet.check(DAGS, &bearer).await), (200, true));
    assert_eq!(fleet.ask("GET /api/v2/dags", &bearer).await.status, 200);
    let asked = questions(&fleet);
    assert_eq!(asked.len(), 2);
    for question in asked {
        assert_eq!(question["deployment"], ETL.to_string());
        assert_eq!(question["method"], "GET");
        assert!(question["authorization"].is_string());
        assert!(question.get("session").is_none());
    }
    let metrics = metrics(&fleet).await;
    for path in ["plane", "central"] {
        let line = format!("path=\"{path}\",deployment=\"etl\"");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn control_can_only_narrow() {
    let fleet = central().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    // What the gate refuses is refused, and control never hears of it.
    for (line, headers, status) in [
        (DAGS, String::new(), 401),
        (DAGS, "Authorization: Bearer x.y.z\r\n".to_owned(), 401),
        ("POST https://etl.test/execution/x", bearer.clone(), 403),
        ("GET https://nobody.test/", bearer.clone(), 403),
    ] {
        assert_eq!(fleet.check(line, &headers).await.status, status, "{line}");
    }
    let eve = fleet.cookie("etl.test", EVE);
    let foreign = format!("Cookie: {eve}\r\nOrigin: https://evil.test\r\n");
    let write = "POST https://etl.test/api/v2/dags";
    assert_eq!(fleet.check(write, &foreign).await.status, 403);
    assert_eq!(questions(&fleet).len(), 0);
    // Control's refusals hold, with its reason's status, and carry nothing.
    for (verdict, status) in [
        ("token_revoked", 401),
        ("forbidden", 403),
        ("stale", 503),
        ("tomorrows_reason", 403),
        ("Allow", 403),
        ("", 403),
    ] {
        says(&fleet, Said::Verdict(verdict));
        let answer = fleet.check(DAGS, &bearer).await;
        assert_eq!(seen(&answer), (status, false), "{verdict}");
    }
    let refused = fleet.fake.refused.lock().unwrap();
    assert!(refused.iter().any(|line| line.reason == "token_revoked"));
}

#[tokio::test]
async fn a_browser_that_control_knows_no_more_is_sent_to_sign_in() {
    let fleet = central().await;
    let cookie = format!(
        "Cookie: {}\r\nAccept: text/html\r\n",
        fleet.cookie("etl.test", ANN)
    );
    let page = "GET https://etl.test/dags";
    assert_eq!(fleet.check(page, &cookie).await.status, 200);
    says(&fleet, Said::Verdict("session_ended"));
    let answer = fleet.check(page, &cookie).await;
    let location = "/.aeolus/sign-in?next=/dags";
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("x-auth-location"), Some(location));
}

#[tokio::test]
async fn control_learns_what_a_cookie_says_and_no_cookie() {
    use base64::Engine as _;
    let fleet = central().await;
    let cookie = fleet.cookie("etl.test", ANN);
    let headers = format!("Cookie: {cookie}; other=secret\r\n");
    assert_eq!(fleet.check(DAGS, &headers).await.status, 200);
    let asked = questions(&fleet).remove(0);
    let text = asked["session"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap();
    assert_eq!(SessionCookie::decode(&bytes), Some(fleet.session(ANN)));
    let sealed = cookie.split_once('=').unwrap().1;
    let all = asked.to_string();
    assert!(!all.contains(sealed) && !all.contains("secret"), "{all}");
}

#[tokio::test]
async fn without_controls_word_nobody_passes() {
    let fleet = central().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    says(&fleet, Said::Error);
    assert_eq!(seen(&fleet.check(DAGS, &bearer).await), (503, false));
    says(&fleet, Said::Nothing);
    let began = tokio::time::Instant::now();
    assert_eq!(seen(&fleet.check(DAGS, &bearer).await), (503, false));
    let took = began.elapsed();
    let second = Duration::from_secs(1);
    assert!((second..second * 5).contains(&took), "{took:?}");
}

#[tokio::test]
async fn o4_a_deployment_that_does_badly_falls_back_and_says_so() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    put(
        &fleet,
        vec![section::Rollout {
            fall_back: Some(section::FallBack {
                bad_percent: 50,
                slow_millis: 1_000,
                requests: 4,
                hold: 600,
            }),
            ..flag(section::RolloutPath::Central)
        }],
    );
    // Refusals for cause are good.
    says(&fleet, Said::Verdict("forbidden"));
    for _ in 0..20 {
        assert_eq!(fleet.check(DAGS, &bearer).await.status, 403);
    }
    assert_eq!(fleet.fake.moved.lock().unwrap().len(), 0);
    says(&fleet, Said::Error);
    let mut lost = 0;
    while fleet.check(DAGS, &bearer).await.status == 503 {
        lost += 1;
        assert!(lost < 60, "it never falls back");
    }
    let moved = fleet.fake.moved.lock().unwrap().clone();
    let [moved] = &moved[..] else {
        panic!("{moved:?}");
    };
    assert_eq!((moved.deployment, moved.back), (ETL, false));
    assert_eq!(moved.path, aeolus_model::RolloutPath::Plane);
    let reports = fleet.gate.rollout_reports();
    assert_eq!(reports[0].figures.fallen, [ETL]);
    // Its time is not over; taken off the central path it is not fallen any more.
    fleet.gate.put_back();
    assert_eq!(fleet.check(DAGS, &bearer).await.status, 200);
    put(&fleet, vec![flag(section::RolloutPath::Plane)]);
    fleet.gate.put_back();
    assert_eq!(fleet.gate.rollout_reports()[0].figures.fallen, []);
}

#[tokio::test]
async fn o4_what_is_counted_is_reported_by_flag_and_path() {
    let fleet = Fleet::start().await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    put(
        &fleet,
        vec![section::Rollout {
            shadow_percent: 100,
            ..flag(section::RolloutPath::Central)
        }],
    );
    fleet.check(DAGS, &bearer).await;
    says(&fleet, Said::Verdict("token_revoked"));
    fleet.check(DAGS, &bearer).await;
    let report = fleet.gate.rollout_reports().remove(0);
    assert_eq!(report.name.as_str(), "to-there");
    let figures = report.figures;
    let [path] = &figures.paths[..] else {
        panic!("{figures:?}");
    };
    assert_eq!((path.requests, path.errors), (2, 0));
    assert_eq!(path.denials, [("token_revoked".to_owned(), 1)].into());
    assert_eq!(figures.compared, 2);
    let [difference] = &figures.differences[..] else {
        panic!("{figures:?}");
    };
    assert_eq!(
        (&*difference.plane, &*difference.central),
        ("allow", "token_revoked")
    );
    put(&fleet, vec![]);
    assert_eq!(fleet.gate.rollout_reports(), []);
}
