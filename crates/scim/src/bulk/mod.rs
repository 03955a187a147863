//! Bulk requests (RFC 7644 §3.7): what is asked for, in which order it can be done, and what is answered.

mod answer;
mod plan;

pub use answer::{Done, Progress};
pub use plan::Step;

use std::collections::HashSet;

use serde_json::Value;

use crate::error::{Error, Reason, shown};
use crate::json::Fields;
use crate::limits::Limits;
use crate::schema::uri;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// After how many errors the rest isn't done; none for all of it.
    pub fail_on_errors: Option<u64>,
    /// In the order sent.
    pub operations: Vec<Operation>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub method: Method,
    /// The client's name for what a POST makes.
    pub bulk_id: Option<String>,
    /// The resource, below the base: `/Groups` or `/Groups/{id}`.
    pub path: String,
    /// The body.
    pub data: Option<Value>,
    /// The version the resource has to be in.
    pub version: Option<String>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Makes a resource.
    Post,
    /// Replaces one.
    Put,
    /// Changes one.
    Patch,
    /// Deletes one.
    Delete,
}

impl Method {
    const ALL: [(&'static str, Self); 4] = [
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
        ("DELETE", Self::Delete),
    ];

    /// As HTTP spells it.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, method)| *method == self);
        found.map_or("", |(name, _)| name)
    }
}

impl Bulk {
    /// Reads a body.
    pub fn read(body: Value, limits: &Limits) -> Result<Self, Error> {
        let mut body = Fields::of(body, "A bulk request")?;
        body.message(uri::BULK_REQUEST)?;
        let fail_on_errors = match body.take("failOnErrors") {
            None => None,
            Some(value) => Some(
                value
                    .as_u64()
                    .filter(|errors| *errors > 0)
                    .ok_or_else(|| syntax("\"failOnErrors\" is a whole number above 0."))?,
            ),
        };
        let Some(Value::Array(operations)) = body.take("Operations") else {
            return Err(syntax("A bulk request has a list of \"Operations\"."));
        };
        if operations.len() > limits.bulk_operations {
            let most = limits.bulk_operations;
            return Err(Error::new(
                Reason::TooLarge,
                format!("A bulk request may have {most} operations."),
            ));
        }
        let operations: Vec<Operation> = operations
            .into_iter()
            .map(Operation::read)
            .collect::<Result<_, _>>()?;
        let mut names = HashSet::new();
        for name in operations
            .iter()
            .filter_map(|operation| operation.bulk_id.as_ref())
        {
            if !names.insert(name) {
                return Err(syntax(format!(
                    "The bulkId \"{}\" is there twice.",
                    shown(name)
                )));
            }
        }
        Ok(Self {
            fail_on_errors,
            operations,
        })
    }
}

impl Operation {
    fn read(value: Value) -> Result<Self, Error> {
        let mut given = Fields::of(value, "An operation")?;
        let method = given.text("method")?.unwrap_or_default();
        let method = Method::ALL
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&method))
            .map(|(_, method)| method)
            .ok_or_else(|| syntax("\"method\" is POST, PUT, PATCH or DELETE."))?;
        let bulk_id = given.text("bulkId")?;
        let path = given
            .text("path")?
            .filter(|path| path.starts_with('/'))
            .ok_or_else(|| syntax("\"path\" is the resource's path, such as /Users."))?;
        if method == Method::Post && bulk_id.as_deref().is_none_or(str::is_empty) {
            return Err(syntax("A POST in a bulk request has a \"bulkId\"."));
        }
        Ok(Self {
            method,
            bulk_id,
            path,
            data: given.take("data"),
            version: given.text("version")?,
        })
    }
}

fn syntax(detail: impl Into<String>) -> Error {
    Error::new(Reason::InvalidSyntax, detail)
}
