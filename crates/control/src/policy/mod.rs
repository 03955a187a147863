//! What organizations allow themselves: read, changed, and what a change ends.

mod get;
mod life;
mod set;
mod tighten;

use std::collections::BTreeSet;

use aeolus_api::policy::{Policy, SecondFactor};
use aeolus_model::{Actor, Cidr, Slug, UserId};
use aeolus_store::{Organization, StoreError, Unit};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::authority::Authority;
use crate::error::ApiError;

pub(crate) use get::get;
pub(crate) use life::Life;
pub(crate) use set::{changes, set};
pub(crate) use tighten::tighten;

/// An organization's policy. What can't be read allows nothing: it is an error, never no policy.
pub(crate) fn of(organization: &Organization) -> Result<Policy, StoreError> {
    read(organization)
}

/// What gates are told of a policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Told {
    /// From where the organization may be reached.
    pub(crate) allowed_networks: Vec<Cidr>,
    /// Whether people need a second factor there.
    pub(crate) second_factor: SecondFactor,
}

/// What gates are told of an organization's policy, and no more: the rules that only a newer version knows
/// keep no plane from being told what is revoked.
pub(crate) fn told_of(organization: &Organization) -> Result<Told, StoreError> {
    read(organization)
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

/// Refuses to give a person a role where people get theirs by teams alone (row D7).
pub(crate) fn refuse_for_people(organization: &Organization) -> Result<(), ApiError> {
    if of(organization)?.teams_only {
        return Err(ApiError::TeamsOnly(organization.name.clone()));
    }
    Ok(())
}

/// The organization of somebody whose people sign in no machines, if there is one. Whoever holds something in
/// the whole installation is bound by no organization's rule.
pub(crate) async fn forbids_devices(
    app: &App,
    unit: &mut impl Unit,
    user: UserId,
) -> Result<Option<Slug>, ApiError> {
    let authority = Authority::load(app, unit, &Actor::User(user)).await?;
    if authority.is_system() {
        return Ok(None);
    }
    let records = authority.records().iter();
    let of_them: BTreeSet<_> = records.filter_map(|record| record.organization).collect();
    for id in of_them {
        if let Some(organization) = unit.organizations().get(id).await?
            && !of(&organization)?.device_flow.is_on()
        {
            return Ok(Some(organization.name));
        }
    }
    Ok(None)
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
        let newer = organization(
            r#"{"allowedNetworks": ["10.0.0.0/8"], "secondFactor": "required", "fromTheFuture": 1}"#,
        );
        assert!(of(&newer).is_err());
        let told = told_of(&newer).unwrap();
        assert_eq!(told.allowed_networks, ["10.0.0.0/8".parse().unwrap()]);
        assert!(told.second_factor.is_required());
        // What isn't understood opens nothing.
        assert!(told_of(&organization(r#"{"allowedNetworks": "all"}"#)).is_err());
        assert!(told_of(&organization(r#"{"secondFactor": "passkey"}"#)).is_err());
        assert!(told_of(&organization("{")).is_err());
        let nothing = told_of(&organization("")).unwrap();
        assert_eq!(nothing.allowed_networks, []);
        assert!(nothing.second_factor.is_optional());
    }
}
