//! Objects, their versions, and what happened to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::path;

/// Resource, namespace and name.
pub(super) type Key = (String, String, String);

/// One change.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) version: u64,
    pub(super) what: &'static str,
    pub(super) key: Key,
    pub(super) object: Value,
}

/// Objects, their versions, and what happened to them.
#[derive(Default)]
pub struct Store {
    version: u64,
    made: u64,
    objects: BTreeMap<Key, Value>,
    events: Vec<Event>,
    /// Events up to here are forgotten.
    forgotten: u64,
}

impl Store {
    /// The newest version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Makes a namespace, or labels it anew.
    pub fn namespace(&mut self, name: &str, labels: &[(&str, &str)]) {
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        let object = json!({
            "metadata": {"name": name, "labels": labels},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        });
        self.put(&key("namespaces", "", name), object);
    }

    /// A namespace that is being deleted, as long as something in it has finalizers.
    pub fn end_namespace(&mut self, name: &str) {
        let at = key("namespaces", "", name);
        if let Some(mut object) = self.objects.get(&at).cloned() {
            object["status"]["phase"] = json!("Terminating");
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            self.put(&at, object);
        }
    }

    /// Deletes a namespace with all that is in it.
    pub fn remove_namespace(&mut self, name: &str) {
        let inside: Vec<Key> = self
            .objects
            .keys()
            .filter(|key| key.1 == name)
            .cloned()
            .collect();
        for key in &inside {
            self.remove(key);
        }
        self.remove(&key("namespaces", "", name));
    }

    /// One object as it is.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&key(resource, namespace, name))
    }

    /// Stores an object as somebody else would, without any rule.
    pub fn set(&mut self, resource: &str, namespace: &str, name: &str, mut object: Value) {
        object["metadata"]["namespace"] = json!(namespace);
        object["metadata"]["name"] = json!(name);
        self.put(&key(resource, namespace, name), object);
    }

    /// Deletes an object as somebody else would.
    pub fn unset(&mut self, resource: &str, namespace: &str, name: &str) {
        self.remove(&key(resource, namespace, name));
    }

    /// Forgets what happened until now: whoever watches from before is told that it is gone.
    pub fn forget(&mut self) {
        self.forgotten = self.version;
        self.events.clear();
    }

    pub(super) fn at(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    pub(super) fn all(&self, resource: &str, namespace: Option<&str>) -> Vec<(&Key, &Value)> {
        let objects = self.objects.iter();
        objects
            .filter(|(key, _)| key.0 == resource && namespace.is_none_or(|name| key.1 == name))
            .collect()
    }

    /// Events after a version. None: some of them are forgotten.
    pub(super) fn since(&self, version: u64) -> Option<Vec<Event>> {
        if version < self.forgotten {
            return None;
        }
        let events = self.events.iter().filter(|event| event.version > version);
        Some(events.cloned().collect())
    }

    /// Stores it under a new version. What is new has a new uid; what is as it was keeps its version.
    pub(super) fn put(&mut self, key: &Key, mut object: Value) -> Value {
        let (kind, api) = path::kind(&key.0);
        object["kind"] = json!(kind);
        object["apiVersion"] = json!(api);
        let before = self.objects.get(key);
        for field in ["uid", "creationTimestamp", "resourceVersion"] {
            if let Some(value) = before.and_then(|before| before["metadata"].get(field)) {
                object["metadata"][field] = value.clone();
            }
        }
        if before == Some(&object) {
            return object;
        }
        let what = if before.is_some() {
            "MODIFIED"
        } else {
            "ADDED"
        };
        if before.is_none() {
            self.made += 1;
            object["metadata"]["uid"] =
                json!(format!("00000000-0000-4000-8000-{:012x}", self.made));
            object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key.clone(), object.clone());
        self.event(what, key, object.clone());
        object
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Value> {
        let mut object = self.objects.remove(key)?;
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.event("DELETED", key, object.clone());
        Some(object)
    }

    fn event(&mut self, what: &'static str, key: &Key, object: Value) {
        let (version, key) = (self.version, key.clone());
        self.events.push(Event {
            version,
            what,
            key,
            object,
        });
    }
}

pub(super) fn key(resource: &str, namespace: &str, name: &str) -> Key {
    (resource.to_owned(), namespace.to_owned(), name.to_owned())
}
