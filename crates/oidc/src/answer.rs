//! What a browser brings back from a provider (RFC 6749 §4.1.2, OIDC Core §3.2.2.5, RFC 9207).

mod provider_error;

use std::collections::BTreeSet;

use aeolus_model::Secret;

pub use self::provider_error::ProviderError;
use crate::{Attempt, Connection, Discovery, Flow, Tokens};

/// Longest answer: two tokens of 16 KiB and some.
const MAX: usize = 48 * 1024;
/// Most parameters.
const MAX_PARAMETERS: usize = 64;
/// Longest `state`, `iss` and `code`.
const MAX_TEXT: usize = 4096;

/// How an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// In the URL.
    Query,
    /// Posted by the provider's page.
    FormPost,
    /// In the URL's fragment, posted by our own page.
    Fragment,
}

/// What a provider answers.
#[derive(Debug)]
pub enum Answer {
    /// A code to exchange.
    Code {
        /// Which attempt.
        state: String,
        /// The code.
        code: Secret<String>,
        /// Who says so.
        iss: Option<String>,
    },
    /// Tokens.
    Tokens {
        /// Which attempt.
        state: String,
        /// The tokens.
        tokens: Tokens,
        /// Who says so.
        iss: Option<String>,
    },
    /// No.
    Refused {
        /// Which attempt.
        state: String,
        /// Why.
        error: ProviderError,
        /// The provider's own number of it, for the log (`AADSTS50105`).
        detail: Option<String>,
        /// Who says so.
        iss: Option<String>,
    },
}

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Too long, or with characters that don't belong.
    #[error("the answer is too long or not an answer")]
    Malformed,
    /// A parameter twice (O11).
    #[error("the answer has a parameter twice")]
    Duplicate,
    /// No state (O7).
    #[error("the answer has no state: it doesn't belong to an attempt")]
    NoState,
    /// To another attempt, or none (O7).
    #[error("the answer is to another attempt")]
    State,
    /// Neither code nor token nor error, or several of them.
    #[error("the answer has no code, or more than that")]
    Content,
    /// Tokens where logs are, or a code where it wasn't asked for.
    #[error("the answer came in a way that was not asked for")]
    Channel,
    /// By another provider, or unnamed where this one always names itself (O9).
    #[error("the answer is of another provider")]
    Issuer,
}

impl AnswerError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "answer_malformed",
            Self::Duplicate => "answer_duplicate",
            Self::NoState => "answer_without_state",
            Self::State => "answer_state",
            Self::Content => "answer_content",
            Self::Channel => "answer_channel",
            Self::Issuer => "answer_issuer",
        }
    }
}

impl Answer {
    /// From `application/x-www-form-urlencoded` text.
    pub fn parse(text: &str, channel: Channel) -> Result<Self, AnswerError> {
        let mut fields = Fields::parse(text)?;
        let state = fields
            .take("state", MAX_TEXT)?
            .ok_or(AnswerError::NoState)?;
        let iss = fields.take("iss", MAX_TEXT)?;
        let code = fields.take("code", MAX_TEXT)?;
        let id_token = fields.take("id_token", MAX)?;
        let access_token = fields.take("access_token", MAX)?;
        let error = fields.take_loose("error");
        let has_tokens = id_token.is_some() || access_token.is_some();
        match (code, has_tokens, error) {
            (None, false, Some(error)) => Ok(Self::Refused {
                state,
                error: ProviderError::parse(&error),
                detail: fields
                    .take_loose("error_description")
                    .and_then(|text| provider_error::number(&text)),
                iss,
            }),
            (Some(code), false, None) if channel == Channel::Fragment => {
                drop(code);
                Err(AnswerError::Channel)
            }
            (Some(code), false, None) => Ok(Self::Code {
                state,
                code: Secret::new(code),
                iss,
            }),
            (None, true, None) if channel == Channel::Query => Err(AnswerError::Channel),
            (None, true, None) => Ok(Self::Tokens {
                state,
                tokens: Tokens {
                    id_token: id_token.map(Secret::new),
                    access_token: access_token.map(Secret::new),
                },
                iss,
            }),
            _ => Err(AnswerError::Content),
        }
    }

    /// Which attempt it says it is to.
    pub fn state(&self) -> &str {
        match self {
            Self::Code { state, .. } | Self::Tokens { state, .. } | Self::Refused { state, .. } => {
                state
            }
        }
    }

    fn brings_id_token(&self) -> bool {
        matches!(self, Self::Tokens { tokens, .. } if tokens.id_token.is_some())
    }

    /// Whether it is this provider's answer to this attempt, in the way that was asked for. Before
    /// this says so, nothing of it is used and nobody is asked anything (O7, O9).
    pub fn check(
        &self,
        connection: &Connection,
        discovery: &Discovery,
        attempt: &Attempt,
    ) -> Result<(), AnswerError> {
        if !attempt.is_answered_by(self.state()) {
            return Err(AnswerError::State);
        }
        let iss = match self {
            Self::Code { iss, .. } | Self::Tokens { iss, .. } | Self::Refused { iss, .. } => iss,
        };
        let named = match iss {
            Some(iss) => discovery.may_be(connection.profile().issuer, iss),
            // An `id_token` says it itself, under the provider's signature (RFC 9207 §2.4).
            None => !discovery.names_itself() || self.brings_id_token(),
        };
        if !named {
            return Err(AnswerError::Issuer);
        }
        match (self, attempt.flow()) {
            (Self::Code { .. }, Flow::Implicit(_)) | (Self::Tokens { .. }, Flow::Code) => {
                Err(AnswerError::Channel)
            }
            _ => Ok(()),
        }
    }
}

/// The parameters, none of them twice (RFC 6749 §3.1).
struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(text: &str) -> Result<Self, AnswerError> {
        if text.len() > MAX {
            return Err(AnswerError::Malformed);
        }
        let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned();
        let pairs: Vec<(String, String)> = pairs.take(MAX_PARAMETERS + 1).collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(AnswerError::Malformed);
        }
        let mut seen = BTreeSet::new();
        if !pairs.iter().all(|(name, _)| seen.insert(name)) {
            return Err(AnswerError::Duplicate);
        }
        Ok(Self(pairs))
    }

    /// A value of visible ASCII; an empty one is none.
    fn take(&mut self, name: &str, max: usize) -> Result<Option<String>, AnswerError> {
        let Some(value) = self.take_loose(name) else {
            return Ok(None);
        };
        if value.len() > max || !value.bytes().all(|b| (0x20..=0x7e).contains(&b)) {
            return Err(AnswerError::Malformed);
        }
        Ok(Some(value))
    }

    fn take_loose(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(held, _)| held == name)?;
        let (_, value) = self.0.swap_remove(at);
        (!value.is_empty()).then_some(value)
    }
}

#[cfg(test)]
mod tests;
