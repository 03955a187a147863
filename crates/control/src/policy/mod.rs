//! What organizations allow themselves: read, changed, and what a change ends.

mod get;
mod life;
mod set;
mod tighten;

use aeolus_api::policy::Policy;
use aeolus_model::Cidr;
use aeolus_store::{Organization, StoreError};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) use get::get;
pub(crate) use life::Life;
pub(crate) use set::{changes, set};
pub(crate) use tighten::tighten;

/// An organization's policy. What can't be read allows nothing: it is an error, never no policy.
pub(crate) fn of(organization: &Organization) -> Result<Policy, StoreError> {
    read(organization)
}

/// From where an organization may be reached, which is all that gates are told of its policy: the rules
/// that only a newer version knows keep no plane from being told what is revoked.
pub(crate) fn networks_of(organization: &Organization) -> Result<Vec<Cidr>, StoreError> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Told {
        allowed_networks: Vec<Cidr>,
    }
    read(organization).map(|told: Told| told.allowed_networks)
}

fn read<T: Default + DeserializeOwned>(organization: &Organization) -> Result<T, StoreError> {
    match organization.policy.as_str() {
        "" => Ok(T::default()),
        text => serde_json::from_str(text).map_err(|error| {
            let name = &organization.name;
            StoreError::Corrupt(format!("the policy of organization {name}: {error}"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use aeolus_model::OrganizationId;
    use aeolus_store::ManagedBy;

    use super::*;

    #[test]
    fn a_newer_versions_rules_are_refused_but_for_what_gates_are_told() {
        let organization = |policy: &str| Organization {
            id: OrganizationId::from_bytes([1; 16]),
            name: "acme".parse().unwrap(),
            policy: policy.to_owned(),
            quota: String::new(),
            managed_by: ManagedBy::Api,
            revision: 1,
        };
        let newer = organization(r#"{"allowedNetworks": ["10.0.0.0/8"], "fromTheFuture": 1}"#);
        assert!(of(&newer).is_err());
        let told = networks_of(&newer).unwrap();
        assert_eq!(told, ["10.0.0.0/8".parse().unwrap()]);
        // What isn't understood opens nothing.
        assert!(networks_of(&organization(r#"{"allowedNetworks": "all"}"#)).is_err());
        assert!(networks_of(&organization("{")).is_err());
        assert_eq!(networks_of(&organization("")).unwrap(), []);
    }
}
