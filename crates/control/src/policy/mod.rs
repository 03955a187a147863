//! What organizations allow themselves: read, changed, and what a change ends.

mod get;
mod life;
mod set;
mod tighten;

use aeolus_api::policy::Policy;
use aeolus_store::{Organization, StoreError};

pub(crate) use get::get;
pub(crate) use life::Life;
pub(crate) use set::{changes, set};
pub(crate) use tighten::tighten;

/// An organization's policy. What can't be read allows nothing: it is an error, never no policy.
pub(crate) fn of(organization: &Organization) -> Result<Policy, StoreError> {
    match organization.policy.as_str() {
        "" => Ok(Policy::default()),
        text => serde_json::from_str(text).map_err(|error| {
            let name = &organization.name;
            StoreError::Corrupt(format!("the policy of organization {name}: {error}"))
        }),
    }
}
