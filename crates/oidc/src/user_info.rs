//! What userinfo says (OIDC Core §5.3).

use crate::strict::Members;

/// Longest answer.
const MAX: usize = 256 * 1024;

/// An answer of a userinfo endpoint. It means nothing before its `sub` is the one that was proved.
#[derive(Clone, Debug)]
pub struct UserInfo(pub(crate) Members);

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("userinfo is no JSON object, is too long, names a member twice, or has no sub")]
pub struct UserInfoError;

impl UserInfo {
    /// From an answer's body. A signed answer (`application/jwt`) is not asked for and not read.
    pub fn parse(body: &[u8]) -> Result<Self, UserInfoError> {
        let members = Members::parse(body, MAX).ok_or(UserInfoError)?;
        if members.text("sub").is_none() {
            return Err(UserInfoError);
        }
        Ok(Self(members))
    }

    /// Whose it is.
    pub(crate) fn sub(&self) -> &str {
        self.0.text("sub").unwrap_or_default()
    }
}
