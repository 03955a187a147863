//! When an authority suggests to renew (RFC 9773).

use std::time::Duration;

use aeolus_model::Time;
use aeolus_pki::Certificate;
use instant_acme::{CertificateIdentifier, Error};
use rustls_pki_types::Der;

use crate::account;
use crate::error::AcmeError;
use crate::run::Running;
use crate::schedule::within;
use crate::state::{Kept, Suggested};

/// How often it is asked, at most and at least.
const SOONEST: Duration = Duration::from_secs(3600);
const LATEST: Duration = Duration::from_secs(86_400);

impl Running<'_> {
    /// Asks for a suggestion, no oftener than the authority wants. One that suggests nothing, or can't be reached,
    /// changes nothing.
    pub(crate) async fn ask_for_suggestion(
        &mut self,
        certificate: &Certificate,
    ) -> Result<(), AcmeError> {
        let now = self.client.clock.now();
        let fingerprint = certificate.fingerprint();
        let kept = self.state.pairs.get(&self.name);
        let Some(kept) = kept.filter(|kept| kept.wrote(&fingerprint)) else {
            return Ok(());
        };
        let known = kept.suggested.as_ref();
        if known.is_some_and(|known| now < known.ask_at) {
            return Ok(());
        }
        let known = known.and_then(|known| known.window);
        let (window, pause) = match self.window(certificate).await {
            Some((window, pause)) => (Some(window), pause.clamp(SOONEST, LATEST)),
            None => (known, LATEST),
        };
        let rng = &*self.client.rng;
        let new = window.filter(|window| Some(*window) != known);
        let chosen = new.map(|window| within(window, rng));
        let kept = self.kept();
        kept.renew_at = chosen.or(kept.renew_at);
        kept.suggested = Some(Suggested {
            window,
            ask_at: now.plus(pause),
        });
        self.locked.remember(&self.state)
    }

    /// The window, and how long to leave the authority alone.
    async fn window(&self, certificate: &Certificate) -> Option<((Time, Time), Duration)> {
        let directory = self.client.asked.directory();
        let account = account::existing(directory, (&self.locked, &self.transport)).await;
        let account = account.ok()??;
        let (info, pause) = match account.renewal_info(&identifier(certificate)?).await {
            Ok(told) => told,
            Err(Error::Unsupported(_)) => return None,
            Err(error) => {
                tracing::debug!(%error, "no suggestion when to renew");
                return None;
            }
        };
        let window = info.suggested_window;
        let [from, until] =
            [window.start, window.end].map(|at| Time::from_secs(at.unix_timestamp()));
        (from < until).then_some(((from, until), pause))
    }
}

/// Whether the authority suggested something: then it wants to know what an order replaces.
pub(crate) fn is_suggested(kept: &Kept) -> bool {
    let suggested = kept.suggested.as_ref();
    suggested.is_some_and(|suggested| suggested.window.is_some())
}

/// A certificate's name there (RFC 9773 §4.1).
pub(crate) fn identifier(certificate: &Certificate) -> Option<CertificateIdentifier<'static>> {
    let issuer = Der::from_slice(certificate.authority_key_id.as_ref()?);
    let id = CertificateIdentifier::new(issuer, Der::from_slice(&certificate.serial));
    Some(id.into_owned())
}
