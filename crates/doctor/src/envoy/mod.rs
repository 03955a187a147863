//! Envoy with `ext_authz`, over HTTP or gRPC.

mod filter;
mod manager;
mod over_http;

use serde_json::Value;

use self::filter::Filter;
use self::manager::{Manager, Route, Routed};
use self::over_http::OverHttp;
use crate::finding::{Examined, Guard};
use crate::tree::Malformed;
use crate::yaml::{at, text, yaml};

const ASKS: Guard = Guard::error(
    "DOC-ENVOY-01",
    "no listener asks the gate",
    "Whatever Envoy passes on reaches Airflow without a decision.",
    "an envoy.filters.http.ext_authz filter before the router, as in deploy/envoy-http/envoy.yaml",
);
const ALL_ASK: Guard = Guard::error(
    "DOC-ENVOY-02",
    "a route leads to the same Airflow without asking",
    "Its requests reach Airflow without a decision.",
    "no disabled: true for ext_authz on that route, and the filter in every listener",
);

pub(crate) fn examine(source: &str) -> Result<Examined, Malformed> {
    let mut examined = Examined::default();
    let given = yaml(source)?;
    let mut managers = Vec::new();
    find_managers(&given, &mut managers);
    let (asking, open): (Vec<_>, Vec<_>) = managers
        .into_iter()
        .map(Manager::new)
        .partition(|one| one.filter.is_some());
    if asking.is_empty() {
        examined.find(ASKS, "every listener");
    }
    for manager in &asking {
        examine_one(manager, &open, &mut examined);
    }
    Ok(examined.sorted())
}

fn examine_one(manager: &Manager<'_>, open: &[Manager<'_>], examined: &mut Examined) {
    let name = text(manager.config, "stat_prefix");
    let place = format!("connection manager {name}");
    examined.judge(Manager::RULES, manager, &place);
    if !at(manager.config, "rds").is_null() {
        let note = format!("the routes of {place} come from another place and were not looked at");
        examined.notes.push(note);
    }
    let Some(filter) = manager.filter else { return };
    examined.judge(Filter::RULES, &Filter { filter }, &place);
    if !at(filter, "http_service").is_null() {
        examined.judge(OverHttp::RULES, &OverHttp { filter }, &place);
    }
    let guarded: Vec<_> = manager.routes().filter(|route| !route.is_open()).collect();
    for route in &guarded {
        let grpc = at(filter, "http_service").is_null();
        examined.judge(
            Routed::RULES,
            &Routed { route, grpc },
            &format!("route {}", route.name()),
        );
    }
    let clusters: Vec<_> = guarded.iter().filter_map(Route::cluster).collect();
    let others = open.iter().flat_map(Manager::routes);
    let own = manager.routes().filter(Route::is_open);
    for route in own.chain(others) {
        if route
            .cluster()
            .is_some_and(|cluster| clusters.contains(&cluster))
        {
            examined.find(ALL_ASK, format!("route {}", route.name()));
        }
    }
}

/// Connection managers, wherever they are.
fn find_managers<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            if text(value, "@type").ends_with(".HttpConnectionManager") {
                found.push(value);
            }
            map.values().for_each(|value| find_managers(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| find_managers(value, found)),
        _ => {}
    }
}
