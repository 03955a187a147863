//! Server-side apply, as far as Secrets need it: who owns which key, what conflicts, and what goes.
//!
//! Owned are the leaves of data, labels and annotations, and the type. `stringData` is written without asking whose the
//! key is, as the real server does.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Refusal;

const MAPS: [(&str, &[&str]); 3] = [
    ("f:data", &["data"]),
    ("f:labels", &["metadata", "labels"]),
    ("f:annotations", &["metadata", "annotations"]),
];

/// A field: which map, and which key of it. The type has no key.
type Field = (&'static str, String);

/// What an apply makes of what is there.
pub(super) fn apply(
    before: Option<&Value>,
    patch: &Value,
    (manager, force): (&str, bool),
) -> Result<Value, Refusal> {
    let mut object = before.cloned().unwrap_or_else(|| json!({"metadata": {}}));
    let wanted = fields(patch);
    let mut taken = BTreeSet::new();
    let mut conflicts = Vec::new();
    for (owner, owned) in managers(before) {
        if owner == manager {
            continue;
        }
        for field in owned.intersection(&wanted) {
            if value(&object, field) == value(patch, field) {
                continue;
            }
            conflicts.push((owner.clone(), shown(field)));
            taken.insert(field.clone());
        }
    }
    if !conflicts.is_empty() && !force {
        let count = conflicts.len();
        let (owner, field) = conflicts.first().cloned().unwrap_or_default();
        let message = format!(
            "Apply failed with {count} conflict: conflict with \"{owner}\" using v1: {field}"
        );
        let refusal = Refusal::new(409, "Conflict", message);
        return Err(conflicts.iter().fold(refusal, |refusal, (owner, field)| {
            let message = format!("conflict with \"{owner}\" using v1");
            refusal.cause("FieldManagerConflict", field, &message)
        }));
    }
    let all = managers(before);
    let mine: BTreeSet<Field> = all
        .iter()
        .filter(|(owner, _)| owner == manager)
        .flat_map(|(_, owned)| owned.clone())
        .collect();
    let others: BTreeSet<Field> = all
        .iter()
        .filter(|(owner, _)| owner != manager)
        .flat_map(|(_, owned)| owned.clone())
        .collect();
    // What this manager no longer names goes, unless somebody else owns it too.
    for field in mine
        .difference(&wanted)
        .filter(|field| !others.contains(*field))
    {
        remove(&mut object, field);
    }
    for field in &wanted {
        set(&mut object, field, value(patch, field));
    }
    if let Some(text) = patch.get("stringData") {
        object["stringData"] = text.clone();
    }
    for part in ["name", "namespace"] {
        object["metadata"][part] = patch["metadata"][part].clone();
    }
    own(&mut object, (manager, "Apply"), &wanted, &taken);
    Ok(object)
}

/// Notes who wrote what by another way than apply: every field whose value is another one now.
pub(super) fn note(object: &mut Value, before: Option<&Value>, manager: &str) {
    let managed = before.and_then(|before| before["metadata"].get("managedFields"));
    object["metadata"]["managedFields"] = managed.cloned().unwrap_or_else(|| json!([]));
    let now = fields(object);
    let changed: BTreeSet<Field> = now
        .into_iter()
        .filter(|field| before.is_none_or(|before| value(before, field) != value(object, field)))
        .collect();
    let kept: BTreeSet<Field> = managers(Some(object))
        .into_iter()
        .filter(|(owner, _)| owner == manager)
        .flat_map(|(_, owned)| owned)
        .filter(|field| !value(object, field).is_null())
        .collect();
    let mine = kept.union(&changed).cloned().collect();
    own(object, (manager, "Update"), &mine, &changed);
}

/// Sets what one owns, and takes fields from the others.
fn own(
    object: &mut Value,
    (manager, operation): (&str, &str),
    mine: &BTreeSet<Field>,
    taken: &BTreeSet<Field>,
) {
    let mut entries = Vec::new();
    for (owner, mut owned) in managers(Some(object)) {
        if owner == manager {
            continue;
        }
        owned.retain(|field| !taken.contains(field) && !value(object, field).is_null());
        if !owned.is_empty() {
            entries.push(entry(&owner, "Update", &owned));
        }
    }
    entries.push(entry(manager, operation, mine));
    object["metadata"]["managedFields"] = Value::Array(entries);
}

fn entry(manager: &str, operation: &str, owned: &BTreeSet<Field>) -> Value {
    let mut fields = json!({});
    for (map, key) in owned {
        let at = match *map {
            "f:type" => &mut fields["f:type"],
            "f:data" => &mut fields["f:data"][format!("f:{key}")],
            map => &mut fields["f:metadata"][map][format!("f:{key}")],
        };
        *at = json!({});
    }
    json!({
        "manager": manager, "operation": operation, "apiVersion": "v1",
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    })
}

fn managers(object: Option<&Value>) -> Vec<(String, BTreeSet<Field>)> {
    let managed = object.and_then(|object| object["metadata"]["managedFields"].as_array());
    let entries = managed.into_iter().flatten();
    entries
        .map(|entry| {
            let fields = &entry["fieldsV1"];
            let mut owned = BTreeSet::new();
            for (map, at) in [
                ("f:data", &fields["f:data"]),
                ("f:labels", &fields["f:metadata"]["f:labels"]),
                ("f:annotations", &fields["f:metadata"]["f:annotations"]),
            ] {
                let keys = at.as_object().into_iter().flatten();
                owned.extend(
                    keys.filter_map(|(key, _)| Some((map, key.strip_prefix("f:")?.to_owned()))),
                );
            }
            if fields.get("f:type").is_some() {
                owned.insert(("f:type", String::new()));
            }
            (
                entry["manager"].as_str().unwrap_or_default().to_owned(),
                owned,
            )
        })
        .collect()
}

fn fields(object: &Value) -> BTreeSet<Field> {
    let mut found = BTreeSet::new();
    for (map, path) in MAPS {
        let at = path.iter().try_fold(object, |at, part| at.get(part));
        let keys = at.and_then(Value::as_object).into_iter().flatten();
        found.extend(keys.map(|(key, _)| (map, key.clone())));
    }
    if object["type"].is_string() {
        found.insert(("f:type", String::new()));
    }
    found
}

fn value(object: &Value, (map, key): &Field) -> Value {
    let Some((_, path)) = MAPS.iter().find(|(name, _)| name == map) else {
        return object["type"].clone();
    };
    let at = path.iter().try_fold(object, |at, part| at.get(part));
    at.and_then(|at| at.get(key)).cloned().unwrap_or_default()
}

fn set(object: &mut Value, field: &Field, value: Value) {
    match within(object, field.0) {
        Some(map) => drop(map.insert(field.1.clone(), value)),
        None => object["type"] = value,
    }
}

fn remove(object: &mut Value, field: &Field) {
    if let Some(map) = within(object, field.0) {
        map.remove(&field.1);
    }
}

fn within<'a>(object: &'a mut Value, map: &str) -> Option<&'a mut Map<String, Value>> {
    let (_, path) = MAPS.iter().find(|(name, _)| *name == map)?;
    let mut at = object;
    for part in *path {
        at = &mut at[*part];
    }
    if at.is_null() {
        *at = json!({});
    }
    at.as_object_mut()
}

fn shown((map, key): &Field) -> String {
    match *map {
        "f:type" => ".type".to_owned(),
        "f:data" => format!(".data.{key}"),
        map => format!(".metadata.{}.{key}", map.trim_start_matches("f:")),
    }
}
