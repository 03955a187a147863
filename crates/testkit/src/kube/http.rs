//! Requests and answers.

mod write;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State as Held};
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::path::{self, Named};
use super::store::{Event, key};
use super::{Refusal, Shared, State, rules, watch};

/// The largest request that is read.
const LARGEST: usize = 4 * 1024 * 1024;

/// One request, read.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) verb: &'static str,
    pub(super) named: Named,
    pub(super) query: std::collections::BTreeMap<String, String>,
    pub(super) accept: String,
    pub(super) content: String,
    pub(super) body: Value,
}

impl Asked {
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.query
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(super) fn namespace(&self) -> &str {
        self.named.namespace.as_deref().unwrap_or_default()
    }

    pub(super) fn is_dry(&self) -> bool {
        self.option("dryRun") == Some("All") || self.body["dryRun"] == json!(["All"])
    }

    fn wants_metadata(&self) -> bool {
        self.accept.contains("as=PartialObjectMetadata")
    }
}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new().fallback(answer).with_state(shared);
    let _ = axum::serve(listener, router).await;
}

async fn answer(Held(shared): Held<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(named) = path::read(parts.uri.path()) else {
        return refused(&Refusal::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        ));
    };
    let text = |name: header::HeaderName| {
        let value = parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let query = path::query(parts.uri.query().unwrap_or_default());
    let Some(verb) = verb(&parts.method, &named, &query) else {
        return refused(&Refusal::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ));
    };
    let body = to_bytes(body, LARGEST)
        .await
        .unwrap_or_else(|_| Bytes::new());
    let body = if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(&body)
    };
    let Ok(body) = body else {
        return refused(&Refusal::new(
            400,
            "BadRequest",
            "the object provided is unrecognized",
        ));
    };
    let token = text(header::AUTHORIZATION)
        .trim_start_matches("Bearer ")
        .trim()
        .to_owned();
    let asked = Asked {
        verb,
        named,
        query,
        accept: text(header::ACCEPT),
        content: text(header::CONTENT_TYPE),
        body,
    };
    if verb == "watch" {
        let allowed = shared.state().admits(&asked, &token);
        return match allowed {
            Ok(()) => watch::answer(shared, &asked),
            Err(refusal) => refused(&refusal),
        };
    }
    let done = done(&mut shared.state(), &asked, &token);
    shared.tell();
    match done {
        Ok(Answer::Is(status, value)) => (status, axum::Json(value)).into_response(),
        Ok(Answer::Cut) => cut(),
        Err(refusal) => refused(&refusal),
    }
}

/// What comes of a request.
pub(super) enum Answer {
    Is(StatusCode, Value),
    /// The connection ends without one.
    Cut,
}

fn done(state: &mut State, asked: &Asked, token: &str) -> Result<Answer, Refusal> {
    state.admits(asked, token)?;
    match asked.verb {
        "get" => Ok(Answer::Is(
            StatusCode::OK,
            shown(found(state, asked)?, asked),
        )),
        "list" => list(state, asked).map(|list| Answer::Is(StatusCode::OK, list)),
        _ => write::done(state, asked),
    }
}

impl State {
    /// Who may ask at all, and for this.
    fn admits(&mut self, asked: &Asked, token: &str) -> Result<(), Refusal> {
        let counted = (asked.verb.to_owned(), asked.named.resource.clone());
        *self.requests.entry(counted).or_default() += 1;
        if !self.tokens.is_empty() && !self.tokens.contains_key(token) {
            return Err(Refusal::new(401, "Unauthorized", "Unauthorized"));
        }
        let (verb, resource) = (asked.verb, asked.named.resource.as_str());
        if self.forbids(verb, resource, asked.named.namespace.as_deref()) {
            let user = self.tokens.get(token).map_or("double", String::as_str);
            let scope = match &asked.named.namespace {
                Some(namespace) => format!("in the namespace \"{namespace}\""),
                None => "at the cluster scope".to_owned(),
            };
            let message = format!(
                "{resource} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"\" {scope}"
            );
            return Err(Refusal::new(403, "Forbidden", message));
        }
        Ok(())
    }

    pub(super) fn forbids(&self, verb: &str, resource: &str, namespace: Option<&str>) -> bool {
        let at = |namespace: &str| {
            let entry = (verb.to_owned(), resource.to_owned(), namespace.to_owned());
            self.forbidden.contains(&entry)
        };
        at("*") || namespace.is_some_and(at) || (namespace.is_none() && at(""))
    }
}

