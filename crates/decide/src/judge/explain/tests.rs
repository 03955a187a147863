use aeolus_keys::Kind;
use aeolus_model::{DeploymentId, UserId};

use super::*;
use crate::fixture::{ANN, BI, ETL, EVE, Fleet, NOW};
use crate::{Freshness, Headers};

fn said(fleet: &Fleet, line: &str, bearer: Option<&str>) -> (Vec<String>, Option<Reason>) {
    let (method, url) = line.split_once(' ').unwrap();
    let world = fleet.world();
    let judge = Judge {
        world: &world,
        memory: fleet,
        freshness: Freshness { age: fleet.age },
        now: NOW,
    };
    let bearer = bearer.iter().map(|b| ("authorization", b.as_bytes()));
    let explanation = explain(
        &judge,
        &Request {
            method: method.as_bytes(),
            target: url.as_bytes(),
            headers: Headers::collect(bearer),
            ..Request::default()
        },
    );
    let stopped = explanation.steps.last().unwrap().stopped;
    let lines = explanation.steps.into_iter();
    let lines = lines.map(|step| format!("{}: {}", step.stage, step.found));
    (lines.collect(), stopped)
}

fn access(fleet: &Fleet, user: UserId, deployment: DeploymentId) -> String {
    let mut claims = fleet.access_claims();
    claims.sub = user;
    claims.aud = format!("urn:aeolus:deployment:{deployment}");
    fleet.bearer(Kind::Access, &claims)
}

#[test]
fn an_allowance_says_where_the_permission_comes_from() {
    let fleet = Fleet::new();
    let bearer = access(&fleet, EVE, ETL);
    let (lines, stopped) = said(&fleet, "GET https://etl.test/a%2Fb", Some(&bearer));
    assert_eq!(stopped, None);
    let text = lines.join("\n");
    for part in [
        "request: GET is a read",
        "route: etl.test is etl-test",
        "raw \"/a%2Fb\": read, needs deployment.airflow.get; decoded \"/a/b\": read",
        "knowledge: 0 s old, within maxStale 86400 s",
        "credential: access token of user eve@example.com",
        "permission: deployment.airflow.get: from deployment etl-test; role in Airflow: viewer",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn the_last_step_has_the_reason_of_the_decision() {
    let fleet = Fleet::new();
    let ann = access(&fleet, ANN, ETL);
    let eve = access(&fleet, EVE, BI);
    for (line, bearer, stage, reason) in [
        ("BREW https://etl.test/", None, "request", Reason::Method),
        (
            "GET https://etl.test/../x",
            None,
            "request",
            Reason::TargetDots,
        ),
        (
            "GET https://nobody.test/",
            None,
            "route",
            Reason::HostUnknown,
        ),
        (
            "GET https://etl.test/execution/x",
            None,
            "path",
            Reason::PathRefused,
        ),
        (
            "GET https://etl.test/x",
            None,
            "credential",
            Reason::CredentialMissing,
        ),
        (
            "GET https://etl.test/x",
            Some("Bearer a"),
            "credential",
            Reason::TokenMalformed,
        ),
        (
            "GET https://bi.test/x",
            Some(&*ann),
            "credential",
            Reason::TokenAudience,
        ),
        (
            "GET https://bi.test/x",
            Some(&*eve),
            "permission",
            Reason::Forbidden,
        ),
    ] {
        let (lines, stopped) = said(&fleet, line, bearer);
        assert_eq!(stopped, Some(reason), "{line}: {lines:?}");
        assert!(
            lines.last().unwrap().starts_with(stage),
            "{line}: {lines:?}"
        );
    }
}

#[test]
fn every_reason_has_its_own_meaning_and_some_advice() {
    let mut meanings: Vec<_> = Reason::ALL.into_iter().map(Reason::meaning).collect();
    meanings.sort_unstable();
    meanings.dedup();
    assert_eq!(meanings.len(), Reason::ALL.len());
    assert!(Reason::ALL.into_iter().all(|r| r.advice().ends_with('.')));
}
