//! What organizations may use of what all share: counted in memory, by each replica for itself, so that
//! counting costs nothing and a database that is slow makes nobody slower.

mod get;
mod meter;
mod minute;
mod set;

use aeolus_api::quota::Quota;
use aeolus_store::Organization;
use http::Method;

pub(crate) use get::get;
pub(crate) use meter::Meters;
pub(crate) use set::set;

/// What ends something without being a `DELETE`.
const ENDINGS: [&str; 3] = [
    "/v1/organizations/{o}/tokens:revoke",
    "/v1/organizations/{o}/tokens/{id}/rotate/end",
    "/v1/organizations/{o}/users/{id}/offboard",
];

/// Whether requests of a route only end what there is. Each caller has a count of their own for them:
/// whoever uses up what all share, if only with a stolen token, keeps nobody from taking it away.
pub(crate) fn only_ends(method: &Method, route: &str) -> bool {
    method == Method::DELETE || (method == Method::POST && ENDINGS.contains(&route))
}

/// An organization's own quota; none that could be read.
fn own(organization: &Organization) -> Option<Quota> {
    match organization.quota.as_str() {
        "" => Some(Quota::default()),
        text => serde_json::from_str(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::ROUTES;

    #[test]
    fn what_ends_something_is_a_route() {
        for route in ENDINGS {
            assert!(ROUTES.contains(&("post", route)), "{route}");
            assert!(only_ends(&Method::POST, route) && !only_ends(&Method::GET, route));
        }
        assert!(!only_ends(
            &Method::POST,
            "/v1/organizations/{o}/tokens/{id}"
        ));
        assert!(only_ends(
            &Method::DELETE,
            "/v1/organizations/{o}/tokens/{id}"
        ));
    }
}
