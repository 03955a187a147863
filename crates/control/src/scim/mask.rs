//! Requests as they may be kept: which attributes they are about, without what is said of people.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// Bytes of a masked body that are kept.
const BODY: usize = 16 * 1024;
/// Values of a list that are kept.
const LIST: usize = 20;
/// The longest name of an attribute.
const NAME: usize = 120;

/// Parameters that say nothing of anybody.
const HARMLESS: [&str; 7] = [
    "startIndex",
    "count",
    "attributes",
    "excludedAttributes",
    "sortBy",
    "sortOrder",
    "aadOptscim062020",
];
/// Keys whose texts are no values of anybody.
const PLAIN: [&str; 8] = [
    "schemas",
    "op",
    "id",
    "type",
    "resourceType",
    "method",
    "bulkId",
    "version",
];
/// Texts in a filter that say nothing of anybody.
const WORDS: [&str; 10] = [
    "work", "home", "other", "mobile", "fax", "pager", "true", "false", "User", "Group",
];
/// Parts of paths that are no ids.
const PLACES: [&str; 9] = [
    "",
    "Users",
    "Groups",
    "Me",
    "Bulk",
    ".search",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
];

/// A text on one line, cut.
pub(super) fn line(text: &str, most: usize) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(most).collect()
}

/// A body.
pub(super) fn body(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return format!("({} bytes that are no JSON)", bytes.len());
    };
    let text = value_of("", &value).to_string();
    match text.char_indices().find(|(at, _)| *at >= BODY) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

fn value_of(key: &str, value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(_) => "…".into(),
        Value::String(text) => text_of(key, text).into(),
        Value::Array(items) => {
            let mut kept: Vec<Value> = items
                .iter()
                .take(LIST)
                .map(|item| value_of(key, item))
                .collect();
            if let Some(more) = items.len().checked_sub(LIST).filter(|more| *more > 0) {
                kept.push(format!("… and {more} more").into());
            }
            kept.into()
        }
        Value::Object(fields) => {
            let masked: Map<String, Value> = fields
                .iter()
                .map(|(key, value)| (filter(&line(key, NAME)), value_of(key, value)))
                .collect();
            masked.into()
        }
    }
}

/// Whether what comes before a filter could name an attribute.
fn is_attribute(path: &str) -> bool {
    let name = path.split('[').next().unwrap_or(path);
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".:_-$".contains(&byte))
}

fn text_of(key: &str, text: &str) -> String {
    if key.eq_ignore_ascii_case("password") {
        return "…".to_owned();
    }
    if key.eq_ignore_ascii_case("path") {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let shown = if path.starts_with('/') {
            self::path(path)
        } else if is_attribute(path) {
            filter(&line(path, 500))
        } else {
            return hidden(text);
        };
        return if query.is_empty() {
            shown
        } else {
            format!("{shown}?{}", self::query(query))
        };
    }
    let plain = PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(key));
    let bool = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    if plain || bool || text.is_empty() || is_id(text) || text.starts_with("urn:ietf:params:scim:")
    {
        return line(text, 200);
    }
    hidden(text)
}

/// How long a text is, and nothing else of it.
fn hidden(text: &str) -> String {
    format!("…({})", text.chars().count())
}

/// A filter or the path of an operation: what stands in quotes is hidden, unless it is an id or a kind of value.
pub(super) fn filter(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, quoted)) = rest.split_once('"') {
        let end = end_of(quoted);
        let (inner, after) = quoted.split_at_checked(end).unwrap_or((quoted, ""));
        let harmless = is_id(inner) || WORDS.iter().any(|word| word.eq_ignore_ascii_case(inner));
        shown.push_str(before);
        shown.push('"');
        shown.push_str(&if harmless {
            inner.to_owned()
        } else {
            hidden(inner)
        });
        shown.push('"');
        rest = after.strip_prefix('"').unwrap_or("");
    }
    shown.push_str(rest);
    shown
}

/// Where a quoted text ends.
fn end_of(quoted: &str) -> usize {
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    quoted.len()
}

