//! Lists by cursor, and what planes have applied.

use aeolus_model::PlaneId;
use serde::{Deserialize, Serialize};

/// One page of a list. Follow `next_cursor` until it is absent; cursors are opaque.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "{T}Page"))]
pub struct Page<T> {
    /// The items, oldest first.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The answer to a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who has applied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

/// Which planes have applied a change (`wait=planes`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlaneAcks {
    /// These obey the change now.
    pub applied: Vec<PlaneAck>,
    /// These had not said so when the wait ended: they are cut off or slow, and go by their
    /// staleness policy until they hear of it.
    pub unconfirmed: Vec<PlaneAck>,
}

/// An answer that says, where that was asked for, which planes have applied the change.
pub trait Awaited {
    /// Says it.
    fn heard(&mut self, planes: PlaneAcks);
}

macro_rules! awaited {
    ($($answer:path),+ $(,)?) => {$(
        impl Awaited for $answer {
            fn heard(&mut self, planes: PlaneAcks) {
                self.planes = Some(planes);
            }
        }
    )+};
}

awaited! {
    Deleted,
    crate::offboard::Offboarded,
    crate::rollout::Changed,
    crate::token::TokenCreated,
    crate::token::TokensRevoked,
}

/// Why a repeated answer is without a secret, in the secret's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Withheld {
    /// Always `shown-once`.
    pub code: String,
    /// What that means and what to do.
    pub detail: String,
}

impl Withheld {
    /// The code.
    pub const SHOWN_ONCE: &str = "shown-once";

    /// With what to do instead.
    pub fn shown_once(instead: &str) -> Self {
        Self {
            code: Self::SHOWN_ONCE.to_owned(),
            detail: format!(
                "It was in the first answer to this request and is kept nowhere. {instead}"
            ),
        }
    }
}

/// One plane and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlaneAck {
    /// The plane.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: PlaneId,
    /// Its name.
    pub name: String,
    /// The position it last confirmed.
    pub seq: u64,
}
