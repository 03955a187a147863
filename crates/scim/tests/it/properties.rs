//! What holds for any input: filters and paths are written as they are read, judged as a plain reading of the RFC
//! judges them, and a PATCH never panics and does everything or nothing.

use aeolus_scim::schema::{GROUP, USER, uri};
use aeolus_scim::{Document, Filter, Patch, Path, Profile, Query, fold};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::*;

/// A filter as a tree, which is judged by the letter.
#[derive(Debug, Clone)]
enum Plain {
    Title(&'static str, String),
    NickName(&'static str, String),
    Present(&'static str),
    Null(&'static str, &'static str),
    Active(&'static str, bool),
    Email(&'static str, &'static str, String),
    Within(Box<Plain>, Box<Plain>),
    Not(Box<Plain>),
    And(Box<Plain>, Box<Plain>),
    Or(Box<Plain>, Box<Plain>),
}

const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abAB]{0,2}",
        Just("é\"\\".to_owned()),
        Just("É".to_owned())
    ]
}

fn email_part() -> impl Strategy<Value = Plain> {
    (
        prop::sample::select(&OPERATORS[..]),
        prop::sample::select(&["value", "type"][..]),
        text(),
    )
        .prop_map(|(operator, part, value)| Plain::Email(operator, part, value))
}

fn plain() -> impl Strategy<Value = Plain> {
    let operator = || prop::sample::select(&OPERATORS[..]);
    let equality = || prop::sample::select(&["eq", "ne"][..]);
    let name = || prop::sample::select(&["title", "nickName", "active", "emails.type"][..]);
    let leaf = prop_oneof![
        (operator(), text()).prop_map(|(operator, value)| Plain::Title(operator, value)),
        (operator(), text()).prop_map(|(operator, value)| Plain::NickName(operator, value)),
        name().prop_map(Plain::Present),
        (name(), equality()).prop_map(|(name, operator)| Plain::Null(name, operator)),
        (equality(), any::<bool>()).prop_map(|(operator, value)| Plain::Active(operator, value)),
        email_part(),
        (email_part(), email_part()).prop_map(|(a, b)| Plain::Within(Box::new(a), Box::new(b))),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Plain::Not(Box::new(inner))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Plain::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| Plain::Or(Box::new(a), Box::new(b))),
        ]
    })
}

impl Plain {
    fn written(&self) -> String {
        let quoted = |value: &String| Value::from(value.as_str()).to_string();
        match self {
            Self::Title(operator, value) => format!("title {operator} {}", quoted(value)),
            Self::NickName(operator, value) => format!("nickName {operator} {}", quoted(value)),
            Self::Present(name) => format!("{name} pr"),
            Self::Null(name, operator) => format!("{name} {operator} null"),
            Self::Active(operator, value) => format!("active {operator} {value}"),
            Self::Email(operator, part, value) => {
                format!("emails.{part} {operator} {}", quoted(value))
            }
            Self::Within(a, b) => {
                let inner = format!("{} and {}", a.written(), b.written());
                format!("emails[{}]", inner.replace("emails.", ""))
            }
            Self::Not(inner) => format!("not ({})", inner.written()),
            Self::And(a, b) => format!("({}) and ({})", a.written(), b.written()),
            Self::Or(a, b) => format!("({}) or ({})", a.written(), b.written()),
        }
    }

    fn holds(&self, tree: &Map<String, Value>) -> bool {
        let emails: Vec<&Value> = tree
            .get("emails")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        let values = |name: &str| -> Vec<&Value> {
            match name.strip_prefix("emails.") {
                Some(part) => emails.iter().filter_map(|email| email.get(part)).collect(),
                None => tree.get(name).into_iter().collect(),
            }
        };
        match self {
            Self::Title(operator, value) => texts_hold(&values("title"), operator, value),
            Self::NickName(operator, value) => texts_hold(&values("nickName"), operator, value),
            Self::Email(operator, part, value) => {
                texts_hold(&values(&format!("emails.{part}")), operator, value)
            }
            Self::Present(name) => !values(name).is_empty(),
            Self::Null(name, operator) => values(name).is_empty() == (*operator == "eq"),
            Self::Active(operator, value) => {
                let equal = values("active") == [&Value::Bool(*value)];
                equal == (*operator == "eq")
            }
            Self::Within(a, b) => emails.iter().any(|email| {
                let one = Map::from_iter([("emails".to_owned(), json!([email]))]);
                a.holds(&one) && b.holds(&one)
            }),
            Self::Not(inner) => !inner.holds(tree),
            Self::And(a, b) => a.holds(tree) && b.holds(tree),
            Self::Or(a, b) => a.holds(tree) || b.holds(tree),
        }
    }
}

