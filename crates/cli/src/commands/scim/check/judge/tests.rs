use serde_json::json;

use super::*;

fn answer(status: u16, body: impl Into<Value>) -> Answer {
    Answer {
        status,
        media: "application/scim+json;charset=utf-8".to_owned(),
        body: body.into().to_string().into_bytes(),
        ..Answer::default()
    }
}

fn values() -> Values {
    [
        ("user".to_owned(), "u\"1".to_owned()),
        ("login".to_owned(), "ann".to_owned()),
    ]
    .into()
}

fn problems(expected: &[Expect], answer: &Answer) -> Vec<String> {
    judge(expected, answer, &values())
}

#[test]
fn values_stay_inside_their_texts() {
    assert_eq!(
        filled("/Users/{user}/x", &values()),
        Ok("/Users/u\"1/x".to_owned())
    );
    assert_eq!(filled("{nobody}", &values()), Err("nobody".to_owned()));
    let body = json!({"a": ["{user}", {"b": "x{login}"}], "n": 1});
    assert_eq!(
        filled_in(body, &values()),
        Ok(json!({"a": ["u\"1", {"b": "xann"}], "n": 1}))
    );
}

#[test]
fn a_wrong_status_says_enough_and_gives_the_reason() {
    let refused = answer(400, json!({"detail": "no\u{1b} such\nfilter"}));
    let found = problems(&[Expect::Has("/id"), Expect::Status(&[200, 204])], &refused);
    assert_eq!(
        found,
        ["answered 400 where 200 or 204 is needed: no suchfilter"]
    );
}

#[test]
fn types_are_judged_and_not_their_looks() {
    let body =
        json!({"active": "True", "totalResults": "1", "id": 7, "schemas": ["x"], "Resources": {}});
    let all = [
        Expect::Bool("/active", true),
        Expect::Number("/totalResults"),
        Expect::Count("/totalResults", 1),
        Expect::Is("/id", "7"),
        Expect::Schema("y"),
        Expect::List("/Resources"),
    ];
    let found = problems(&all, &answer(200, body));
    assert_eq!(found.len(), all.len(), "{found:?}");
    assert_eq!(found[0], "active is \"True\", not the boolean true");
    let good =
        json!({"active": true, "totalResults": 1, "id": "7", "schemas": ["y"], "Resources": []});
    assert!(problems(&all, &answer(200, good)).is_empty());
}

#[test]
fn what_is_empty_is_not_there() {
    for empty in [json!(null), json!(""), json!([])] {
        let answer = answer(200, json!({ "members": empty }));
        assert_eq!(problems(&[Expect::Has("/members")], &answer).len(), 1);
        assert!(problems(&[Expect::Lacks("/members")], &answer).is_empty());
    }
    let there = answer(200, json!({"members": [{"value": "u\"1"}]}));
    assert_eq!(problems(&[Expect::Lacks("/members")], &there).len(), 1);
    assert!(problems(&[Expect::Holds("/members", "{user}")], &there).is_empty());
    assert_eq!(
        problems(&[Expect::Misses("/members", "{user}")], &there).len(),
        1
    );
    assert_eq!(
        problems(&[Expect::Holds("/members", "{login}")], &there).len(),
        1
    );
    assert!(
        problems(
            &[Expect::Misses("/members", "{user}")],
            &answer(204, json!(null))
        )
        .is_empty()
    );
}

#[test]
fn nulls_names_and_headers_are_found() {
    let answer = Answer {
        took: Duration::from_millis(700),
        media: "text/html".to_owned(),
        ..answer(200, json!({"Resources": [{"id": "a", "b": [{"c": null}]}]}))
    };
    let found = problems(&[Expect::NoNulls], &answer);
    assert_eq!(found, ["Resources[0].b[0].c is null"]);
    assert!(problems(&[Expect::Names("/Resources", "a")], &answer).is_empty());
    assert_eq!(
        problems(&[Expect::Names("/Resources", "b")], &answer).len(),
        1
    );
    let headers = [Expect::Media, Expect::Location, Expect::Within(600)];
    assert_eq!(problems(&headers, &answer).len(), 3);
    let good = Answer {
        location: Some("https://x".to_owned()),
        media: "application/json".to_owned(),
        took: Duration::ZERO,
        ..answer
    };
    assert!(problems(&headers, &good).is_empty());
}
