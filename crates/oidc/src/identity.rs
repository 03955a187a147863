//! Who came.

use std::collections::BTreeSet;

use aeolus_model::{Email, IdentitySubject, Slug, Time};

/// Longest name of a person and of a group, and most groups.
const MAX_TEXT: usize = 255;
const MAX_GROUPS: usize = 2_048;

/// Somebody whom a provider proved. The key is (connection, issuer, subject), never the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The connection's name.
    pub connection: Slug,
    /// The issuer that people are linked under: what the connection's discovery URL stands for, without
    /// a slash at the end.
    pub issuer: String,
    /// What names them there for good.
    pub subject: IdentitySubject,
    /// Their address, as far as it is one.
    pub email: Option<Email>,
    /// Whether the provider vouches for the address. Missing is no (O21).
    pub email_verified: bool,
    /// What to call them.
    pub name: Option<String>,
    /// Their groups there.
    pub groups: Groups,
    /// How they proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// How well.
    pub acr: Option<String>,
    /// When, if the provider says.
    pub auth_time: Option<Time>,
    /// Their session there, for back-channel logout.
    pub sid: Option<String>,
}

/// Somebody's groups at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// It doesn't say.
    Unknown,
    /// These.
    Listed(BTreeSet<String>),
    /// Entra: more than fit a token. Graph knows them; the token's own link is never followed.
    AskGraph,
}

impl Groups {
    /// From the texts of a claim. A text that can't be a group's is left out.
    pub(crate) fn listed<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let fits = |text: &&str| is_shown(text);
        let groups = texts.into_iter().filter(fits).take(MAX_GROUPS);
        Self::Listed(groups.map(str::to_owned).collect())
    }
}

/// A name that can be shown: what is no text of one line is none (A18).
pub(crate) fn shown(text: &str) -> Option<String> {
    let text = text.trim();
    is_shown(text).then(|| text.to_owned())
}

fn is_shown(text: &str) -> bool {
    let strange = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    (1..=MAX_TEXT).contains(&text.len()) && !text.contains(strange)
}
