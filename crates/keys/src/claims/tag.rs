//! The claim `kind` as types that have one value each: written right by construction, read right or
//! not at all.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Kind;

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $kind:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
                writer.serialize_str($kind.name())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
                match Kind::deserialize(reader)? {
                    kind if kind == $kind => Ok(Self),
                    _ => Err(D::Error::custom("another kind")),
                }
            }
        }
    )*};
}

tags! {
    /// `kind: access`.
    AccessKind = Kind::Access;
    /// `kind: api`.
    ApiKind = Kind::Api;
    /// `kind: direct`.
    DirectKind = Kind::Direct;
    /// `kind: federated`.
    FederatedKind = Kind::Federated;
}
