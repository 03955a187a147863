//! Times as they are remembered: whole seconds since 1970.

use aeolus_model::Time;
use serde::{Deserialize as _, Deserializer, Serializer};

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form serde calls it in"
)]
pub(super) fn serialize<S: Serializer>(at: &Time, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_i64(at.secs())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
    i64::deserialize(from).map(Time::from_secs)
}
