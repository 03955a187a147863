//! An entry point.

use serde_json::Value;

use crate::finding::{Guard, Rule};
use crate::yaml::{says, text};

pub(super) struct Entry<'a> {
    pub(super) entry: &'a Value,
}

const AMBIGUOUS: [&str; 4] = [
    "allowEncodedBackSlash",
    "allowEncodedNullCharacter",
    "allowEncodedHash",
    "allowEncodedQuestionMark",
];

impl<'a> Entry<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-TRAEFIK-10",
                "anybody may say who the client is",
                "A client that sends X-Forwarded headers names the address, the host and the path it is judged by.",
                "forwardedHeaders: {insecure: false, trustedIPs: []}",
            ),
            |at| !says(at.entry, "forwardedHeaders.insecure", true),
        ),
        Rule::new(
            Guard::warning(
                "DOC-TRAEFIK-11",
                "header names with underscores are let through",
                "Python reads X_Aeolus_User like X-Aeolus-User, so a client's word stands beside the gate's.",
                "http: {aliasHeadersStrategy: reject}",
            ),
            |at| {
                matches!(
                    text(at.entry, "http.aliasHeadersStrategy"),
                    "reject" | "delete"
                )
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-TRAEFIK-12",
                "encoded signs that servers read differently are let through",
                "Traefik, the gate and Airflow may see different paths; only the gate's own care is left.",
                "http: {encodedCharacters: {allowEncodedBackSlash: false, allowEncodedNullCharacter: false, allowEncodedHash: false, allowEncodedQuestionMark: false}}",
            ),
            |at| {
                AMBIGUOUS
                    .iter()
                    .all(|name| says(at.entry, &format!("http.encodedCharacters.{name}"), false))
            },
        ),
    ];
}
