//! Hosts that are reached by a wildcard.

use aeolus_snapshot::section;
use proptest::prelude::*;

use super::*;
use crate::fixture::*;
use crate::world::Site;

fn at(fleet: &mut Fleet, number: usize, routes: &[(&str, &str)]) {
    let record = &mut fleet.sections.deployments.deployments[number];
    let route = |(host, prefix): &(&str, &str)| section::Route {
        host: (*host).to_owned(),
        path_prefix: (*prefix).to_owned(),
    };
    record.routes = routes.iter().map(route).collect();
}

/// ETL behind a wildcard, another organization's deployment at a host below it.
fn below() -> Fleet {
    let mut fleet = Fleet::new();
    at(&mut fleet, 0, &[("*.etl.test", "")]);
    at(&mut fleet, 2, &[("b.etl.test", "/airflow")]);
    fleet
}

#[test]
fn a_wildcard_reaches_one_label_and_a_name_shuts_it_out() {
    let fleet = below();
    let bearer = fleet.bearer(Kind::Access, &fleet.access_claims());
    let ask = |host: &str| fleet.ask("GET /x", host, &[("authorization", &bearer)]);
    for host in ["a.etl.test", "A.ETL.test.", "xn--a.etl.test:8443"] {
        let decision = ask(host);
        assert!(allowed(&decision), "{host}: {decision:?}");
        let Decision::Allow(allowed) = decision else {
            unreachable!()
        };
        assert_eq!(allowed.host(), "*.etl.test");
    }
    for host in [
        "etl.test",
        "a.b.etl.test",
        "-a.etl.test",
        "a_b.etl.test",
        ".etl.test",
        "aetl.test",
        "a.etl.test.evil",
        // What b's own deployment doesn't answer isn't the wildcard's either.
        "b.etl.test",
    ] {
        assert_eq!(denied(ask(host)), Reason::HostUnknown, "{host}");
    }
    assert_eq!(denied(ask("*.etl.test")), Reason::HostMalformed);
    assert_eq!(denied(ask("a%2e.etl.test")), Reason::HostMalformed);
    let foreign = fleet.ask(
        "GET /airflow/x",
        "b.etl.test",
        &[("authorization", &bearer)],
    );
    assert_eq!(denied(foreign), Reason::TokenAudience);
}

#[test]
fn a_refused_name_does_not_fall_to_the_wildcard() {
    let mut fleet = below();
    fleet.sections.deployments.deployments[2].profile = 99;
    let there = fleet.ask("GET /airflow/x", "b.etl.test", &[]);
    assert_eq!(denied(there), Reason::DeploymentNotUnderstood);
}

#[test]
fn two_deployments_at_one_wildcard_and_prefix_are_both_refused() {
    let mut fleet = below();
    at(&mut fleet, 1, &[("*.etl.test", "")]);
    let there = fleet.ask("GET /x", "a.etl.test", &[]);
    assert_eq!(denied(there), Reason::DeploymentNotUnderstood);
    at(&mut fleet, 1, &[("*.etl.test", "/bi")]);
    let world = fleet.world();
    let found = |path: &str| world.deployment_at("a.etl.test", path).map(|d| d.id);
    assert_eq!(found("/bi/x"), Some(BI));
    assert_eq!(found("/bix"), Some(ETL));
}

#[test]
fn a_hosts_sessions_stay_with_the_way_it_was_served() {
    let mut fleet = below();
    let cookie = fleet.seal_at(Site::Wildcard("a.etl.test"), fleet.cookie_claims());
    let ask =
        |fleet: &Fleet, host: &str, cookie: &str| fleet.ask("GET /x", host, &[("cookie", cookie)]);
    assert!(allowed(&ask(&fleet, "a.etl.test", &cookie)));
    // Not at a sister, nor where the host has come to a name of its own.
    let sister = ask(&fleet, "c.etl.test", &cookie);
    assert_eq!(denied(sister), Reason::SessionMalformed);
    at(&mut fleet, 1, &[("a.etl.test", "")]);
    let named = ask(&fleet, "a.etl.test", &cookie);
    assert_eq!(denied(named), Reason::SessionMalformed);
    // Nor does the session of a name that was given up come to the wildcard.
    let cookie = fleet.seal("a.etl.test", fleet.cookie_claims());
    assert!(allowed(&ask(&fleet, "a.etl.test", &cookie)));
    at(&mut fleet, 1, &[("bi.test", "")]);
    fleet
        .cookies
        .borrow_mut()
        .retain(|key, _| key.starts_with(b"Named"));
    let fallen = ask(&fleet, "a.etl.test", &cookie);
    assert_eq!(denied(fallen), Reason::SessionMalformed);
}

