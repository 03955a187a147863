//! What an organization's policy says about tokens.

use std::num::NonZeroU32;
use std::time::Duration;

use aeolus_api::Period;
use aeolus_api::policy::Policy;
use aeolus_api::quota::Quota;
use aeolus_api::token::TokenScope;
use aeolus_model::OrganizationId;
use aeolus_store::{Unit as _, Write};

use crate::error::ApiError;

const MAX_DAYS: u32 = 3650;

/// The `exp` of a value that never expires, where policy allows it: gates still obey `hardStale`.
pub(super) const FOREVER_DAYS: u32 = MAX_DAYS;

/// The same as a life.
pub(crate) const FOREVER: Duration = Duration::from_secs(86_400).saturating_mul(MAX_DAYS);

/// The days a token's value is good for, from what was asked and what is allowed.
pub(super) fn days(
    policy: &Policy,
    scope: TokenScope,
    asked: Option<u32>,
) -> Result<u32, ApiError> {
    let bounds = policy.token_max_days.unwrap_or_default();
    let bound = match scope {
        TokenScope::Organization => bounds.organization,
        TokenScope::Workspace => bounds.workspace,
        TokenScope::Deployment => bounds.deployment,
    };
    let at = "tokenExpiryPeriodInDays";
    match (asked, bound) {
        (Some(days), _) if !(1..=MAX_DAYS).contains(&days) => {
            Err(ApiError::field(at, "use a number from 1 to 3650"))
        }
        (Some(days), Some(bound)) if days > bound => Err(ApiError::field(
            at,
            format!("the organization's policy allows at most {bound} days here"),
        )),
        (Some(days), _) => Ok(days),
        (None, Some(bound)) => Err(ApiError::field(
            at,
            format!("the organization's policy wants tokens to expire: say up to {bound} days"),
        )),
        (None, None) if policy.tokens_must_expire => Err(ApiError::field(
            at,
            "the organization's policy wants tokens to expire: say after how many days",
        )),
        (None, None) => Ok(FOREVER_DAYS),
    }
}

/// How long earlier values stay good after a rotation, from what was asked and what is usual.
pub(super) fn grace(policy: &Policy, asked: Option<Period>) -> Duration {
    let given = asked.or(policy.rotation_grace);
    given.map_or(Duration::ZERO, Period::duration)
}

/// Refuses one more token than the policy or the quota allows.
pub(super) async fn room(
    write: &mut Write,
    organization: OrganizationId,
    (policy, quota): (&Policy, &Quota),
) -> Result<(), ApiError> {
    let quota = quota.tokens.map(NonZeroU32::get);
    let bounds = [("policy", policy.max_tokens), ("quota", quota)];
    let bounds = bounds
        .into_iter()
        .filter_map(|(whose, most)| Some((most?, whose)));
    let Some((most, whose)) = bounds.min() else {
        return Ok(());
    };
    if !write.tokens().are_fewer_than(organization, most).await? {
        let what = format!(
            "The organization's {whose} allows {most} API tokens; delete one that nobody needs first."
        );
        return Err(ApiError::Conflict(what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_bounds_by_scope() {
        let policy = |text: &str| serde_json::from_str::<Policy>(text).unwrap();
        let bounded = policy(r#"{"tokenMaxDays":{"organization":90}}"#);
        let ask = |scope, asked| days(&bounded, scope, asked).ok();
        assert_eq!(ask(TokenScope::Organization, Some(90)), Some(90));
        assert_eq!(ask(TokenScope::Organization, Some(91)), None);
        assert_eq!(ask(TokenScope::Organization, None), None);
        assert_eq!(ask(TokenScope::Workspace, None), Some(3650));
        assert_eq!(ask(TokenScope::Workspace, Some(0)), None);
        assert_eq!(ask(TokenScope::Workspace, Some(3651)), None);
        let expiring = policy(r#"{"tokensMustExpire":true}"#);
        assert!(days(&expiring, TokenScope::Workspace, None).is_err());
        assert_eq!(
            days(&expiring, TokenScope::Workspace, Some(3650)).ok(),
            Some(3650)
        );
    }
}