/// A path below an endpoint.
pub(super) fn path(text: &str) -> String {
    let parts = text.split('/').take(12).map(|part| {
        let known = PLACES.contains(&part) || is_id(part);
        if known || part.starts_with("urn:ietf:params:scim:") {
            line(part, 200)
        } else {
            hidden(part)
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// A query, decoded.
pub(super) fn query(text: &str) -> String {
    let parts = form_urlencoded::parse(text.as_bytes()).take(20);
    let shown = parts.map(|(name, value)| {
        let harmless = HARMLESS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&name));
        let value = if name.eq_ignore_ascii_case("filter") {
            // Without quotes anything may be a value.
            if value.contains('"') {
                filter(&line(&value, 1_000))
            } else {
                hidden(&value)
            }
        } else if harmless || value.is_empty() {
            line(&value, 500)
        } else {
            hidden(&value)
        };
        let name = line(&name, NAME);
        if value.is_empty() {
            name
        } else {
            format!("{name}={value}")
        }
    });
    shown.collect::<Vec<_>>().join("&")
}

/// Whether a text is an id as we make them, or as Entra does.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0190a3b4-1111-7222-8333-444455556666";

    fn masked(value: &Value) -> Value {
        serde_json::from_str(&body(value.to_string().as_bytes())).unwrap()
    }

    #[test]
    fn what_is_said_of_people_is_hidden_and_the_form_stays() {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ada@example.com", "externalId": "00u1", "active": true,
            "password": "hunter2hunter2", "nickName": "",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"type": "work", "primary": "True", "value": "ada@example.com"}],
            "manager": {"value": ID},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": 4711},
        });
        assert_eq!(
            masked(&user),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "…(15)", "externalId": "…(4)", "active": true,
                "password": "…", "nickName": "",
                "name": {"givenName": "…(3)", "familyName": "…(8)"},
                "emails": [{"type": "work", "primary": "True", "value": "…(15)"}],
                "manager": {"value": ID},
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "…"},
            })
        );
    }

    #[test]
    fn scim_mask_hides_names_that_stand_as_external_ids_and_in_cursors() {
        let user = |id: &str| masked(&json!({"externalId": id}))["externalId"].clone();
        assert_eq!(user("ada.byron"), "…(9)");
        assert_eq!(user(ID), ID);
        assert_eq!(query("cursor=MS5rYWRh&count=1"), "cursor=…(8)&count=1");
        assert_eq!(query("cursor="), "cursor");
    }

    #[test]
    fn a_path_that_names_no_attribute_is_hidden() {
        assert_eq!(text_of("path", "zoe@corp.test"), "…(13)");
        assert_eq!(text_of("path", "Zoe Smith"), "…(9)");
        let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        assert_eq!(text_of("path", manager), manager);
    }

    #[test]
    fn of_a_patch_operations_and_paths_stay() {
        let patch = json!({"Operations": [
            {"op": "Add", "path": "emails[type eq \"work\"].value", "value": "a@b.c"},
            {"op": "remove", "path": "emails[value eq \"a@b.c\"]"},
            {"op": "remove", "path": format!("members[value eq \"{ID}\"]")},
            {"op": "replace", "value": {"emails[type eq \"work\"].value": "a@b.c"}},
        ]});
        let shown = masked(&patch);
        let paths: Vec<_> = (0..3)
            .map(|at| shown["Operations"][at]["path"].clone())
            .collect();
        assert_eq!(
            paths,
            [
                json!("emails[type eq \"work\"].value"),
                json!("emails[value eq \"…(5)\"]"),
                json!(format!("members[value eq \"{ID}\"]")),
            ]
        );
        assert_eq!(shown["Operations"][0]["value"], "…(5)");
        let last = &shown["Operations"][3]["value"];
        assert_eq!(last["emails[type eq \"work\"].value"], "…(5)");
    }

    #[test]
    fn long_lists_and_what_is_no_json_are_cut() {
        let members: Vec<_> = (0..256).map(|_| json!({"value": ID})).collect();
        let shown = masked(&json!({"members": members}));
        assert_eq!(shown["members"].as_array().unwrap().len(), LIST + 1);
        assert_eq!(shown["members"][LIST], "… and 236 more");
        assert_eq!(body(b"password=x"), "(10 bytes that are no JSON)");
        assert_eq!(body(b""), "");
    }

    #[test]
    fn queries_and_paths_hide_who_is_looked_for() {
        let shown = query("filter=userName+eq+%22ada%40example.com%22&count=1&aadOptscim062020");
        assert_eq!(
            shown,
            "filter=userName eq \"…(15)\"&count=1&aadOptscim062020"
        );
        assert_eq!(query("filter=externalId+eq+jyoung"), "filter=…(20)");
        assert_eq!(query("token=secret"), "token=…(6)");
        assert_eq!(path(&format!("/Users/{ID}")), format!("/Users/{ID}"));
        assert_eq!(path("/Users/ada@example.com"), "/Users/…(15)");
        assert_eq!(
            filter("a eq \"x\\\"y\" and b eq \"z"),
            "a eq \"…(4)\" and b eq \"…(1)\""
        );
    }
}