fn texts_hold(values: &[&Value], operator: &str, operand: &str) -> bool {
    let operand = fold(operand);
    if values.is_empty() {
        return operator == "ne";
    }
    values
        .iter()
        .filter_map(|value| value.as_str())
        .any(|value| {
            let value = fold(value);
            match operator {
                "eq" => value == operand,
                "ne" => value != operand,
                "co" => value.contains(&operand),
                "sw" => value.starts_with(&operand),
                "ew" => value.ends_with(&operand),
                "gt" => value > operand,
                "ge" => value >= operand,
                "lt" => value < operand,
                _ => value <= operand,
            }
        })
}

fn tree() -> impl Strategy<Value = Map<String, Value>> {
    let optional = || prop::option::of("[abAB]{1,2}|é\"\\\\");
    let email =
        (optional(), optional()).prop_map(|(value, kind)| json!({"value": value, "type": kind}));
    (
        optional(),
        optional(),
        prop::option::of(any::<bool>()),
        prop::collection::vec(email, 0..3),
    )
        .prop_map(|(title, nick_name, active, emails)| {
            let body = json!({
                "schemas": [uri::USER], "userName": "u",
                "title": title, "nickName": nick_name, "active": active, "emails": emails,
            });
            read(&USER, &Profile::STRICT, body)
                .unwrap()
                .resource
                .into_tree()
        })
}

/// Words of filters and paths, in any order.
const WORDS: &[&str] = &[
    "userName",
    "emails",
    "emails.value",
    "members",
    "meta.created",
    "active",
    "password",
    "urn:ietf:params:scim:schemas:core:2.0:User:title",
    "urn:",
    " ",
    ".",
    ".value",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "\"a\"",
    "\\",
    "eq",
    "co",
    "pr",
    "gt",
    "and",
    "or",
    "not",
    "null",
    "true",
    "-1e9",
    "\u{e9}",
    "type eq \"work\"",
];

fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(WORDS);
    (
        prop::collection::vec(word, 0..16),
        prop::sample::select(&["", " "][..]),
    )
        .prop_map(|(words, between)| words.join(between))
}

fn path() -> impl Strategy<Value = String> {
    let known = [
        "title",
        "name",
        "name.givenName",
        "active",
        "emails",
        "emails.type",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[value co \"a\" or primary eq true].primary",
        "members",
        "members[value eq \"a\"]",
        "externalId",
        "roles[primary eq \"True\"].value",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        "displayName",
        "userName",
        "id",
        "password",
        "x",
    ];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => words()]
}

