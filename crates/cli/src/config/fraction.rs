//! A share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share from 0 to 1, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub(crate) struct Fraction(pub(super) u32);

impl TryFrom<f64> for Fraction {
    type Error = &'static str;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before"
    )]
    fn try_from(share: f64) -> Result<Self, Self::Error> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self((share * 1e6).round() as u32))
        } else {
            Err("a share is a number from 0 to 1, such as 0.001")
        }
    }
}

impl From<Fraction> for f64 {
    fn from(share: Fraction) -> Self {
        Self::from(share.0) / 1e6
    }
}

impl JsonSchema for Fraction {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fraction".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "number", "minimum": 0, "maximum": 1})
    }
}
