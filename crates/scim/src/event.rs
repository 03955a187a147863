//! What happened to a resource, as a security event says it (RFC 9967 §2.4): that it did and what is another now, never
//! what it is.

use serde_json::{Map, Value, json};

use crate::etag::Version;
use crate::resource::Resource;

/// An event that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A resource was made.
    Create,
    /// One was changed by PATCH.
    Patch,
    /// One was replaced.
    Put,
    /// One is gone.
    Delete,
    /// Somebody may sign in again.
    Activate,
    /// Somebody may sign in no more.
    Deactivate,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Patch,
        Self::Put,
        Self::Delete,
        Self::Activate,
        Self::Deactivate,
    ];

    /// Its URI. Where there is a form with values (`full`) and one without, it is the one without.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Create => "urn:ietf:params:scim:event:prov:create:notice",
            Self::Patch => "urn:ietf:params:scim:event:prov:patch:notice",
            Self::Put => "urn:ietf:params:scim:event:prov:put:notice",
            Self::Delete => "urn:ietf:params:scim:event:prov:delete",
            Self::Activate => "urn:ietf:params:scim:event:prov:activate",
            Self::Deactivate => "urn:ietf:params:scim:event:prov:deactivate",
        }
    }
}

/// What happened to one resource at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happened(Map<String, Value>);

impl Happened {
    /// It was made or changed: which attributes are others, and in which version it is, where that moves.
    #[must_use]
    pub fn changed(mut self, event: Event, names: &[String], version: Option<&Version>) -> Self {
        let mut said = Map::new();
        said.insert("attributes".to_owned(), json!(names));
        if let Some(version) = version {
            said.insert("version".to_owned(), version.to_string().into());
        }
        self.0.insert(event.uri().to_owned(), said.into());
        self
    }

    /// Something of which there is nothing more to say.
    #[must_use]
    pub fn and(mut self, event: Event) -> Self {
        self.0.insert(event.uri().to_owned(), json!({}));
        self
    }

    /// The claim `events` (RFC 8417 §2.2).
    pub fn into_json(self) -> Value {
        Value::Object(self.0)
    }
}

/// The attributes in which a resource differs from what it was, or all of a new one: paths as in a PATCH
/// (RFC 7644 §3.5.2), in order. Lists are named as a whole.
pub fn changed_attributes(before: Option<&Resource>, after: &Resource) -> Vec<String> {
    let none = Map::new();
    let was = before.map_or(&none, Resource::tree);
    let mut names = Vec::new();
    for (name, (was, is)) in differing(was, after.tree()) {
        if after.kind().extension(name).is_some() {
            let (was, is) = (object(was), object(is));
            for (inner, values) in differing(was.unwrap_or(&none), is.unwrap_or(&none)) {
                parts(&format!("{name}:{inner}"), values, &mut names);
            }
        } else {
            parts(name, (was, is), &mut names);
        }
    }
    names
}

type Pair<'a> = (Option<&'a Value>, Option<&'a Value>);

/// Of an attribute with parts those that differ, else the attribute.
fn parts(name: &str, (was, is): Pair<'_>, names: &mut Vec<String>) {
    let none = Map::new();
    let (was, is) = (object(was), object(is));
    let before = names.len();
    if was.is_some() || is.is_some() {
        let inner = differing(was.unwrap_or(&none), is.unwrap_or(&none));
        // What begins with a dollar has no path.
        let inner = inner.filter(|(inner, _)| !inner.starts_with('$'));
        names.extend(inner.map(|(inner, _)| format!("{name}.{inner}")));
    }
    if names.len() == before {
        names.push(name.to_owned());
    }
}

fn object(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn differing<'a>(
    was: &'a Map<String, Value>,
    is: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a String, Pair<'a>)> {
    let names: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let pairs = names
        .into_iter()
        .map(move |name| (name, (was.get(name), is.get(name))));
    pairs.filter(|(_, (was, is))| was != is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{USER, uri};

    fn user(tree: &Value) -> Resource {
        Resource::from_tree(&USER, tree.as_object().unwrap().clone())
    }

    #[test]
    fn scim_an_event_names_what_differs_by_paths_that_a_patch_takes() {
        let enterprise = uri::ENTERPRISE_USER;
        let before = user(&json!({
            "userName": "ada", "active": true, "title": "Countess",
            "name": {"givenName": "Ada", "familyName": "Byron"},
            "emails": [{"value": "ada@a.test"}],
            (enterprise): {"department": "Engines", "manager": {"value": "1", "$ref": "../Users/1"}},
        }));
        let after = user(&json!({
            "userName": "ada", "active": false,
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"value": "ada@b.test"}],
            (enterprise): {"department": "Engines", "manager": {"value": "2", "$ref": "../Users/2"}},
        }));
        let names = changed_attributes(Some(&before), &after);
        let manager = format!("{enterprise}:manager.value");
        let wanted = ["active", "emails", "name.familyName", "title", &manager];
        assert_eq!(names, wanted);
        let all = changed_attributes(None, &after);
        for name in names.iter().chain(&all) {
            assert!(USER.resolve(name).is_ok(), "{name}");
            for value in ["ada@", "Byron", "Lovelace", "Engines", "Countess"] {
                assert!(!name.contains(value), "{name}");
            }
        }
        assert!(changed_attributes(Some(&after), &after).is_empty());
    }

    #[test]
    fn scim_two_events_of_one_change_are_one_object() {
        let names = ["active".to_owned()];
        let version = Version::new(2);
        let happened = Happened::default()
            .changed(Event::Patch, &names, Some(&version))
            .and(Event::Deactivate);
        let wanted = json!({
            "urn:ietf:params:scim:event:prov:patch:notice":
                {"attributes": ["active"], "version": version.to_string()},
            "urn:ietf:params:scim:event:prov:deactivate": {},
        });
        assert_eq!(happened.into_json(), wanted);
        let uris: std::collections::BTreeSet<_> = Event::ALL.map(Event::uri).into();
        assert_eq!(uris.len(), Event::ALL.len());
        assert!(uris.iter().all(|uri| !uri.ends_with(":full")));
    }
}
