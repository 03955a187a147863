//! `auth_time`, where a fresh sign-in was asked for.

use aeolus_model::Time;
use serde_json::{Value, json};

use super::case;
use crate::SignInError;
use crate::fixture::{Case, NOW, claims, merge};

fn by(case: &Case, auth_time: &Value) -> Result<(), SignInError> {
    let claims = merge(claims(), json!({ "auth_time": auth_time }));
    case.by(&claims).map(drop)
}

#[test]
fn a8_an_earlier_sign_in_is_no_fresh_one() {
    let mut fresh = case(json!({"clockTolerance": 0}));
    assert_eq!(by(&fresh, &json!(NOW - 5000)), Ok(()), "nobody asked");
    fresh.fresh_since = Some(Time::from_secs(NOW - 30));
    assert_eq!(by(&fresh, &json!(NOW - 30)), Ok(()));
    assert_eq!(by(&fresh, &json!(NOW - 31)), Err(SignInError::NotFresh));
    assert_eq!(by(&fresh, &Value::Null), Err(SignInError::NotFresh));
    let mut tolerant = case(json!({"clockTolerance": 60}));
    tolerant.fresh_since = fresh.fresh_since;
    assert_eq!(by(&tolerant, &json!(NOW - 90)), Ok(()));
    assert_eq!(by(&tolerant, &json!(NOW - 91)), Err(SignInError::NotFresh));
}
