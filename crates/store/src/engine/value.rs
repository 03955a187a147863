//! How our types become the three column types that both engines share.

use aeolus_model::{
    ConnectionId, DeploymentId, Email, EmailId, GrantId, Host, HostPattern, IdentitySubject,
    InvitationId, KeyId, OrganizationId, PasswordResetId, PathPrefix, PlaneId, RefreshFamilyId,
    RoleId, ScimCredentialId, ScimEventId, ScimRequestId, SessionId, Slug, TeamId, Time, TokenId,
    UserId, WorkspaceId,
};

/// A value of a column. `None` is NULL, which in PostgreSQL has a type too.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($raw:ty => $variant:ident),*) => {$(
        impl From<Option<$raw>> for Value {
            fn from(value: Option<$raw>) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}
values!(i64 => Int, String => Text, Vec<u8> => Bytes);

/// A type that is kept in a column.
pub(crate) trait Column: Sized {
    /// What the drivers know it as.
    type Raw;
    /// None if the column holds something that the type can't be.
    fn from_raw(raw: Self::Raw) -> Option<Self>;
    fn to_raw(&self) -> Self::Raw;
}

/// What can be bound to a placeholder: a column's type, or an `Option` of it for NULL.
pub(crate) trait Bind {
    fn bind(&self) -> Value;
}

impl<T: Column> Bind for T
where
    Value: From<Option<T::Raw>>,
{
    fn bind(&self) -> Value {
        Value::from(Some(self.to_raw()))
    }
}

impl<T: Column> Bind for Option<T>
where
    Value: From<Option<T::Raw>>,
{
    fn bind(&self) -> Value {
        Value::from(self.as_ref().map(Column::to_raw))
    }
}

impl Bind for str {
    fn bind(&self) -> Value {
        Value::Text(Some(self.to_owned()))
    }
}

impl Bind for [u8] {
    fn bind(&self) -> Value {
        Value::Bytes(Some(self.to_owned()))
    }
}

/// The values of a statement, in the order of their placeholders.
macro_rules! bind {
    ($($value:expr),* $(,)?) => {
        vec![$({ use $crate::engine::Bind as _; $value.bind() }),*]
    };
}

macro_rules! plain {
    ($($raw:ty),*) => {$(
        impl Column for $raw {
            type Raw = $raw;
            fn from_raw(raw: $raw) -> Option<Self> {
                Some(raw)
            }
            fn to_raw(&self) -> $raw {
                self.clone()
            }
        }
    )*};
}
plain!(i64, String, Vec<u8>);

macro_rules! integers {
    ($($int:ty),*) => {$(
        impl Column for $int {
            type Raw = i64;
            fn from_raw(raw: i64) -> Option<Self> {
                Self::try_from(raw).ok()
            }
            fn to_raw(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        }
    )*};
}
integers!(u32, u64, usize);

macro_rules! ids {
    ($($id:ty),*) => {$(
        impl Column for $id {
            type Raw = Vec<u8>;
            fn from_raw(raw: Vec<u8>) -> Option<Self> {
                Self::from_slice(&raw).ok()
            }
            fn to_raw(&self) -> Vec<u8> {
                self.as_bytes().to_vec()
            }
        }
    )*};
}
ids!(
    OrganizationId,
    WorkspaceId,
    DeploymentId,
    PlaneId,
    UserId,
    TeamId,
    TokenId,
    EmailId,
    SessionId,
    RefreshFamilyId,
    ConnectionId,
    GrantId,
    RoleId,
    InvitationId,
    KeyId,
    PasswordResetId,
    ScimCredentialId,
    ScimRequestId,
    ScimEventId
);

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl Column for $text {
            type Raw = String;
            fn from_raw(raw: String) -> Option<Self> {
                raw.parse().ok()
            }
            fn to_raw(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
texts!(Slug, Email, Host, HostPattern, IdentitySubject, PathPrefix);

impl Column for Time {
    type Raw = i64;
    fn from_raw(raw: i64) -> Option<Self> {
        Some(Self::from_millis(raw))
    }
    fn to_raw(&self) -> i64 {
        self.millis()
    }
}

impl<const N: usize> Column for [u8; N] {
    type Raw = Vec<u8>;
    fn from_raw(raw: Vec<u8>) -> Option<Self> {
        raw.try_into().ok()
    }
    fn to_raw(&self) -> Vec<u8> {
        self.to_vec()
    }
}

/// Keeps an enum without data as a word.
macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $crate::engine::Column for $type {
            type Raw = String;
            fn from_raw(raw: String) -> Option<Self> {
                match raw.as_str() {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
            fn to_raw(&self) -> String {
                match self { $(Self::$variant => $word.to_owned(),)* }
            }
        }
    };
}

pub(crate) use {bind, words};
