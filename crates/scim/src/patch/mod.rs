//! PATCH (RFC 7644 §3.5.2): read as a whole, then applied to a copy. It does everything or nothing.
//!
//! Members of a group aren't part of the resource: what happens to them comes back as [`MemberChanges`].

mod apply;
mod links;
mod list;
mod read;
mod single;
mod work;

pub use self::work::Budget;

use serde_json::Value;

use crate::error::{Error, Reason};
use crate::member::MemberChanges;
use crate::path::Path;
use crate::resource::Resource;
use crate::schema::ResourceType;
use crate::value::Rules;

/// The body of a PATCH, read.
#[derive(Debug, Clone)]
pub struct Patch<'a> {
    kind: &'static ResourceType,
    rules: Rules<'a>,
    changes: Vec<Change>,
}

/// What a PATCH comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// The resource as it is now.
    pub resource: Resource,
    /// Whether it differs from what it was. Where it doesn't and no member changes either, nothing happened: no new version,
    /// no record of it.
    pub changed: bool,
    /// What happens to the members.
    pub members: MemberChanges,
    /// How many comparisons it took.
    pub work: u64,
}

/// What one operation does at one place.
#[derive(Debug, Clone)]
struct Change {
    verb: Verb,
    path: Path,
    /// None for a removal of all that is there.
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

fn mutability(detail: impl Into<String>) -> Error {
    Error::new(Reason::Mutability, detail)
}
