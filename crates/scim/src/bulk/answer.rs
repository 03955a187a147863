//! What became of the operations.

use serde_json::{Map, Value, json};

use super::{Bulk, Operation};
use crate::error::Error;
use crate::etag::Version;
use crate::schema::uri;

/// What became of one operation.
#[derive(Debug, Clone)]
pub struct Done {
    /// The URL of the resource; none where a POST made none.
    pub location: Option<String>,
    /// The version the resource is in now.
    pub version: Option<Version>,
    /// The status, or why it wasn't done.
    pub outcome: Result<u16, Error>,
}

/// The answer as it grows.
#[derive(Debug)]
pub struct Progress<'a> {
    bulk: &'a Bulk,
    errors: u64,
    answers: Vec<Option<Value>>,
}

impl<'a> Progress<'a> {
    /// Before the first operation.
    pub fn new(bulk: &'a Bulk) -> Self {
        Self {
            bulk,
            errors: 0,
            answers: vec![None; bulk.operations.len()],
        }
    }

    /// Whether there were so many errors that the rest isn't done.
    pub fn stops(&self) -> bool {
        self.bulk
            .fail_on_errors
            .is_some_and(|most| self.errors >= most)
    }

    /// Notes what became of the operation at this place.
    pub fn note(&mut self, at: usize, done: &Done) {
        if done.outcome.is_err() {
            self.errors = self.errors.saturating_add(1);
        }
        let operation = self.bulk.operations.get(at);
        if let (Some(operation), Some(answer)) = (operation, self.answers.get_mut(at)) {
            *answer = Some(operation.answer(done));
        }
    }

    /// The body of the answer: of what was tried, in the order sent.
    pub fn into_json(self) -> Value {
        let answers: Vec<Value> = self.answers.into_iter().flatten().collect();
        json!({"schemas": [uri::BULK_RESPONSE], "Operations": answers})
    }
}

impl Operation {
    fn answer(&self, done: &Done) -> Value {
        let mut answer = Map::new();
        let mut put = |name: &str, value: Value| answer.insert(name.to_owned(), value);
        put("method", self.method.name().into());
        if let Some(bulk_id) = &self.bulk_id {
            put("bulkId", bulk_id.as_str().into());
        }
        if let Some(location) = &done.location {
            put("location", location.as_str().into());
        }
        if let Some(version) = &done.version {
            put("version", version.to_string().into());
        }
        match &done.outcome {
            Ok(status) => put("status", status.to_string().into()),
            Err(error) => {
                put("status", error.status().to_string().into());
                put("response", error.to_json())
            }
        };
        Value::Object(answer)
    }
}
