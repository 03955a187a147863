//! Who needs a key: what it signed that is still good.

use aeolus_api::key::{KeyNeeds, OrganizationNeed};
use aeolus_keys::Kind;
use aeolus_store::{KeyStage, SigningKey, StoreError, Unit};

use super::life::{SKEW, life, signed_within};
use crate::app::App;

/// What a key signed that is good now.
pub(super) async fn needs(
    app: &App,
    unit: &mut impl Unit,
    key: &SigningKey,
) -> Result<KeyNeeds, StoreError> {
    match Kind::parse(&key.kind) {
        Some(Kind::Api) => counted(app, unit, key, "standard").await,
        Some(Kind::Direct) => counted(app, unit, key, "direct").await,
        Some(kind) => for_a_while(app, unit, key, kind).await,
        None => Ok(KeyNeeds::default()),
    }
}

/// Of values that are in the database: by when they were issued. Verifiers grant them a leeway.
async fn counted(
    app: &App,
    unit: &mut impl Unit,
    key: &SigningKey,
    token_kind: &str,
) -> Result<KeyNeeds, StoreError> {
    let Some(within) = signed_within(key.stage) else {
        return Ok(nobody());
    };
    let now = app.clock.now().minus(SKEW);
    let mut needs = nobody();
    for need in unit.keys().needed_by(token_kind, within, now).await? {
        let organization = unit.organizations().get(need.organization).await?;
        let name = organization.map(|organization| organization.name.to_string());
        needs.tokens = needs.tokens.map(|count| count.saturating_add(need.values));
        needs.until = needs.until.max(Some(need.until.secs()));
        needs.organizations.push(OrganizationNeed {
            id: need.organization,
            name: name.unwrap_or_default(),
            tokens: need.values,
            until: need.until.secs(),
        });
    }
    Ok(needs)
}

/// Of what is short-lived: for as long as the last of it is good.
async fn for_a_while(
    app: &App,
    unit: &mut impl Unit,
    key: &SigningKey,
    kind: Kind,
) -> Result<KeyNeeds, StoreError> {
    let now = app.clock.now();
    let life = life(kind, app.session);
    let until = match key.stage {
        KeyStage::Announced { .. } => return Ok(nobody()),
        KeyStage::Active { .. } => now.plus(life),
        KeyStage::Retired { since, .. } => since.plus(life),
    };
    if until.plus(SKEW) <= now {
        return Ok(nobody());
    }
    let tokens = match kind {
        Kind::Access => Some(unit.keys().live_sessions(now).await?),
        _ => None,
    };
    Ok(KeyNeeds {
        tokens,
        until: Some(until.secs()),
        organizations: Vec::new(),
    })
}

fn nobody() -> KeyNeeds {
    KeyNeeds {
        tokens: Some(0),
        ..KeyNeeds::default()
    }
}
