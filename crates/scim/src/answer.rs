//! A resource as it is answered, and a list of them.

use serde_json::{Map, Value, json};

use crate::etag::Version;
use crate::member::MemberKind;
use crate::page::Page;
use crate::projection::Projection;
use crate::resource::Resource;
use crate::schema::{ResourceType, USER, uri};

/// What the server knows of a resource.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its id.
    pub id: &'a str,
    /// The URL under which all resources are, without a slash at the end.
    pub base: &'a str,
    /// When it was made, as RFC 3339 writes it.
    pub created: &'a str,
    /// When it last changed, as RFC 3339 writes it.
    pub last_modified: &'a str,
    /// Its version.
    pub version: &'a Version,
}

/// Another resource that a resource names: a member of a group, a group of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id.
    pub value: String,
    /// What it is.
    pub kind: MemberKind,
    /// Its name, if there is one to show.
    pub display: Option<String>,
}

impl Resource {
    /// The resource with all that the server knows of it: what a filter and an order are judged on. `links` are the
    /// members of a group or the groups of a user; none where they were not loaded because nobody wants them.
    pub fn whole(&self, record: &Record<'_>, links: Option<&[Link]>) -> Map<String, Value> {
        let kind = self.kind();
        let mut whole = self.tree().clone();
        let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
        put("id", record.id.into());
        put(
            "meta",
            json!({
                "resourceType": kind.name,
                "created": record.created,
                "lastModified": record.last_modified,
                "location": location(record.base, kind, record.id),
                "version": record.version.to_string(),
            }),
        );
        if let Some(links) = links.filter(|links| !links.is_empty()) {
            let links = links.iter().map(|link| link.to_json(record.base, kind));
            put(kind.links.unwrap_or("groups"), links.collect());
        }
        put("schemas", self.schemas().collect::<Vec<_>>().into());
        whole
    }

    /// The resource as it is answered.
    pub fn to_json(
        &self,
        record: &Record<'_>,
        links: Option<&[Link]>,
        asked: &Projection,
    ) -> Value {
        let kind = self.kind();
        let mut answer = asked.apply(kind, self.whole(record, links));
        let shown = |id: &&str| *id == kind.schema.id || answer.contains_key(*id);
        let schemas: Vec<&str> = self.schemas().filter(shown).collect();
        answer.insert("schemas".to_owned(), schemas.into());
        Value::Object(answer)
    }
}

impl Link {
    fn to_json(&self, base: &str, of: &ResourceType) -> Value {
        let mut link = Map::new();
        let mut put = |name: &str, value: &str| link.insert(name.to_owned(), value.into());
        put("value", &self.value);
        put(
            "$ref",
            &location(base, self.kind.resource_type(), &self.value),
        );
        // A group says what its member is, a user how it came into the group (RFC 7643 §§4.1.2, 4.2).
        let kind = if of == &USER {
            "direct"
        } else {
            self.kind.resource_type().name
        };
        put("type", kind);
        if let Some(display) = &self.display {
            put("display", display);
        }
        Value::Object(link)
    }
}

/// A resource's URL.
pub fn location(base: &str, kind: &ResourceType, id: &str) -> String {
    format!("{base}{}/{id}", kind.endpoint)
}

/// One page of a list (RFC 7644 §3.4.2).
#[derive(Debug, Clone)]
pub struct ListResponse {
    /// Resources, as they are answered.
    pub resources: Vec<Value>,
    /// How many there are in all.
    pub total: u64,
    /// The page that was asked for.
    pub page: Page,
    /// What the next page is asked for with; none on the last.
    pub next_cursor: Option<String>,
}

impl ListResponse {
    /// The body of the answer. Numbers are numbers, and an empty list is there: clients look at both.
    pub fn into_json(self) -> Value {
        let mut body = json!({
            "schemas": [uri::LIST_RESPONSE],
            "totalResults": self.total,
            "itemsPerPage": self.resources.len(),
            "Resources": self.resources,
        });
        if let Some(body) = body.as_object_mut() {
            if let Page::Index { start, .. } = self.page {
                body.insert("startIndex".to_owned(), start.into());
            }
            if let Some(next) = self.next_cursor {
                body.insert("nextCursor".to_owned(), next.into());
            }
        }
        body
    }
}
