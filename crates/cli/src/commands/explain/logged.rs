//! A request as the gate's decision log has it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::Path;

use aeolus_decide::{Reason, World};
use aeolus_snapshot::Position;
use serde::{Deserialize, Serialize};

use super::assumed::Credential;
use super::{Asked, credential};
use crate::args::ExplainArgs;
use crate::report::{Failure, Report};

/// A line of the log; only those of decisions have all of this.
#[derive(Deserialize)]
struct Line {
    fields: Logged,
}

/// The fields of a decision. Their names are the log's contract.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Logged {
    request_id: String,
    method: String,
    host: String,
    path: String,
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(default)]
    epoch: u64,
    #[serde(default)]
    seq: u64,
}

impl Logged {
    /// The newest decision of that id.
    pub(super) fn find(log: &Path, id: &str) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| {
            let what = format!("{} can't be read: {error}", log.display());
            Report::new("CLI-0012", what).failed()
        };
        let file = File::open(log).map_err(unreadable)?;
        let mut found = None;
        // A log may be cut off, or written by others too: what is no line of ours is passed over.
        for line in BufReader::new(file).split(b'\n') {
            let line = line.map_err(unreadable)?;
            match serde_json::from_slice::<Line>(&line) {
                Ok(line) if line.fields.request_id == id => found = Some(line.fields),
                _ => {}
            }
        }
        found.ok_or_else(|| {
            let what = format!("{} has no decision about {id:?}", log.display());
            Report::new("CLI-0030", what)
                .why("Of a flood of refusals only the first are logged each minute, and of what was allowed a share.")
                .help("check that the log is written with observability.logFormat: json, or describe the request by --url")
                .failed()
        })
    }

    /// The request as far as the log has it, with the credential of the flags or its owner's.
    pub(super) fn asked(&self, args: &ExplainArgs, world: &World) -> Result<Asked, Failure> {
        let owner = self.subject.as_deref().and_then(|id| {
            let token = self.subject_type.as_deref() == Some("token");
            if token {
                id.parse().ok().map(Credential::TokenOf)
            } else {
                id.parse().ok().map(Credential::SessionOf)
            }
        });
        let given = credential(args, world)?;
        Ok(Asked {
            method: self.method.clone(),
            url: format!("https://{}{}", self.host, self.path),
            source: self.source,
            headers: Vec::new(),
            credential: given.or(owner).unwrap_or(Credential::None),
        })
    }

    /// What was decided then, in words.
    pub(super) fn decided(&self) -> String {
        match self.reason() {
            Some(reason) => format!("{} {}: {}", self.outcome, reason.code(), reason.meaning()),
            None => self.outcome.clone(),
        }
    }

    /// Where the log says less than the gate knew.
    pub(super) fn notes(
        &self,
        now: Position,
        asked: &Asked,
        explained: Option<Reason>,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        if (self.epoch, self.seq) != (now.epoch, now.seq) {
            notes.push(format!(
                "decided by snapshot {}.{}, explained by {}.{}",
                self.epoch, self.seq, now.epoch, now.seq
            ));
        }
        if self.path.contains('{') {
            notes.push("the log does not have the whole path: give it by --url".to_owned());
        }
        let had_one = self
            .reason()
            .is_some_and(|reason| reason.status() == 401 && reason != Reason::CredentialMissing);
        if had_one && matches!(asked.credential, Credential::None) {
            notes.push(
                "the credential is not in the log: give it by --token-file to judge it too"
                    .to_owned(),
            );
        }
        let unlogged = self.reason().filter(|then| explained != Some(*then));
        if let Some((then, what)) = unlogged.and_then(|then| Some((then, unlogged_cause(then)?))) {
            notes.push(format!(
                "{} was because of {what}, which is not in the log, so it is not found again here; \
                 describe the whole request by --url, --method and --header",
                then.code()
            ));
        }
        notes
    }

    fn reason(&self) -> Option<Reason> {
        let code = self.reason.as_deref()?;
        Reason::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// What of a request made a reason, where the log does not have it.
const fn unlogged_cause(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::CrossSite => "its Origin or Sec-Fetch-Site",
        Reason::MethodOverride => "a header that names another method",
        Reason::PinMismatch => "the deployment that the proxy's check named",
        Reason::HostMissing | Reason::HostMalformed | Reason::HostsDiffer => {
            "its Host, as it was written"
        }
        Reason::TargetTooLong
        | Reason::TargetForm
        | Reason::TargetCharacters
        | Reason::TargetEscapes
        | Reason::TargetDots
        | Reason::TargetReadingsDiffer => "its path, as it was written",
        Reason::UpgradeNotWebsocket => "its Upgrade",
        Reason::ConnectionNamesIdentity => "its Connection",
        Reason::AuthorizationRepeated | Reason::AuthorizationMalformed | Reason::SchemeUnknown => {
            "its Authorization"
        }
        Reason::CookieAmbiguous => "its cookies",
        Reason::Framing => "how its body was framed",
        Reason::ProxyUnknown => "where the proxy's check came from",
        _ => return None,
    })
}
