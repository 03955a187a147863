//! Why there is no certificate.

use std::io;
use std::path::PathBuf;

use aeolus_model::Time;
use aeolus_pki::Unproven;
use http::StatusCode;

use crate::asked::Challenge;
use crate::hook::HookError;
use crate::problem::{Kind, Told};

/// Why there is no certificate. What was there is there still.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// No connection, or no answer in time.
    #[error("the authority can't be reached: {0}")]
    Unreachable(String),
    /// An answer of something that is no ACME server, or of one that is broken.
    #[error("the authority's answer is none of ACME: status {0}")]
    Status(StatusCode),
    /// The same, by what it says.
    #[error("the authority's answer makes no sense: {0}")]
    Senseless(String),
    /// It refuses.
    #[error("{0}")]
    Refused(Told),
    /// It doesn't believe in one name.
    #[error("{name}: {told}")]
    Rejected {
        /// Which.
        name: String,
        /// Why.
        told: Told,
    },
    /// It proves names in other ways.
    #[error("the authority offers no {challenge} for {name}")]
    NotOffered {
        /// The way that was asked for.
        challenge: Challenge,
        /// The name.
        name: String,
    },
    /// It isn't done in time.
    #[error("the authority was not done within {0} s")]
    NotInTime(u64),
    /// An account needs an agreement.
    #[error("the authority's terms of service were not agreed to")]
    NotAgreed,
    /// A hook didn't do its work.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// What it sent is not what was ordered.
    #[error("what the authority sent is not the certificate that was ordered: {0}")]
    Unproven(Unproven),
    /// The same.
    #[error("what the authority sent is not the certificate that was ordered: {0}")]
    NotIt(&'static str),
    /// It failed before, and it isn't time yet.
    #[error("it failed {failures} times, the last time because {last}")]
    Waiting {
        /// How often.
        failures: u32,
        /// When it is tried again.
        until: Time,
        /// Why it failed.
        last: String,
    },
    /// Another run has the folder.
    #[error("another run has been in {} for too long", .0.display())]
    Busy(PathBuf),
    /// The pair.
    #[error("{0}")]
    NotWritten(String),
    /// The folder.
    #[error("{}: {source}", path.display())]
    File {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is remembered makes no sense.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How.
        why: String,
    },
    /// The library made no key or request.
    #[error("no key or request was made: {0}")]
    NotMade(String),
    /// Runs in a row came to no end.
    #[error("{0} runs in a row were killed while they ordered")]
    Killed(u32),
    /// It was told to stop.
    #[error("it was stopped before the authority was done")]
    Stopped,
}

impl AcmeError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAgreed => "ACME-004",
            Self::Unreachable(_) => "ACME-010",
            Self::Status(_) | Self::Senseless(_) => "ACME-011",
            Self::NotInTime(_) => "ACME-012",
            Self::Refused(told) => told.kind.code(),
            // At one name it is the proof that isn't believed, not the account.
            Self::Rejected { told, .. } => match told.kind {
                Kind::Account => Kind::NotProved.code(),
                kind => kind.code(),
            },
            Self::NotOffered { .. } => "ACME-031",
            Self::Hook(_) => "ACME-032",
            Self::Unproven(_) | Self::NotIt(_) => "ACME-033",
            Self::NotMade(_) => "ACME-034",
            Self::Waiting { .. } => "ACME-040",
            Self::Busy(_) => "ACME-041",
            Self::Stopped => "ACME-042",
            Self::Killed(_) => "ACME-043",
            Self::NotWritten(_) | Self::File { .. } => "ACME-050",
            Self::Damaged { .. } => "ACME-051",
        }
    }

    /// What to do.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NotAgreed => {
                "read them at the authority's site, then say so: --agree-terms, or agreeTerms in the configuration"
            }
            Self::Unreachable(_) => {
                "check the directory's URL, this machine's way out and its DNS; a private authority's own certificate is given with --directory-ca"
            }
            Self::Status(_) | Self::Senseless(_) => {
                "check that the URL is that of an ACME directory (RFC 8555)"
            }
            Self::NotInTime(_) => "try again later: an order that was not finished is begun anew",
            Self::Refused(told) => told.kind.help(),
            Self::Rejected { told, .. } => match told.kind {
                Kind::Account => Kind::NotProved.help(),
                kind => kind.help(),
            },
            Self::NotOffered { .. } => {
                "prove the names in the other way (--http-01, --dns-hook), or take another authority"
            }
            Self::Hook(_) => "run the hook by hand with the same environment, and see what it says",
            Self::Unproven(_) | Self::NotIt(_) => {
                "compare this machine's clock; if --ca is given, see that it holds the authority's root"
            }
            Self::NotMade(_) => "take another kind of key",
            Self::Waiting { .. } => {
                "mend what failed; it is tried again by itself then, or at once with --now"
            }
            Self::Busy(_) => "see which program holds the folder's lock, and whether it hangs",
            Self::Killed(_) => "see what ends it: a limit on memory or time, or a service manager",
            Self::Stopped => "run it again: nothing was replaced",
            Self::NotWritten(_) | Self::File { .. } => {
                "see that this user may write there, and that there is room on the disk"
            }
            Self::Damaged { .. } => "restore it from a backup, or move it away to begin anew",
        }
    }

    /// When the authority may be asked again, where it says so.
    pub(crate) const fn again(&self) -> Option<Time> {
        match self {
            Self::Refused(told) | Self::Rejected { told, .. } => told.again,
            _ => None,
        }
    }
}
