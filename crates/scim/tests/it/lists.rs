//! Lookups, order, pages and searches.

use std::cmp::Ordering;

use aeolus_scim::schema::{GROUP, RESOURCE_TYPES, USER, uri};
use aeolus_scim::{ListResponse, Page, Position, Query, Reason, Sort};
use serde_json::json;

use crate::support::*;

#[test]
fn lookups_say_what_an_index_can_answer() {
    for (filter, expected) in [
        (
            "userName eq \"A\" or userName eq \"B\"",
            Some((vec![vec!["a"], vec!["b"]], true)),
        ),
        (
            "userName eq \"a\" and active eq true",
            Some((vec![vec!["a"]], false)),
        ),
        (
            "userName eq \"a\" and (externalId eq \"b\" or externalId eq \"c\")",
            Some((vec![vec!["a"]], false)),
        ),
        (
            "(userName eq \"a\" or id eq \"b\") and (id eq \"c\" or id eq \"d\")",
            Some((vec![vec!["a"], vec!["b"]], false)),
        ),
        ("userName eq \"a\" or active eq true", None),
        ("not (userName eq \"a\")", None),
        (
            "not (userName eq \"a\") and id eq \"b\"",
            Some((vec![vec!["b"]], false)),
        ),
        ("userName sw \"a\"", None),
        ("userName eq null", None),
        ("emails[value eq \"A\" or value eq \"b\"]", None),
        ("emails[not (value eq \"a\")]", None),
        (
            "emails[value eq \"A\" and type ne \"x\"]",
            Some((vec![vec!["a"]], false)),
        ),
    ] {
        let found = lookups(&USER, filter).map(|found| {
            let alternatives = found.alternatives.into_iter();
            let values = |all: Vec<aeolus_scim::Lookup>| {
                all.into_iter().map(|lookup| lookup.value).collect()
            };
            (
                alternatives.map(values).collect::<Vec<Vec<String>>>(),
                found.exact,
            )
        });
        let expected = expected.map(|(all, exact)| {
            let all = all
                .iter()
                .map(|all| all.iter().map(|&value| value.to_owned()).collect());
            (all.collect::<Vec<Vec<String>>>(), exact)
        });
        assert_eq!(found, expected, "{filter}");
    }
}

#[test]
fn sorting_is_by_type_with_what_is_absent_last() {
    let resources = [
        user(&json!({"title": "b"})),
        user(&json!({})),
        user(&json!({"title": "A"})),
    ];
    let order = |by: &str, order: Option<&str>| {
        let sort = Sort::parse(&USER, Some(by), order).unwrap().unwrap();
        let mut places = vec![0, 1, 2];
        places.sort_by(|left: &usize, right: &usize| {
            sort.compare(
                &sort.key(resources[*left].tree()),
                &sort.key(resources[*right].tree()),
            )
        });
        places
    };
    assert_eq!(order("title", None), [2, 0, 1]);
    assert_eq!(order("TITLE", Some("Descending")), [1, 0, 2]);
    let by_email = Sort::parse(&USER, Some("emails"), None).unwrap().unwrap();
    assert_eq!(by_email.by(), "emails.value");
    let (two, none) = (with_emails(), user(&json!({})));
    let (two, none) = (by_email.key(two.tree()), by_email.key(none.tree()));
    assert_eq!(by_email.compare(&two, &none), Ordering::Less);
    assert!(Sort::parse(&USER, None, Some("x")).unwrap().is_none());
    for (by, order) in [("nothing", None), ("name", None), ("title", Some("up"))] {
        assert_eq!(
            reason(Sort::parse(&USER, Some(by), order)),
            Reason::InvalidValue
        );
    }
    assert_eq!(
        reason(Sort::parse(&GROUP, Some("members"), None)),
        Reason::InvalidValue
    );
}

#[test]
fn scim_r5_cursor_pages() {
    let query = Query::from_url("cursor&count=2&filter=title+pr").unwrap();
    let page = query.page(&LIMITS).unwrap();
    assert_eq!(
        page,
        Page::Cursor {
            cursor: None,
            count: 2
        }
    );
    let position = Position {
        after: "row".to_owned(),
        since: 10,
    };
    let next = position.to_cursor(&query.identity(&USER));
    let list = ListResponse {
        resources: vec![],
        total: 5,
        page,
        next_cursor: Some(next.clone()),
    };
    let list = list.into_json();
    assert_eq!(list["nextCursor"], next);
    assert!(list.get("startIndex").is_none());
    let again = Query::from_url(&format!("cursor={next}&count=3&filter=title%20pr")).unwrap();
    let Page::Cursor {
        cursor: Some(cursor),
        count: 3,
    } = again.page(&LIMITS).unwrap()
    else {
        panic!("no cursor");
    };
    let read = Position::from_cursor(&cursor, &again.identity(&USER), 20, &LIMITS).unwrap();
    assert_eq!(read, position);
    let other = Query::from_url("cursor&filter=nickName+pr").unwrap();
    for identity in [other.identity(&USER), again.identity(&GROUP)] {
        let misused = Position::from_cursor(&cursor, &identity, 20, &LIMITS);
        assert_eq!(reason(misused), Reason::InvalidCursor);
    }
    let count = Query::from_url("cursor&count=x").unwrap();
    assert_eq!(reason(count.page(&LIMITS)), Reason::InvalidCount);
    let index = Query::from_url("startIndex=x").unwrap();
    assert_eq!(reason(index.page(&LIMITS)), Reason::InvalidValue);
}

#[test]
fn scim_r5_search_says_in_a_body_what_a_url_says() {
    let body = json!({
        "schemas": [uri::SEARCH_REQUEST],
        "attributes": ["userName", "name.givenName"],
        "filter": "title pr", "sortBy": "title", "sortOrder": "descending",
        "startIndex": 11, "count": 10,
    });
    let url = "attributes=userName,name.givenName&filter=title+pr&sortBy=title&sortOrder=descending&startIndex=11&count=10";
    assert_eq!(
        Query::from_body(body).unwrap(),
        Query::from_url(url).unwrap()
    );
    for body in [
        json!([]),
        json!({"filter": {}}),
        json!({"attributes": [1]}),
        json!({"schemas": ["x"]}),
    ] {
        assert_eq!(reason(Query::from_body(body)), Reason::InvalidSyntax);
    }
}

#[test]
fn scim_r5_search_over_all_types_leaves_out_those_without_the_attribute() {
    let names = |filter: &str| -> Vec<&str> {
        let query = Query::from_body(json!({"filter": filter})).unwrap();
        let answers = query.on_all(&RESOURCE_TYPES, &LIMITS).unwrap();
        answers.iter().map(|(kind, _)| kind.name).collect()
    };
    assert_eq!(names("displayName pr"), ["User", "Group"]);
    assert_eq!(names("userName pr"), ["User"]);
    assert_eq!(names("members pr"), ["Group"]);
    let nowhere = Query::from_body(json!({"filter": "shoe pr"})).unwrap();
    assert_eq!(
        reason(nowhere.on_all(&RESOURCE_TYPES, &LIMITS)),
        Reason::InvalidFilter
    );
}
