//! SCIM 2.0 (RFC 7643, 7644, 9865) without I/O: text and JSON in, typed changes or SCIM errors out.
//!
//! What is advertised, read, filtered, patched and shown follows from tables of attributes; what a client needs
//! that another must not get is a [`Profile`]. Whoever keeps resources gets [`Lookups`] for an index and
//! [`MemberChanges`] for lists that are too long to be loaded. Note 030 says why.

mod answer;
pub mod bulk;
pub mod discovery;
mod error;
mod etag;
mod event;
mod filter;
mod instant;
pub mod json;
mod limits;
mod member;
mod page;
mod patch;
mod path;
mod profile;
mod projection;
mod query;
mod resource;
pub mod schema;
mod sort;
mod text;
mod value;

pub use answer::{Link, ListResponse, Record, location};
pub use error::{Error, Reason};
pub use etag::{Condition, Conditions, Version};
pub use event::{Event, Happened, changed_attributes};
pub use filter::{Filter, Key, Lookup, Lookups};
pub use limits::Limits;
pub use member::{Member, MemberChanges, MemberKind};
pub use page::{Page, PageRequest, Position};
pub use patch::{Budget, Patch, Patched};
pub use path::Path;
pub use profile::{GroupAnswer, Profile, RemoveWithValues};
pub use projection::Projection;
pub use query::{Query, Search};
pub use resource::{Document, Resource};
pub use sort::{Sort, SortKey};
pub use text::fold;
pub use value::Rules;
