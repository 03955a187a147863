//! Problem documents of ACME (RFC 8555 §6.7), in our words.

use std::fmt;

use aeolus_model::{Time, is_shown};
use instant_acme::Problem;

/// What an authority objects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Too many requests, orders or certificates.
    RateLimited,
    /// It looked, and saw no proof of a name, or something else.
    NotProved,
    /// The name's CAA records name others (RFC 8659).
    Caa,
    /// It doesn't certify such a name.
    Name,
    /// It takes accounts only that are bound to one of its own (RFC 8555 §7.3.4).
    ExternalAccount,
    /// It doesn't know the account, or doesn't believe its binding.
    Account,
    /// It doesn't take the contact.
    Contact,
    /// Somebody has to do something at its site, such as agreeing to new terms.
    Person,
    /// It doesn't take the key or the request.
    Request,
    /// It is at fault, or busy.
    Internal,
    /// It issued the replacement already.
    AlreadyReplaced,
    /// Anything else.
    Other,
}

impl Kind {
    pub(crate) fn of(urn: Option<&str>) -> Self {
        let name = urn.and_then(|urn| urn.strip_prefix("urn:ietf:params:acme:error:"));
        match name.unwrap_or_default() {
            "rateLimited" => Self::RateLimited,
            "incorrectResponse" | "connection" | "dns" | "tls" => Self::NotProved,
            "caa" => Self::Caa,
            "rejectedIdentifier" | "unsupportedIdentifier" => Self::Name,
            "externalAccountRequired" => Self::ExternalAccount,
            "accountDoesNotExist" | "unauthorized" => Self::Account,
            "invalidContact" | "unsupportedContact" => Self::Contact,
            "userActionRequired" => Self::Person,
            "badCSR" | "badPublicKey" | "badSignatureAlgorithm" => Self::Request,
            "serverInternal" | "badNonce" => Self::Internal,
            "alreadyReplaced" => Self::AlreadyReplaced,
            _ => Self::Other,
        }
    }

    /// Whether an order may have been refused for what it was to replace (RFC 9773 §5): authorities say
    /// so in different ways, one of them that the account is another's.
    pub(crate) const fn may_be_of_replacement(self) -> bool {
        matches!(self, Self::AlreadyReplaced | Self::Account | Self::Other)
    }

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RateLimited => "ACME-020",
            Self::NotProved => "ACME-021",
            Self::Caa => "ACME-022",
            Self::Name => "ACME-023",
            Self::ExternalAccount => "ACME-024",
            Self::Account => "ACME-025",
            Self::Contact => "ACME-026",
            Self::Person => "ACME-027",
            Self::Request => "ACME-028",
            Self::Internal => "ACME-029",
            Self::AlreadyReplaced | Self::Other => "ACME-030",
        }
    }

    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::RateLimited => "the authority has had too many requests",
            Self::NotProved => "the authority saw no proof of the name",
            Self::Caa => "the name's CAA records let other authorities alone certify it",
            Self::Name => "the authority doesn't certify such a name",
            Self::ExternalAccount => {
                "the authority takes accounts only that are bound to one of its own"
            }
            Self::Account => "the authority doesn't take the account",
            Self::Contact => "the authority doesn't take the address",
            Self::Person => "the authority wants a person to do something first",
            Self::Request => "the authority doesn't take the key or the request",
            Self::Internal => "the authority is at fault or busy",
            Self::AlreadyReplaced | Self::Other => "the authority refuses",
        }
    }

    /// What to do.
    pub const fn help(self) -> &'static str {
        match self {
            Self::RateLimited => {
                "wait: it is tried again by itself no sooner than allowed; try settings with the authority's staging directory"
            }
            Self::NotProved => {
                "see that the name leads to this machine and that port 80 of it answers from there, or that the hook's record is seen by the name's own DNS servers"
            }
            Self::Caa => "add a CAA record for this authority, or remove those of others",
            Self::Name => {
                "leave the name out, or take another authority; private names need an authority of your own (aeolus pki)"
            }
            Self::ExternalAccount => {
                "make a key for it at the authority's site, and give it with --eab-kid and --eab-key-file"
            }
            Self::Account => {
                "check the key that binds the account, if there is one; with another folder a new account is made"
            }
            Self::Contact => "give an e-mail address that the authority can write to, or none",
            Self::Person => "open what it names in a browser, then try again",
            Self::Request => "take another kind of key: --key p256 or rsa2048",
            Self::Internal => "try again later; see its status page",
            Self::AlreadyReplaced | Self::Other => {
                "see what it says; if it makes no sense, report it with that text"
            }
        }
    }
}

