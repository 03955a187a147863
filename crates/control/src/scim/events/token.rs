//! A security event token (RFC 8417) for a SCIM event (RFC 9967 §2).

use aeolus_store::ScimEventWaiting;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::ApiError;

/// Its claims. There is no `sub`, which RFC 9967 §2.1 forbids, and no `exp`: nothing can take it for another kind.
#[derive(Serialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    /// When it happened, in seconds since 1970; the same however often it is sent.
    iat: i64,
    jti: String,
    txn: String,
    sub_id: SubId,
    events: Box<RawValue>,
}

/// RFC 9967 §2.1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubId {
    format: &'static str,
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
}

impl Claims {
    pub(super) fn new(
        waiting: &ScimEventWaiting,
        (issuer, audience): (&str, &str),
    ) -> Result<Self, ApiError> {
        let event = &waiting.event;
        Ok(Self {
            iss: issuer.to_owned(),
            aud: audience.to_owned(),
            iat: event.at.secs(),
            jti: event.id.to_string(),
            txn: waiting.txn.to_string(),
            sub_id: SubId {
                format: "scim",
                uri: event.subject.clone(),
                external_id: event.external_id.clone(),
            },
            events: RawValue::from_string(event.events.clone()).map_err(ApiError::internal)?,
        })
    }
}
