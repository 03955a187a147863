//! Answers to challenges: given before the authority looks, taken back whatever it saw.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::asked::{Challenge, Proved};
use crate::folder::put;
use crate::hook::{Action, Hook, HookError};

/// An answer to one challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    /// The kind of challenge.
    pub(crate) challenge: Challenge,
    /// The name that is proved.
    pub(crate) name: Proved,
    /// What http-01 is asked for.
    pub(crate) token: Token,
    /// What http-01 answers (RFC 8555 §8.1).
    pub(crate) content: String,
    /// What dns-01 has in its record (RFC 8555 §8.4).
    pub(crate) value: String,
}

/// A challenge's token: of an alphabet that is safe in a path (RFC 8555 §8.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Token(String);

/// What no token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a challenge's token has letters that none may have")]
pub(crate) struct TokenError;

/// 128 bits are 22 letters; nobody needs as many as this.
const MAX_TOKEN: usize = 256;

impl Token {
    pub(crate) fn parse(text: &str) -> Result<Self, TokenError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fine = !text.is_empty() && text.len() <= MAX_TOKEN && text.bytes().all(fits);
        fine.then(|| Self(text.to_owned())).ok_or(TokenError)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Token {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        Self::parse(&text)
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.0
    }
}

/// How challenges are answered.
#[derive(Clone, Debug)]
pub enum Solver {
    /// By files that [`crate::respond`] shows: at whichever of the processes that share the folder is asked.
    Http,
    /// By a program that edits a zone.
    Dns(Hook),
}

impl Solver {
    /// The kind of challenge that it answers.
    pub const fn challenge(&self) -> Challenge {
        match self {
            Self::Http => Challenge::Http01,
            Self::Dns(_) => Challenge::Dns01,
        }
    }

    /// Gives an answer.
    pub(crate) async fn present(&self, answer: &Answer, shown: PathBuf) -> Result<(), HookError> {
        match self {
            Self::Http => put(&shown, answer.content.as_bytes(), 0o600).map_err(HookError::File),
            Self::Dns(hook) => {
                hook.run(Action::Present, (answer.name.as_str(), &answer.value))
                    .await
            }
        }
    }

    /// Takes one back, of whichever kind it was: settings may have changed since.
    pub(crate) async fn clean(&self, answer: &Answer, shown: PathBuf) -> Result<(), HookError> {
        match (answer.challenge, self) {
            (Challenge::Http01, _) => match std::fs::remove_file(shown) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(HookError::File(error))
                }
                _ => Ok(()),
            },
            (Challenge::Dns01, Self::Dns(hook)) => {
                hook.run(Action::Cleanup, (answer.name.as_str(), &answer.value))
                    .await
            }
            (Challenge::Dns01, Self::Http) => Err(HookError::None(answer.name.clone().into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_is_one_part_of_a_path(text in ".{0,300}") {
            if let Ok(token) = Token::parse(&text) {
                let path = std::path::Path::new(token.as_str());
                prop_assert_eq!(path.components().count(), 1);
                prop_assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(text.as_str()));
            }
        }
    }

    #[test]
    fn tokens_are_base64url() {
        for (text, fine) in [
            ("DGyRejmCefe7v4NfDGDKfA", true),
            ("a-b_c", true),
            ("", false),
            ("..", false),
            ("a/b", false),
            ("a.b", false),
            ("a\0", false),
        ] {
            assert_eq!(Token::parse(text).is_ok(), fine, "{text:?}");
        }
        assert!(Token::parse(&"a".repeat(257)).is_err());
    }
}
