//! Bulk (RFC 7644 §3.7).

use std::collections::HashMap;

use aeolus_scim::bulk::{Bulk, Done, Progress};
use aeolus_scim::schema::{GROUP, uri};
use aeolus_scim::{Error, Reason, Version};
use serde_json::{Value, json};

use crate::support::*;

fn bulk(operations: &Value) -> Result<Bulk, Error> {
    let body = json!({"schemas": [uri::BULK_REQUEST], "failOnErrors": 1, "Operations": operations});
    Bulk::read(body, &LIMITS)
}

fn group_of(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|name| json!({"value": format!("bulkId:{name}")}))
        .collect();
    json!({"method": "post", "path": "/Groups", "bulkId": bulk_id, "data": {"displayName": bulk_id, "members": members}})
}

#[test]
fn scim_r5_bulk_does_first_what_others_name() {
    let bulk = bulk(&json!([
        group_of("a", &["b", "c"]),
        group_of("b", &["c"]),
        group_of("c", &[]),
        {"method": "PATCH", "path": format!("{}/bulkId:a", GROUP.endpoint), "data": {}},
        group_of("d", &["nobody"]),
    ]))
    .unwrap();
    let plan = bulk.plan();
    let order: Vec<usize> = plan.iter().map(|step| step.at).collect();
    assert_eq!(order, [2, 1, 0, 3, 4]);
    let possible: Vec<bool> = plan.iter().map(|step| step.possible.is_ok()).collect();
    assert_eq!(possible, [true, true, true, true, false]);
    assert_eq!(
        plan[4].possible.as_ref().unwrap_err().reason,
        Reason::InvalidValue
    );
}

#[test]
fn scim_r5_bulk_refuses_a_circle_alone() {
    let bulk = bulk(&json!([
        group_of("a", &["b"]),
        group_of("b", &["a"]),
        group_of("c", &[]),
        group_of("d", &["d"])
    ]));
    let plan = bulk.unwrap().plan();
    let order: Vec<usize> = plan.iter().map(|step| step.at).collect();
    assert_eq!(order, [2, 0, 1, 3]);
    for step in &plan[1..] {
        let error = step.possible.as_ref().unwrap_err();
        assert_eq!((error.reason, error.status()), (Reason::Circular, 409));
    }
}

#[test]
fn scim_r5_bulk_ids_become_ids() {
    let bulk = bulk(&json!([
        group_of("a", &[]),
        {"method": "PUT", "path": format!("{}/bulkId:a", GROUP.endpoint), "data": {"members": [{"value": "bulkId:a"}, {"value": "x"}]}},
    ]));
    let [_, second] = <[_; 2]>::try_from(bulk.unwrap().operations).unwrap();
    let failed = second.clone().resolved(&HashMap::new());
    assert_eq!(reason(failed), Reason::InvalidValue);
    let ids = HashMap::from([("a".to_owned(), "g1".to_owned())]);
    let second = second.resolved(&ids).unwrap();
    assert_eq!(second.path, format!("{}/g1", GROUP.endpoint));
    assert_eq!(
        second.data.unwrap(),
        json!({"members": [{"value": "g1"}, {"value": "x"}]})
    );
}

#[test]
fn scim_r5_bulk_stops_after_so_many_errors_and_answers_in_the_order_sent() {
    let bulk = bulk(&json!([
        group_of("a", &["b"]),
        group_of("b", &[]),
        group_of("c", &[])
    ]))
    .unwrap();
    let mut progress = Progress::new(&bulk);
    progress.note(
        1,
        &Done {
            location: Some(format!("{BASE}{}/b", GROUP.endpoint)),
            version: Some(Version::new(1)),
            outcome: Ok(201),
        },
    );
    assert!(!progress.stops());
    let failed = Done {
        location: None,
        version: None,
        outcome: Err(Error::new(Reason::Uniqueness, "taken")),
    };
    progress.note(0, &failed);
    assert!(progress.stops());
    let answer = progress.into_json();
    assert_eq!(answer["schemas"], json!([uri::BULK_RESPONSE]));
    let operations = answer["Operations"].as_array().unwrap();
    assert_eq!(operations.len(), 2);
    assert_eq!(operations[0]["status"], "409");
    assert_eq!(operations[0]["response"]["scimType"], "uniqueness");
    assert_eq!(operations[1]["bulkId"], "b");
    assert_eq!(operations[1]["version"], "W/\"1\"");
}

#[test]
fn a17_bulk_beyond_the_limit_or_without_sense_is_refused() {
    let many: Vec<Value> = (0..1_001).map(|n| group_of(&n.to_string(), &[])).collect();
    let error = bulk(&json!(many)).unwrap_err();
    assert_eq!((error.reason, error.status()), (Reason::TooLarge, 413));
    for operations in [
        json!({}),
        json!([{"method": "GET", "path": "/Groups"}]),
        json!([{"method": "POST", "path": "/Groups"}]),
        json!([{"method": "DELETE", "path": "Groups"}]),
        json!([group_of("a", &[]), group_of("a", &[])]),
    ] {
        assert_eq!(
            reason(bulk(&operations)),
            Reason::InvalidSyntax,
            "{operations}"
        );
    }
}
