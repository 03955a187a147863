//! What organizations may use of what all share: counted in memory, by each replica for itself, so that
//! counting costs nothing and a database that is slow makes nobody slower.

mod get;
mod meter;
mod set;

use aeolus_api::quota::Quota;
use aeolus_store::Organization;

pub(crate) use get::get;
pub(crate) use meter::Meters;
pub(crate) use set::set;

/// An organization's own quota; none that could be read.
fn own(organization: &Organization) -> Option<Quota> {
    match organization.quota.as_str() {
        "" => Some(Quota::default()),
        text => serde_json::from_str(text).ok(),
    }
}
