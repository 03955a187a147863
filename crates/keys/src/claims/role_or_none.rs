//! A role in Airflow as its claim says it: none at all is the text `none`.

use aeolus_model::AirflowRole;
use serde::de::IntoDeserializer as _;
use serde::{Deserialize as _, Deserializer, Serializer};

const NONE: &str = "none";

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
pub(super) fn serialize<S: Serializer>(
    role: &Option<AirflowRole>,
    writer: S,
) -> Result<S::Ok, S::Error> {
    writer.serialize_str(role.map_or(NONE, AirflowRole::name))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<Option<AirflowRole>, D::Error> {
    match String::deserialize(reader)? {
        none if none == NONE => Ok(None),
        role => AirflowRole::deserialize(role.into_deserializer()).map(Some),
    }
}