/// What an authority said against something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is about.
    pub kind: Kind,
    /// Its own words.
    pub words: String,
    /// When it may be asked again, where it says so.
    pub again: Option<Time>,
}

impl Told {
    pub(crate) fn of(problem: &Problem, again: Option<Time>) -> Self {
        let mut parts: Vec<String> = problem.detail.iter().cloned().collect();
        parts.extend(problem.subproblems.iter().map(ToString::to_string));
        if parts.is_empty() {
            parts.extend(problem.r#type.clone());
        }
        Self {
            kind: Kind::of(problem.r#type.as_deref()),
            words: plain(&parts.join("; ")),
            again,
        }
    }

    pub(crate) fn is_bad_nonce(problem: &Problem) -> bool {
        problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:badNonce")
    }

    pub(crate) fn is_unknown_account(problem: &Problem) -> bool {
        problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:accountDoesNotExist")
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.kind.what();
        if self.words.is_empty() {
            f.write_str(what)
        } else {
            write!(f, "{what}: {}", self.words)
        }
    }
}

/// Longer words of others hide ours.
const MAX_WORDS: usize = 400;

/// Words of others, as they may reach a terminal or a log: one line, without control characters.
pub(crate) fn plain(words: &str) -> String {
    let mut text = String::new();
    for letter in words.chars() {
        if text.len() >= MAX_WORDS {
            text.push('…');
            break;
        }
        text.push(if is_shown(letter) { letter } else { ' ' });
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(json: &str) -> Problem {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn each_kind_has_a_code_words_and_something_to_do() {
        for (name, code) in [
            ("rateLimited", "ACME-020"),
            ("connection", "ACME-021"),
            ("dns", "ACME-021"),
            ("caa", "ACME-022"),
            ("rejectedIdentifier", "ACME-023"),
            ("externalAccountRequired", "ACME-024"),
            ("unauthorized", "ACME-025"),
            ("accountDoesNotExist", "ACME-025"),
            ("invalidContact", "ACME-026"),
            ("userActionRequired", "ACME-027"),
            ("badCSR", "ACME-028"),
            ("serverInternal", "ACME-029"),
            ("malformed", "ACME-030"),
            ("ofTomorrow", "ACME-030"),
        ] {
            let text = format!(r#"{{"type":"urn:ietf:params:acme:error:{name}","detail":"why"}}"#);
            let told = Told::of(&problem(&text), None);
            assert_eq!(told.kind.code(), code, "{name}");
            assert!(told.to_string().ends_with(": why"), "{told}");
            assert!(!told.kind.help().is_empty());
        }
        assert_eq!(Told::of(&problem("{}"), None).kind, Kind::Other);
    }

    #[test]
    fn subproblems_name_their_names() {
        let told = Told::of(
            &problem(
                r#"{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"some","subproblems":[
                {"type":"urn:ietf:params:acme:error:caa","detail":"no","identifier":{"type":"dns","value":"a.b"}}]}"#,
            ),
            None,
        );
        assert!(told.words.contains("a.b"), "{}", told.words);
    }

    proptest! {
        #[test]
        fn words_of_others_are_one_short_line(words in ".{0,600}") {
            let shown = plain(&words);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(shown.len() <= MAX_WORDS + 8);
        }

        #[test]
        fn no_problem_document_is_too_odd(json in "\\{(\"(type|detail|status)\":(\"[a-z:]{0,40}\"|[0-9]{1,3}),?){0,3}\\}") {
            if let Ok(problem) = serde_json::from_str::<Problem>(&json) {
                let _ = Told::of(&problem, None).to_string();
            }
        }
    }
}
