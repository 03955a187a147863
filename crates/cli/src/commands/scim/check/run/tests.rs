use std::collections::BTreeMap;
use std::sync::Mutex;

use aeolus_model::Secret;
use serde_json::json;

use Outcome::{Fail, Pass, Skip};

use super::*;
use crate::commands::scim::check::line::Outcome;
use crate::commands::scim::check::step::{Expect, STEP, made, post};

/// An endpoint that keeps people and says what goes wrong with it.
#[derive(Default)]
struct Endpoint {
    held: Mutex<BTreeMap<String, String>>,
    log: Mutex<Vec<String>>,
    /// Answers to creations get lost.
    loses: bool,
    /// Nothing is deleted.
    keeps: bool,
    /// Nothing is answered.
    dead: bool,
}

impl Carrier for Endpoint {
    async fn send(&self, request: &Sent) -> Result<Answer, EgressError> {
        let path = request.url.strip_prefix("https://x").unwrap();
        self.log
            .lock()
            .unwrap()
            .push(format!("{} {path}", request.method));
        if self.dead {
            return Err(EgressError::Timeout);
        }
        let mut held = self.held.lock().unwrap();
        let answer = |status, body: Value| Answer {
            status,
            body: body.to_string().into_bytes(),
            ..Answer::default()
        };
        match request.method {
            "POST" => {
                let body: Value = serde_json::from_str(&request.body).unwrap();
                let id = format!("id {}", held.len());
                held.insert(id.clone(), body["userName"].as_str().unwrap().to_owned());
                if self.loses {
                    return Err(EgressError::Timeout);
                }
                Ok(answer(201, json!({ "id": id })))
            }
            "DELETE" => {
                let id = path.rsplit('/').next().unwrap().replace("%20", " ");
                if self.keeps {
                    return Ok(answer(405, Value::Null));
                }
                let there = held.remove(&id).is_some();
                Ok(answer(if there { 204 } else { 404 }, Value::Null))
            }
            _ => {
                let named = |name: &String| path.contains(&encoded(name, false));
                let found = held.iter().find(|(_, name)| named(name));
                let resources: Vec<Value> = found
                    .iter()
                    .map(|(id, name)| json!({"id": id, "userName": name}))
                    .collect();
                Ok(answer(
                    200,
                    json!({"totalResults": resources.len(), "Resources": resources}),
                ))
            }
        }
    }
}

const MAKE: Step = Step {
    code: "T-1",
    what: "make somebody",
    ask: post("/Users", r#"{"userName": "{login}"}"#),
    expect: &[Expect::Status(&[201])],
    keep: Some(made("user")),
    means: "nothing",
    ..STEP
};
const READ: Step = Step {
    code: "T-2",
    what: "read them",
    ask: get("/Users/{user}"),
    expect: &[Expect::Status(&[204])],
    means: "nothing",
    ..STEP
};

async fn went(endpoint: &Endpoint, steps: &[Step]) -> (Vec<(&'static str, Outcome)>, Vec<String>) {
    let credential = Credential::new(Secret::new("hush".to_owned()), ScimProfile::Strict);
    let values = [(
        "login".to_owned(),
        "aeolus-check-1@example.invalid".to_owned(),
    )]
    .into();
    let with = (credential, ScimProfile::Strict);
    let mut run = Run::new(endpoint, "https://x".to_owned(), with, values);
    run.go(steps.iter()).await;
    let left = run.clean().await;
    let lines = run.lines.iter().map(|line| (line.code, line.result));
    (lines.collect(), left)
}

#[tokio::test]
async fn what_was_made_is_deleted_also_after_a_failure() {
    let endpoint = Endpoint::default();
    let (lines, left) = went(&endpoint, &[MAKE, READ]).await;
    assert_eq!(lines, [("T-1", Pass), ("T-2", Fail), ("CLEAN", Pass)]);
    assert!(left.is_empty() && endpoint.held.lock().unwrap().is_empty());
    let log = endpoint.log.lock().unwrap();
    assert_eq!(log.last().unwrap(), "DELETE /Users/id%200");
}

#[tokio::test]
async fn what_was_made_without_an_answer_is_found_by_its_name_and_deleted() {
    let endpoint = Endpoint {
        loses: true,
        ..Endpoint::default()
    };
    let (lines, left) = went(&endpoint, &[MAKE, READ]).await;
    assert_eq!(lines, [("T-1", Fail), ("T-2", Skip), ("CLEAN", Pass)]);
    assert!(left.is_empty() && endpoint.held.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_else_is_deleted() {
    let endpoint = Endpoint {
        loses: true,
        ..Endpoint::default()
    };
    endpoint
        .held
        .lock()
        .unwrap()
        .insert("other".to_owned(), "aeolus".to_owned());
    went(&endpoint, &[MAKE]).await;
    assert_eq!(
        endpoint.held.lock().unwrap().keys().collect::<Vec<_>>(),
        ["other"]
    );
}

#[tokio::test]
async fn what_can_not_be_deleted_is_said() {
    let endpoint = Endpoint {
        keeps: true,
        ..Endpoint::default()
    };
    let (lines, left) = went(&endpoint, &[MAKE]).await;
    assert_eq!(lines, [("T-1", Pass), ("CLEAN", Fail)]);
    assert_eq!(left, ["/Users/id 0: answered 405"]);
}

#[tokio::test]
async fn an_endpoint_that_went_away_is_not_asked_for_ever() {
    let endpoint = Endpoint {
        dead: true,
        ..Endpoint::default()
    };
    let steps = [MAKE; 6];
    let (lines, _) = went(&endpoint, &steps).await;
    let skipped = lines.iter().filter(|(_, result)| *result == Skip).count();
    assert_eq!(skipped, 3);
}

#[test]
fn queries_are_written_as_the_provider_writes_them() {
    let endpoint = Endpoint::default();
    let of = |profile| {
        let credential = Credential::new(Secret::new("hush".to_owned()), profile);
        let values = [("login".to_owned(), "a&b".to_owned())].into();
        let run = Run::new(&endpoint, String::new(), (credential, profile), values);
        run.path("/Users/{login}?aadOptscim062020=&filter=userName eq \"{login}\"")
            .unwrap()
    };
    let okta = "/Users/a%26b?aadOptscim062020&filter=userName%20eq%20%22a%26b%22";
    assert_eq!(of(ScimProfile::Okta), okta);
    assert_eq!(
        of(ScimProfile::Microsoft),
        okta.replace("userName%20eq%20", "userName+eq+")
    );
}
