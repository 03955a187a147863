//! A server that is told by HTTPS.

use std::fmt::Write as _;
use std::time::Duration;

use aeolus_api::egress::{Bounds, Egress, EgressError, Reach, Way};
use aeolus_keys::digest::plain_hmac;
use aeolus_model::Time;
use bytes::Bytes;

use super::batch::Batch;
use crate::config::AuditWebhook;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server.
pub(super) struct Webhook {
    config: AuditWebhook,
    egress: Egress,
}

impl Webhook {
    pub(super) fn new(config: AuditWebhook, way: &Way) -> Result<Self, std::io::Error> {
        let bounds = Bounds {
            bytes: 0,
            time: PATIENCE,
        };
        let egress = Egress::by(way, bounds)?;
        Ok(Self { config, egress })
    }

    /// Sends a batch. It arrived if the answer is one of the 2xx.
    pub(super) async fn send(&self, batch: &Batch, now: Time) -> Result<(), EgressError> {
        let secret = self.config.secret.expose();
        let (from, to) = (batch.from, batch.to);
        let key = format!(
            "{}.{}-{}.{}",
            from.position, from.ordinal, to.position, to.ordinal
        );
        let headers = [
            ("content-type", "application/x-ndjson".to_owned()),
            ("idempotency-key", key),
            (
                "x-aeolus-signature",
                signature(secret.as_bytes(), now, &batch.text),
            ),
        ];
        let body = Bytes::copy_from_slice(&batch.text);
        let reach = Reach::Configured;
        self.egress
            .post(&self.config.url, &headers, body, reach)
            .await
    }
}

/// `t=SECONDS,v1=HEX`, where the digits are the HMAC-SHA-256 of `SECONDS.BODY`: who keeps an old request
/// can't send it again as a new one.
fn signature(secret: &[u8], now: Time, body: &[u8]) -> String {
    let seconds = now.secs();
    let signed = [format!("{seconds}.").as_bytes(), body].concat();
    let mut text = format!("t={seconds},v1=");
    for byte in plain_hmac(secret, &signed) {
        // Writing to a text can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: receivers compute the same.
    #[test]
    fn a_signature_is_over_the_time_and_the_body() {
        let now = Time::from_secs(1_800_000_000);
        assert_eq!(
            signature(b"secret", now, b"{}\n"),
            "t=1800000000,v1=e34588d08410a55c04ec73c9c5aceafd661bb2cbdd9616342b3bf94291b03a3d"
        );
    }
}