fn verb(
    method: &Method,
    named: &Named,
    query: &std::collections::BTreeMap<String, String>,
) -> Option<&'static str> {
    let watches = query
        .get("watch")
        .is_some_and(|value| value == "true" || value == "1");
    match (method.as_str(), named.name.is_some()) {
        ("GET", false) if watches => Some("watch"),
        ("GET", false) => Some("list"),
        ("GET", true) => Some("get"),
        ("POST", false) => Some("create"),
        ("PUT", true) => Some("update"),
        ("PATCH", true) => Some("patch"),
        ("DELETE", true) => Some("delete"),
        ("DELETE", false) => Some("deletecollection"),
        _ => None,
    }
}

pub(super) fn at(asked: &Asked) -> super::store::Key {
    key(
        &asked.named.resource,
        asked.namespace(),
        asked.named.name.as_deref().unwrap_or_default(),
    )
}

pub(super) fn found<'a>(state: &'a State, asked: &Asked) -> Result<&'a Value, Refusal> {
    let (resource, name) = (
        &asked.named.resource,
        asked.named.name.as_deref().unwrap_or_default(),
    );
    let missing = || Refusal::new(404, "NotFound", format!("{resource} \"{name}\" not found"));
    state.store.at(&at(asked)).ok_or_else(missing)
}

/// Those of a namespace or the cluster that selectors choose.
pub(super) fn chosen<'a>(state: &'a State, asked: &Asked) -> Result<Vec<&'a Value>, Refusal> {
    let fields = asked.option("fieldSelector").unwrap_or_default();
    let mut wanted = Vec::new();
    for one in fields.split(',').filter(|one| !one.is_empty()) {
        let (field, value) = one.split_once('=').unwrap_or((one, ""));
        let path = match (field, asked.named.resource.as_str()) {
            ("metadata.name", _) => "/metadata/name",
            ("metadata.namespace", _) => "/metadata/namespace",
            ("type", "secrets") => "/type",
            _ => {
                let message = format!("field label not supported: {field}");
                return Err(Refusal::new(400, "BadRequest", message));
            }
        };
        wanted.push((path, value.trim_start_matches('=')));
    }
    let labels = asked.option("labelSelector").unwrap_or_default();
    let all = state
        .store
        .all(&asked.named.resource, asked.named.namespace.as_deref());
    let objects = all.into_iter().map(|(_, object)| object);
    Ok(objects
        .filter(|object| rules::fits(&object["metadata"]["labels"], labels))
        .filter(|object| {
            let has = |(path, value): &(&str, &str)| {
                object.pointer(path).and_then(Value::as_str) == Some(*value)
            };
            wanted.iter().all(has)
        })
        .collect())
}

/// A page. Its token says how far it went, and at which version: one that is forgotten is gone.
fn list(state: &State, asked: &Asked) -> Result<Value, Refusal> {
    let all = chosen(state, asked)?;
    let limit = asked
        .option("limit")
        .and_then(|text| text.parse::<usize>().ok());
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let start = match asked.option("continue") {
        None => 0,
        Some(token) => {
            let expired =
                || Refusal::new(410, "Expired", "The provided continue parameter is too old");
            let (at, version) = token.split_once('-').ok_or_else(expired)?;
            let version: u64 = version.parse().map_err(|_| expired())?;
            state.store.since(version).ok_or_else(expired)?;
            at.parse().map_err(|_| expired())?
        }
    };
    let (kind, api) = path::kind(&asked.named.resource);
    let items: Vec<Value> = all
        .iter()
        .skip(start)
        .take(limit)
        .map(|object| {
            let mut object = shown(object, asked);
            if let Some(object) = object.as_object_mut().filter(|_| !asked.wants_metadata()) {
                // A typed list leaves it out.
                object.remove("kind");
                object.remove("apiVersion");
            }
            object
        })
        .collect();
    let end = start + items.len();
    let version = state.store.version();
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if end < all.len() {
        metadata["continue"] = json!(format!("{end}-{version}"));
        metadata["remainingItemCount"] = json!(all.len() - end);
    }
    let (kind, api) = if asked.wants_metadata() {
        ("PartialObjectMetadata", "meta.k8s.io/v1")
    } else {
        (kind, api)
    };
    Ok(
        json!({"kind": format!("{kind}List"), "apiVersion": api, "metadata": metadata, "items": items}),
    )
}

/// An object as it is asked for: whole, or its metadata alone.
pub(super) fn shown(object: &Value, asked: &Asked) -> Value {
    if !asked.wants_metadata() {
        return object.clone();
    }
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

/// One line of a watch.
pub(super) fn line(event: &Event, asked: &Asked) -> String {
    let object = shown(&event.object, asked);
    format!("{}\n", json!({"type": event.what, "object": object}))
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(refusal.body())).into_response()
}

/// A body that breaks off, so that nobody can tell what came of the request.
fn cut() -> Response {
    let broken = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    Response::new(Body::from_stream(broken))
}
