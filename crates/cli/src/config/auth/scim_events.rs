//! Who is told what a provider provisions: `scimEvents` of a provider's section.

use std::path::Path;

use aeolus_control::ScimEventsTo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::types::OptionalSecret;
use crate::config::{Environment, Note, NoteKind, SecretSource};
use crate::report::{Exit, Failure, Report};

/// Who is told what a provider provisions, by security event tokens (RFC 9967).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ScimEvents {
    /// Where tokens are pushed to (RFC 8935): https, or http on this machine; absent: nobody is told.
    pub(crate) endpoint: Option<String>,
    /// The `aud` of the tokens; absent: the endpoint.
    pub(crate) audience: Option<String>,
    /// The whole header Authorization that goes with them, such as `Bearer …`; absent: none does.
    #[schemars(with = "OptionalSecret")]
    pub(crate) authorization: Option<SecretSource>,
}

impl ScimEvents {
    /// As control takes it.
    pub(super) fn read(
        &self,
        key: &str,
        (base, environment): (&Path, &Environment),
        notes: &mut Vec<Note>,
    ) -> Result<Option<ScimEventsTo>, Failure> {
        if *self == Self::default() {
            return Ok(None);
        }
        let authorization = self.authorization.as_ref();
        let authorization = authorization
            .map(|source| source.read(&format!("{key}.authorization"), base, environment));
        let Some(endpoint) = self.endpoint.clone() else {
            return Err(wrong(format!("{key}.endpoint is absent")).usage());
        };
        let to = ScimEventsTo {
            endpoint,
            audience: self.audience.clone(),
            authorization: authorization.transpose()?,
        };
        let errors = to.errors();
        if !errors.is_empty() {
            let reports = errors
                .iter()
                .map(|(member, why)| wrong(format!("{key}.{member} {why}")));
            return Err(Failure {
                reports: reports.collect(),
                exit: Exit::Usage,
            });
        }
        let audience = to.audience.as_deref().unwrap_or(&to.endpoint);
        let what = format!("events go to {}, for {audience}", to.endpoint);
        notes.push(Note::new(NoteKind::Understood, key, what));
        if let Some(scheme) = &to.authorization
            && !scheme.expose().contains(' ')
        {
            let what = "is sent as it is, and has no scheme: most receivers want \"Bearer …\"";
            notes.push(Note::new(
                NoteKind::Warning,
                &format!("{key}.authorization"),
                what,
            ));
        }
        Ok(Some(to))
    }
}

fn wrong(what: String) -> Report {
    Report::new("CFG-0013", what)
        .why("Nobody would be told what is provisioned.")
        .help("docs/how-to/send-scim-events.md shows a whole section")
}
