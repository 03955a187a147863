//! Why a request is refused, as RFC 7644 §3.12 tells a client.

use serde_json::{Value, json};

use crate::schema::uri;

/// What kind of refusal it is: gives the status and, where there is one, the `scimType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The body is not what the schema or message asks for.
    InvalidSyntax,
    /// The filter can't be read, or asks for what can't be filtered.
    InvalidFilter,
    /// The path of an operation can't be read, or names nothing.
    InvalidPath,
    /// A value is missing or of another type.
    InvalidValue,
    /// The path of an operation matches nothing.
    NoTarget,
    /// The attribute can't be changed so.
    Mutability,
    /// More than is worked on at once.
    TooMany,
    /// The request names a version of the protocol that isn't spoken here.
    InvalidVersion,
    /// What is asked for must not be in a URL.
    Sensitive,
    /// The cursor is none of ours, or of another query (RFC 9865 §2.1).
    InvalidCursor,
    /// The cursor is too old.
    ExpiredCursor,
    /// `count` is not a number of resources.
    InvalidCount,
    /// The credential is not known.
    Unauthorized,
    /// The credential may not do this.
    Forbidden,
    /// There is no such resource for this client.
    NotFound,
    /// The resource is there, the method isn't.
    MethodNotAllowed,
    /// The value belongs to another resource.
    Uniqueness,
    /// Operations of a bulk request wait for each other.
    Circular,
    /// The resource is not in the version that the client names.
    Stale,
    /// The body is larger than is read.
    TooLarge,
    /// Too many requests in a short time.
    TooFast,
    /// This isn't done here.
    NotImplemented,
    /// Not now.
    Unavailable,
}

/// A refusal. Its text is for the client: it names the attribute and the limit, never another client's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// What kind of refusal it is.
    pub reason: Reason,
    /// What happened and what to do, in one or two sentences.
    pub detail: String,
}

impl Reason {
    /// The HTTP status, and the `scimType` of the answer where the RFCs name one.
    pub fn status(self) -> (u16, Option<&'static str>) {
        match self {
            Self::InvalidSyntax => (400, Some("invalidSyntax")),
            Self::InvalidFilter => (400, Some("invalidFilter")),
            Self::InvalidPath => (400, Some("invalidPath")),
            Self::InvalidValue => (400, Some("invalidValue")),
            Self::NoTarget => (400, Some("noTarget")),
            Self::Mutability => (400, Some("mutability")),
            Self::TooMany => (400, Some("tooMany")),
            Self::InvalidVersion => (400, Some("invalidVers")),
            Self::InvalidCursor => (400, Some("invalidCursor")),
            Self::ExpiredCursor => (400, Some("expiredCursor")),
            Self::InvalidCount => (400, Some("invalidCount")),
            Self::Unauthorized => (401, None),
            Self::Sensitive => (403, Some("sensitive")),
            Self::Forbidden => (403, None),
            Self::NotFound => (404, None),
            Self::MethodNotAllowed => (405, None),
            Self::Uniqueness => (409, Some("uniqueness")),
            Self::Circular => (409, None),
            Self::Stale => (412, None),
            Self::TooLarge => (413, None),
            Self::TooFast => (429, None),
            Self::NotImplemented => (501, None),
            Self::Unavailable => (503, None),
        }
    }
}

impl Error {
    /// A refusal with its text.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.reason.status().0
    }

    /// The body of the answer. The status is a text there (RFC 7644 §3.12).
    pub fn to_json(&self) -> Value {
        let (status, kind) = self.reason.status();
        let mut body = json!({
            "schemas": [uri::ERROR],
            "status": status.to_string(),
            "detail": self.detail,
        });
        if let (Some(kind), Some(body)) = (kind, body.as_object_mut()) {
            body.insert("scimType".to_owned(), kind.into());
        }
        body
    }
}

/// What a client sent, as a refusal may repeat it: short, on one line.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 64;
    let mut short: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}
