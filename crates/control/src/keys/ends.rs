//! What replacing every key at once ends.

use std::collections::BTreeSet;

use aeolus_api::key::UpgradeEnds;
use aeolus_model::Time;
use aeolus_store::{StoreError, Unit};

use super::upgrade::kinds;
use super::view::purpose;

/// What is good now and would be refused then: sessions, the values of API tokens and direct access tokens, and
/// whatever else the keys sign.
pub(super) async fn counted(unit: &mut impl Unit, now: Time) -> Result<UpgradeEnds, StoreError> {
    let keys = unit.keys().list().await?;
    let always = (Time::EPOCH, Time::MAX);
    let mut organizations = BTreeSet::new();
    let mut values = [0_u64; 2];
    for (kind, count) in ["standard", "direct"].into_iter().zip(&mut values) {
        for need in unit.keys().needed_by(kind, always, now).await? {
            *count = count.saturating_add(need.values);
            organizations.insert(need.organization);
        }
    }
    let [api_tokens, direct_tokens] = values;
    let mut purposes: Vec<_> = kinds(&keys).into_iter().filter_map(purpose).collect();
    purposes.sort_unstable();
    purposes.dedup();
    Ok(UpgradeEnds {
        sessions: unit.keys().live_sessions(now).await?,
        api_tokens,
        direct_tokens,
        organizations: u64::try_from(organizations.len()).unwrap_or(u64::MAX),
        purposes,
    })
}
