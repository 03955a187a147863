//! Each claim of each kind of token, taken away, of each other type, and changed. The signature is good
//! each time: what holds is that every claim is read, and read strictly. The snapshot says what a gate
//! answers; the assertions say what no edit of it may make true.

use std::fmt::Write as _;

use aeolus_keys::Kind;
use serde_json::{Map, Value, json};

use super::get;
use crate::Decision;
use crate::fixture::Fleet;

/// Claims that may be absent. What they say only narrows, or is not asked at a gate.
const OPTIONAL: [&str; 4] = ["acr", "amr", "perms", "surfaces"];
/// Claims that may have another value: a gate has nothing to compare it with, or it is a bound that is
/// kept all the same.
const FREE: [&str; 14] = [
    "acr longer",
    "acr empty",
    "amr other",
    "auth_time later",
    "auth_time earlier",
    "client_id longer",
    "client_id other",
    "exp later",
    "iat earlier",
    "jti longer",
    "jti empty",
    "nbf earlier",
    "sid other",
    // Its authority is inside, nobody has a record of it.
    "direct.sub other",
];

/// One of each type there is in JSON, and a number that is none for us.
fn types() -> [(&'static str, Value); 7] {
    [
        ("null", Value::Null),
        ("bool", json!(true)),
        ("number", json!(1_900_000_000)),
        ("fraction", json!(1.5)),
        ("string", json!("1900000000")),
        ("list", json!([])),
        ("object", json!({})),
    ]
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// The same type, another value.
fn changed(value: &Value) -> Vec<(&'static str, Value)> {
    let other = "ffffffff-ffff-4fff-8fff-ffffffffffff";
    match value {
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            let century = 4_000_000_000;
            vec![
                ("later", json!(number + century)),
                ("earlier", json!(number - century)),
            ]
        }
        Value::String(text) if text.len() == other.len() => vec![("other", json!(other))],
        Value::String(text) => vec![("longer", json!(format!("{text}x"))), ("empty", json!(""))],
        Value::Array(_) => vec![("other", json!(["x"]))],
        Value::Object(map) => {
            let mut other_id = map.clone();
            other_id.insert("id".to_owned(), json!(other));
            vec![
                ("other", Value::Object(other_id)),
                ("wider", json!({"type": "system"})),
            ]
        }
        Value::Null | Value::Bool(_) => vec![],
    }
}

fn claims_of(fleet: &Fleet, kind: Kind) -> Map<String, Value> {
    let claims = match kind {
        Kind::Access => {
            let mut claims = fleet.access_claims();
            claims.amr = vec!["pwd".to_owned()];
            claims.acr = Some("1".to_owned());
            serde_json::to_value(claims)
        }
        Kind::Api => {
            let mut claims = fleet.api_claims();
            claims.surfaces = Some(vec![aeolus_keys::claims::Surface::Planes]);
            serde_json::to_value(claims)
        }
        _ => {
            let mut claims = fleet.direct_claims();
            claims.perms = Some(vec![aeolus_model::Permission::DeploymentAirflowGet]);
            serde_json::to_value(claims)
        }
    };
    match claims.unwrap() {
        Value::Object(claims) => claims,
        other => panic!("{other}"),
    }
}

/// What a gate says, in a word.
fn said(fleet: &Fleet, kind: Kind, claims: &Map<String, Value>) -> String {
    match get(fleet, &fleet.bearer(kind, claims)) {
        Decision::Allow(_) => "allowed".to_owned(),
        Decision::Deny(deny) => deny.reason.code().to_owned(),
        other @ Decision::SignIn(_) => format!("{other:?}"),
    }
}

#[test]
fn t24_t28_t38_each_claim_of_each_kind_is_read_strictly() {
    let fleet = Fleet::new();
    let mut matrix = String::new();
    for kind in [Kind::Access, Kind::Api, Kind::Direct] {
        let good = claims_of(&fleet, kind);
        assert_eq!(said(&fleet, kind, &good), "allowed", "{kind}");
        for (claim, value) in &good {
            let mut with = |name: &str, new: Option<Value>| {
                let mut claims = good.clone();
                claims.remove(claim);
                claims.extend(new.map(|new| (claim.clone(), new)));
                let said = said(&fleet, kind, &claims);
                writeln!(matrix, "{kind}.{claim} {name}: {said}").unwrap();
                said == "allowed"
            };
            let optional = OPTIONAL.contains(&claim.as_str());
            assert!(!with("gone", None) || optional, "{kind} without {claim}");
            for (name, other) in types() {
                if name == type_of(value) {
                    continue;
                }
                let absent = optional && name == "null";
                assert!(!with(name, Some(other)) || absent, "{kind}.{claim} {name}");
            }
            for (name, other) in changed(value) {
                let passes = with(name, Some(other));
                let change = format!("{kind}.{claim} {name}");
                let free = FREE.iter().any(|free| change.ends_with(free));
                assert!(!passes || free, "{kind}.{claim} {name}");
            }
        }
    }
    insta::assert_snapshot!(matrix);
}
