//! Whoever is no more as the other sections say.

use prost::Message;

use super::{Grant, Subject};

/// Section `changes`: people and programs that have changed since `subjects` and `grants` were written, so
/// that one new token of a million is a record and not a section. Key: (kind, id). Whoever it names is as
/// it says, whatever the other sections say of them. Absent where it would be empty.
#[derive(Clone, PartialEq, Message)]
pub struct Changes {
    /// As they are now.
    #[prost(message, repeated, tag = "1")]
    pub subjects: Vec<Subject>,
    /// Everything that those hold themselves.
    #[prost(message, repeated, tag = "2")]
    pub grants: Vec<Grant>,
    /// Those who have no permission on the plane any more.
    #[prost(message, repeated, tag = "3")]
    pub gone: Vec<Gone>,
}

/// Somebody without a permission on the plane.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Gone {
    /// Which kind of subject.
    #[prost(enumeration = "super::SubjectKind", tag = "1")]
    pub kind: i32,
    /// Who.
    #[prost(bytes = "vec", tag = "2")]
    pub id: Vec<u8>,
}

impl Changes {
    /// Whether nobody has changed.
    pub const fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.gone.is_empty()
    }
}
