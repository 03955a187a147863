//! What a token endpoint answers (RFC 6749 §5, OIDC Core §3.1.3.3).

use aeolus_model::Secret;

use crate::ProviderError;
use crate::strict::Members;

/// Longest answer.
const MAX: usize = 128 * 1024;

/// What came of a code, or through the browser.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// Says who it is.
    pub id_token: Option<Secret<String>>,
    /// Opens userinfo.
    pub access_token: Option<Secret<String>>,
}

/// Why there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokensError {
    /// Not an answer.
    #[error("the token endpoint's answer is none")]
    Malformed,
    /// The code is spent, old, of another client or redirect, or its verifier is wrong.
    #[error(
        "the provider does not take the code (invalid_grant): it is old or used, or the redirect URI differs"
    )]
    Grant,
    /// The client is not who it says.
    #[error(
        "the provider does not take the client (invalid_client): check clientId and clientSecret, which may have expired"
    )]
    Client,
    /// Something else.
    #[error("the provider refuses the code's exchange")]
    Refused(ProviderError),
    /// A token that must be shown with a key, which nobody has here.
    #[error("the provider's access token is no bearer token")]
    Type,
}

impl TokensError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "tokens_malformed",
            Self::Grant => "tokens_grant",
            Self::Client => "tokens_client",
            Self::Refused(_) => "tokens_refused",
            Self::Type => "tokens_type",
        }
    }
}

impl Tokens {
    /// From an answer's body, whatever its status: GitHub answers 200 to everything, and as a form to
    /// those who don't ask for JSON.
    pub fn parse(body: &[u8]) -> Result<Self, TokensError> {
        if body.len() > MAX {
            return Err(TokensError::Malformed);
        }
        let text = |name: &str| -> Option<String> {
            let members = Members::parse(body, MAX)?;
            members.text(name).map(str::to_owned)
        };
        let form = |name: &str| -> Option<String> {
            let mut pairs = url::form_urlencoded::parse(body);
            let found = pairs.find(|(held, _)| held == name)?;
            Some(found.1.into_owned()).filter(|value| !value.is_empty())
        };
        let is_json = body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
        let read = |name: &str| if is_json { text(name) } else { form(name) };
        if let Some(error) = read("error") {
            return Err(match error.as_str() {
                "invalid_grant" | "bad_verification_code" => TokensError::Grant,
                "invalid_client" | "incorrect_client_credentials" => TokensError::Client,
                other => TokensError::Refused(ProviderError::parse(other)),
            });
        }
        let bearer = |kind: String| kind.eq_ignore_ascii_case("bearer");
        if !read("token_type").is_none_or(bearer) {
            return Err(TokensError::Type);
        }
        let tokens = Self {
            id_token: read("id_token").map(Secret::new),
            access_token: read("access_token").map(Secret::new),
        };
        if tokens.id_token.is_none() && tokens.access_token.is_none() {
            return Err(TokensError::Malformed);
        }
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests;
