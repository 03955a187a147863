//! Requests that change something, or ask whether they might.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, Asked, at, chosen, found};
use crate::kube::{Refusal, State, apply, path, rules, store};

pub(super) fn done(state: &mut State, asked: &Asked) -> Result<Answer, Refusal> {
    if asked.named.resource == "selfsubjectaccessreviews" {
        return Ok(Answer::Is(StatusCode::CREATED, review(state, asked)));
    }
    if asked.named.resource == "tokenreviews" {
        let token = asked.body["spec"]["token"].as_str().unwrap_or_default();
        let user = state.tokens.get(token);
        let mut answer = asked.body.clone();
        answer["status"] = json!({"authenticated": user.is_some(), "user": {"username": user}});
        return Ok(Answer::Is(StatusCode::CREATED, answer));
    }
    match state.writes_left {
        Some(0) => return Ok(Answer::Cut),
        Some(left) if !asked.is_dry() => state.writes_left = Some(left - 1),
        _ => {}
    }
    match asked.verb {
        "create" => create(state, asked),
        "update" => update(state, asked),
        "patch" => patch(state, asked),
        "delete" => delete(state, asked),
        _ => delete_all(state, asked),
    }
}

fn create(state: &mut State, asked: &Asked) -> Result<Answer, Refusal> {
    let name = asked.body["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let at = store::key(&asked.named.resource, asked.namespace(), &name);
    let resource = &asked.named.resource;
    admits_new(state, asked)?;
    if state.store.at(&at).is_some() {
        let message = format!("{resource} \"{name}\" already exists");
        return Err(Refusal::new(409, "AlreadyExists", message));
    }
    if !asked.body["metadata"]["resourceVersion"].is_null() {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(Refusal::new(400, "BadRequest", message));
    }
    let object = prepared(asked, asked.body.clone(), None)?;
    Ok(stored(state, asked, (&at, object), StatusCode::CREATED))
}

/// Nothing new comes into a namespace that isn't there, or ends.
fn admits_new(state: &State, asked: &Asked) -> Result<(), Refusal> {
    let Some(namespace) = &asked.named.namespace else {
        return Ok(());
    };
    let found = state.store.get("namespaces", "", namespace);
    let found = found.ok_or_else(|| {
        Refusal::new(
            404,
            "NotFound",
            format!("namespaces \"{namespace}\" not found"),
        )
    })?;
    if found["status"]["phase"] == "Terminating" {
        let (resource, name) = (&asked.named.resource, &asked.body["metadata"]["name"]);
        let why = "because it is being terminated";
        let message = format!(
            "{resource} {name} is forbidden: unable to create new content in namespace {namespace} {why}"
        );
        let field = "metadata.namespace";
        let cause = format!("namespace {namespace} is being terminated");
        let refusal = Refusal::new(403, "Forbidden", message);
        return Err(refusal.cause("NamespaceTerminating", field, &cause));
    }
    Ok(())
}

fn update(state: &mut State, asked: &Asked) -> Result<Answer, Refusal> {
    let before = found(state, asked)?.clone();
    let (meta, now) = (&asked.body["metadata"], &before["metadata"]);
    if !meta["resourceVersion"].is_null() && meta["resourceVersion"] != now["resourceVersion"] {
        return Err(changed(
            asked,
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    if !meta["uid"].is_null() && meta["uid"] != now["uid"] {
        return Err(changed(
            asked,
            "Precondition failed: UID in precondition and UID in object meta differ",
        ));
    }
    let object = prepared(asked, asked.body.clone(), Some(&before))?;
    Ok(stored(state, asked, (&at(asked), object), StatusCode::OK))
}

fn patch(state: &mut State, asked: &Asked) -> Result<Answer, Refusal> {
    let before = state.store.at(&at(asked)).cloned();
    let is_new = before.is_none();
    let object = if asked.content.starts_with("application/apply-patch") {
        if is_new {
            admits_new(state, asked)?;
        }
        let manager = asked.option("fieldManager").ok_or_else(|| {
            Refusal::new(
                400,
                "BadRequest",
                "fieldManager is required for apply patch",
            )
        })?;
        let force = asked.option("force") == Some("true");
        let mut object = apply::apply(before.as_ref(), &asked.body, (manager, force))?;
        if asked.named.resource == "secrets" {
            rules::normal(&mut object)?;
            rules::judge(&object, before.as_ref())?;
        }
        object
    } else {
        let mut object = found(state, asked)?.clone();
        merge(&mut object, &asked.body);
        if object["spec"]
            != before
                .as_ref()
                .map_or(&Value::Null, |before| &before["spec"])
                .clone()
        {
            let generation = object["metadata"]["generation"]
                .as_u64()
                .unwrap_or_default();
            object["metadata"]["generation"] = json!(generation + 1);
        }
        prepared(asked, object, before.as_ref())?
    };
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(stored(state, asked, (&at(asked), object), status))
}

/// A merge patch (RFC 7396). The strategic one differs in lists, which nothing here patches.
fn merge(object: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            if let Some(object) = object.as_object_mut() {
                object.remove(key);
            }
        } else {
            merge(&mut object[key], value);
        }
    }
}

fn delete(state: &mut State, asked: &Asked) -> Result<Answer, Refusal> {
    let before = found(state, asked)?.clone();
    for (wanted, field) in [("uid", "uid"), ("resourceVersion", "resourceVersion")] {
        let wanted = &asked.body["preconditions"][wanted];
        if !wanted.is_null() && *wanted != before["metadata"][field] {
            let message = format!(
                "Precondition failed: {field} in precondition and {field} in object meta differ"
            );
            return Err(changed(asked, &message));
        }
    }
    if !asked.is_dry() {
        let finalizers = before["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        if finalizers {
            let mut ending = before.clone();
            ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            state.store.put(&at(asked), ending);
        } else {
            state.store.remove(&at(asked));
        }
    }
    let answer = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"});
    Ok(Answer::Is(StatusCode::OK, answer))
}

fn delete_all(state: &mut State, asked: &Asked) -> Result<Answer, Refusal> {
    let all: Vec<Value> = chosen(state, asked)?.into_iter().cloned().collect();
    for object in all.iter().filter(|_| !asked.is_dry()) {
        let text = |field: &str| {
            object["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let key = store::key(&asked.named.resource, &text("namespace"), &text("name"));
        state.store.remove(&key);
    }
    let (kind, api) = path::kind(&asked.named.resource);
    let answer =
        json!({"kind": format!("{kind}List"), "apiVersion": api, "metadata": {}, "items": all});
    Ok(Answer::Is(StatusCode::OK, answer))
}

/// In the form that is stored, if it may be.
fn prepared(asked: &Asked, mut object: Value, before: Option<&Value>) -> Result<Value, Refusal> {
    if let Some(namespace) = &asked.named.namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    if asked.named.resource == "secrets" {
        rules::normal(&mut object)?;
        rules::judge(&object, before)?;
        let manager = asked.option("fieldManager").unwrap_or("unknown");
        apply::note(&mut object, before, manager);
    }
    Ok(object)
}

fn stored(
    state: &mut State,
    asked: &Asked,
    (key, object): (&store::Key, Value),
    status: StatusCode,
) -> Answer {
    let answer = if asked.is_dry() {
        object
    } else {
        state.store.put(key, object)
    };
    Answer::Is(status, answer)
}

fn changed(asked: &Asked, why: &str) -> Refusal {
    let (resource, name) = (
        &asked.named.resource,
        asked.named.name.as_deref().unwrap_or_default(),
    );
    let message = format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}");
    Refusal::new(409, "Conflict", message)
}

fn review(state: &State, asked: &Asked) -> Value {
    let attributes = &asked.body["spec"]["resourceAttributes"];
    let text = |field: &str| attributes[field].as_str().unwrap_or_default();
    let namespace = attributes["namespace"]
        .as_str()
        .filter(|namespace| !namespace.is_empty());
    let allowed = !state.forbids(text("verb"), text("resource"), namespace);
    let mut answer = asked.body.clone();
    answer["status"] = json!({"allowed": allowed});
    answer
}