#[test]
fn o29_a_wildcards_sisters_are_other_origins() {
    let fleet = below();
    let cookie = fleet.seal_at(Site::Wildcard("a.etl.test"), fleet.cookie_claims());
    let write = |origin: &str| {
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        fleet.ask("POST /x", "a.etl.test", &headers)
    };
    assert!(allowed(&write("https://a.etl.test")));
    for other in [
        "https://c.etl.test",
        "https://etl.test",
        "https://*.etl.test",
    ] {
        assert_eq!(denied(write(other)), Reason::CrossSite, "{other}");
    }
}

#[test]
fn an_address_of_a_wildcard_is_a_host_that_nobody_has_by_name() {
    let mut fleet = below();
    at(&mut fleet, 1, &[("aeolus-0.etl.test", "")]);
    let world = fleet.world();
    let etl = world.deployment(ETL).unwrap();
    let (host, prefix) = world.address(etl).unwrap();
    assert_eq!((&*host, prefix), ("aeolus-1.etl.test", ""));
    assert_eq!(world.deployment_at(&host, "/").map(|d| d.id), Some(ETL));
}

/// By the sentence: an equal name, else a `*` for the first of equally many labels.
fn naive(patterns: &[(String, usize)], host: &str) -> Option<usize> {
    let found = |wild: bool| {
        let fits = |pattern: &str| {
            let (pattern, host): (Vec<_>, Vec<_>) =
                (pattern.split('.').collect(), host.split('.').collect());
            let label =
                |(at, (p, h)): (usize, (&&str, &&str))| p == h || (wild && at == 0 && *p == "*");
            pattern.len() == host.len() && pattern.iter().zip(&host).enumerate().all(label)
        };
        patterns.iter().find(|(pattern, _)| fits(pattern))
    };
    found(false)
        .or_else(|| found(true))
        .map(|(_, owner)| *owner)
}

fn names() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "b", "etl", "test"]);
    prop::collection::vec(label, 1..4).prop_map(|labels| labels.join("."))
}

proptest! {
    #[test]
    fn the_index_agrees_with_a_naive_matcher(
        owners in prop::collection::vec(
            prop::collection::btree_set(("(\\*\\.)?", names()), 0..4), 3),
        asked in prop::collection::vec(names(), 20),
    ) {
        let mut fleet = Fleet::new();
        let mut patterns: Vec<(String, usize)> = Vec::new();
        for (owner, hosts) in owners.iter().enumerate() {
            let hosts = hosts.iter().map(|(star, name)| format!("{star}{name}"));
            // What is no pattern is refused as a whole, which other tests are about.
            let hosts: Vec<String> = hosts
                .filter(|host| aeolus_model::HostPattern::parse(host).is_ok())
                .filter(|host| patterns.iter().all(|(taken, _)| taken != host))
                .collect();
            let routes: Vec<_> = hosts.iter().map(|host| (host.as_str(), "")).collect();
            at(&mut fleet, owner, &routes);
            patterns.extend(hosts.into_iter().map(|host| (host, owner)));
        }
        let world = fleet.world();
        for host in asked {
            let found = world.deployment_at(&host, "/").map(|found| found.id);
            let ids = [ETL, BI, FOREIGN];
            let expected = naive(&patterns, &host).map(|owner| ids[owner]);
            prop_assert_eq!(found, expected, "{} among {:?}", host, patterns);
            let any = world.any_deployment_of(&host).map(|found| found.id);
            prop_assert_eq!(any, expected);
        }
    }
}