fn value() -> impl Strategy<Value = Value> {
    let simple = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(&["", "a", "b", "True", "work"][..]).prop_map(Value::from),
    ];
    simple.prop_recursive(3, 12, 3, |inner| {
        let key = prop_oneof![
            prop::sample::select(&["value", "type", "primary", "givenName", "$ref", "display"][..])
                .prop_map(str::to_owned),
            path()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn operations() -> impl Strategy<Value = Value> {
    let operation = (
        prop::sample::select(&["add", "Replace", "remove"][..]),
        prop::option::of(path()),
        prop::option::of(value()),
    )
        .prop_map(|(op, path, value)| {
            let mut operation = json!({"op": op});
            if let Some(path) = path {
                operation["path"] = path.into();
            }
            if let Some(value) = value {
                operation["value"] = value;
            }
            operation
        });
    prop::collection::vec(operation, 0..5).prop_map(Value::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn filters_are_judged_as_the_rfc_reads(plain in plain(), tree in tree()) {
        let text = plain.written();
        let filter = Filter::parse(&USER, &text, &LIMITS).unwrap();
        prop_assert_eq!(filter.matches(&tree), plain.holds(&tree), "{} on {:?}", text, tree);
    }

    #[test]
    fn filters_are_written_as_they_are_read(plain in plain()) {
        let filter = Filter::parse(&USER, &plain.written(), &LIMITS).unwrap();
        let again = Filter::parse(&USER, &filter.to_string(), &LIMITS).unwrap();
        prop_assert_eq!(&again, &filter);
        prop_assert_eq!(again.to_string(), filter.to_string());
    }

    #[test]
    fn lookups_leave_out_nothing_that_the_filter_finds(name in "[abAB]", other in "[abAB]", plain in plain(), negated: bool) {
        let eq = format!("userName eq \"{name}\"");
        let text = if negated { format!("{eq} or not ({})", plain.written()) } else { format!("{eq} and ({})", plain.written()) };
        let filter = Filter::parse(&USER, &text, &LIMITS).unwrap();
        let body = json!({"schemas": [uri::USER], "userName": other});
        let resource = read(&USER, &Profile::STRICT, body).unwrap().resource;
        if let Some(lookups) = filter.lookups() {
            let found = lookups.alternatives.iter().any(|all| all.iter().all(|lookup| Some(&lookup.value) == resource.name_key().as_ref()));
            let matches = filter.matches(resource.tree());
            prop_assert!(!matches || found, "{}", text);
            prop_assert!(!lookups.exact || matches == found, "{}", text);
        }
    }

    #[test]
    fn any_words_are_read_or_refused(text in words(), bytes in ".{0,64}") {
        for text in [&text, &bytes] {
            for kind in [&USER, &GROUP] {
                if let Ok(filter) = Filter::parse(kind, text, &LIMITS) {
                    let again = Filter::parse(kind, &filter.to_string(), &LIMITS);
                    prop_assert_eq!(again, Ok(filter));
                }
                if let Ok(path) = Path::parse(kind, text, &LIMITS) {
                    let again = Path::parse(kind, &path.to_string(), &LIMITS);
                    prop_assert_eq!(again, Ok(path));
                }
            }
            let _ = Query::from_url(text);
        }
    }

    #[test]
    fn a_patch_does_everything_or_nothing(operations in operations(), groups: bool) {
        let resource = if groups { group() } else { with_emails() };
        let before = resource.clone();
        for profile in PROFILES {
            let body = json!({"Operations": operations.clone()});
            let Ok(patch) = Patch::read(resource.kind(), body, rules(profile)) else { continue };
            let Ok(after) = patch.apply(&resource) else { continue };
            prop_assert_eq!(after.changed, after.resource != before);
            // What comes out is canonical: read again, it is the same.
            let mut body = json!(after.resource.tree());
            body["schemas"] = json!(after.resource.schemas().collect::<Vec<_>>());
            let again = Document::read(resource.kind(), body, rules(&Profile::STRICT));
            prop_assert_eq!(again.map(|document| document.resource), Ok(after.resource.clone()));
            for member in after.members.added() {
                prop_assert!(!after.members.removed().any(|value| value == member.value));
            }
        }
        prop_assert_eq!(resource, before);
    }

    #[test]
    fn members_come_to_what_doing_one_operation_after_the_other_would(
        steps in prop::collection::vec((0..4_u8, prop::collection::vec("[a-e]", 0..3)), 0..8),
        before in prop::collection::btree_set("[a-e]", 0..5),
    ) {
        let mut model = before.clone();
        let operations: Vec<Value> = steps.into_iter().map(|(kind, ids)| {
            let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
            match kind {
                0 => { model.extend(ids); json!({"op": "add", "path": "members", "value": members}) }
                1 => { model = ids.into_iter().collect(); json!({"op": "replace", "path": "members", "value": members}) }
                2 if ids.is_empty() => { model.clear(); json!({"op": "remove", "path": "members"}) }
                2 => { model.retain(|id| !ids.contains(id)); json!({"op": "remove", "path": "members", "value": members}) }
                _ => { model.remove("a"); json!({"op": "remove", "path": "members[value eq \"a\"]"}) }
            }
        }).collect();
        let after = patch(&Profile::MICROSOFT, &group(), json!(operations)).unwrap().members;
        let mut result = if after.replaces() { std::collections::BTreeSet::new() } else { before };
        for value in after.removed() {
            result.remove(value);
        }
        result.extend(after.added().map(|member| member.value.clone()));
        prop_assert_eq!(result, model);
    }
}
