//! The order in which operations can be done, so that what one makes is there when another names it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use serde_json::Value;

use super::{Bulk, Operation, syntax};
use crate::error::{Error, Reason, shown};

/// How a client names what another operation makes.
const PREFIX: &str = "bulkId:";

/// One operation in the order of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its place among the operations sent.
    pub at: usize,
    /// Whether it can be done at all.
    pub possible: Result<(), Error>,
}

impl Bulk {
    /// The order: as sent, but for operations that wait for a later one. Those that wait for each other
    /// are last; they, and those that wait for one that isn't there, can't be done.
    pub fn plan(&self) -> Vec<Step> {
        let makers: HashMap<&str, usize> = self
            .operations
            .iter()
            .enumerate()
            .filter_map(|(at, operation)| Some((operation.bulk_id.as_deref()?, at)))
            .collect();
        let mut waits: Vec<usize> = vec![0; self.operations.len()];
        let mut waiting: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut impossible: HashMap<usize, Error> = HashMap::new();
        for (at, operation) in self.operations.iter().enumerate() {
            for name in operation.references() {
                match makers.get(name) {
                    Some(maker) => {
                        waiting.entry(*maker).or_default().push(at);
                        if let Some(count) = waits.get_mut(at) {
                            *count += 1;
                        }
                    }
                    None => {
                        impossible.entry(at).or_insert_with(|| unknown(name));
                    }
                }
            }
        }
        let mut steps = Vec::with_capacity(waits.len());
        let mut placed = HashSet::with_capacity(waits.len());
        let ready = waits.iter().enumerate().filter(|(_, count)| **count == 0);
        let mut ready: BinaryHeap<Reverse<usize>> = ready.map(|(at, _)| Reverse(at)).collect();
        while let Some(Reverse(at)) = ready.pop() {
            placed.insert(at);
            let possible = impossible.remove(&at).map_or(Ok(()), Err);
            steps.push(Step { at, possible });
            for next in waiting.remove(&at).unwrap_or_default() {
                if let Some(count) = waits.get_mut(next) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(Reverse(next));
                    }
                }
            }
        }
        let circular = (0..waits.len()).filter(|at| !placed.contains(at));
        steps.extend(circular.map(|at| Step {
            at,
            possible: Err(Error::new(
                Reason::Circular,
                "This operation and others wait for each other: make the resources first, then join them.",
            )),
        }));
        steps
    }
}

impl Operation {
    /// Its path and body with the ids of what was made, by `bulkId`. An operation whose maker failed can't be done.
    pub fn resolved(mut self, ids: &HashMap<String, String>) -> Result<Self, Error> {
        let id = |name: &str| ids.get(name).ok_or_else(|| unknown(name));
        let segments: Result<Vec<&str>, Error> = self
            .path
            .split('/')
            .map(|segment| match segment.strip_prefix(PREFIX) {
                Some(name) => id(name).map(String::as_str),
                None => Ok(segment),
            })
            .collect();
        self.path = segments?.join("/");
        let mut open: Vec<&mut Value> = self.data.iter_mut().collect();
        while let Some(value) = open.pop() {
            match value {
                Value::String(text) => {
                    if let Some(name) = text.strip_prefix(PREFIX) {
                        *text = id(name)?.clone();
                    }
                }
                Value::Array(values) => open.extend(values),
                Value::Object(map) => open.extend(map.values_mut()),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        Ok(self)
    }

    /// What others make and it names, each once.
    fn references(&self) -> HashSet<&str> {
        let mut names: HashSet<&str> = self
            .path
            .split('/')
            .filter_map(|segment| segment.strip_prefix(PREFIX))
            .collect();
        let mut open: Vec<&Value> = self.data.iter().collect();
        while let Some(value) = open.pop() {
            match value {
                Value::String(text) => names.extend(text.strip_prefix(PREFIX)),
                Value::Array(values) => open.extend(values),
                Value::Object(map) => open.extend(map.values()),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        names
    }
}

fn unknown(name: &str) -> Error {
    let Error { detail, .. } = syntax(format!(
        "Nothing was made under the bulkId \"{}\".",
        shown(name)
    ));
    Error::new(Reason::InvalidValue, detail)
}
