//! What every token of ours is checked for after its signature.

use std::time::Duration;

use aeolus_model::Time;

/// Why claims are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` lies ahead.
    #[error("the token is not valid yet")]
    NotYet,
    /// `iat` lies ahead: a clock is wrong, or the token is made up.
    #[error("the token was issued in the future")]
    FromTheFuture,
    /// Not the issuer expected, byte for byte.
    #[error("the token has another issuer")]
    Issuer,
    /// Not the audience expected, byte for byte.
    #[error("the token is for another audience")]
    Audience,
}

/// Checks times in whole seconds against now: `exp` must lie ahead, `iat` and `nbf` must not, each
/// give or take the leeway.
pub fn check_times(
    iat: i64,
    nbf: Option<i64>,
    exp: i64,
    now: Time,
    leeway: Duration,
) -> Result<(), ClaimError> {
    let now = now.secs();
    let leeway = i64::try_from(leeway.as_secs()).unwrap_or(i64::MAX);
    if exp.saturating_add(leeway) <= now {
        return Err(ClaimError::Expired);
    }
    let latest = now.saturating_add(leeway);
    if nbf.is_some_and(|nbf| nbf > latest) {
        return Err(ClaimError::NotYet);
    }
    if iat > latest {
        return Err(ClaimError::FromTheFuture);
    }
    Ok(())
}

/// The claims that every token has (RFC 7519 §4.1).
pub trait Registered {
    /// `iss`.
    fn iss(&self) -> &str;
    /// `aud`: one string, never a list.
    fn aud(&self) -> &str;
    /// `iat`, seconds.
    fn iat(&self) -> i64;
    /// `nbf`, seconds, where the kind has it.
    fn nbf(&self) -> Option<i64> {
        None
    }
    /// `exp`, seconds.
    fn exp(&self) -> i64;
    /// `jti`: what revocation and caches know a token by, never its text.
    fn jti(&self) -> &str;

    /// Checks issuer and audience byte for byte, then the times with our leeway of 60 s.
    fn check(&self, iss: &str, aud: &str, now: Time) -> Result<(), ClaimError> {
        if self.iss() != iss {
            return Err(ClaimError::Issuer);
        }
        if self.aud() != aud {
            return Err(ClaimError::Audience);
        }
        check_times(self.iat(), self.nbf(), self.exp(), now, LEEWAY)
    }
}

/// How far clocks may differ between the parts of a fleet.
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);
