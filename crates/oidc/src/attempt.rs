//! One attempt to sign in: what the browser's cookie has to hold until the answer is here.

use aeolus_keys::digest;
use aeolus_model::{Rng, Secret, Time};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Flow;

/// Random bytes of each of the three.
const BYTES: usize = 32;

/// One attempt. It ends by the flow it began with, whatever the connection says meanwhile.
#[derive(Clone, Debug)]
pub struct Attempt {
    flow: Flow,
    state: String,
    nonce: String,
    verifier: Secret<String>,
    fresh_since: Option<Time>,
}

impl Attempt {
    /// A new one.
    pub fn begin(flow: Flow, rng: &dyn Rng) -> Self {
        let fresh = || digest::random_token(rng, BYTES);
        Self {
            flow,
            state: fresh().expose().clone(),
            nonce: fresh().expose().clone(),
            verifier: fresh(),
            fresh_since: None,
        }
    }

    /// One that was kept, sealed.
    pub const fn kept(flow: Flow, state: String, nonce: String, verifier: Secret<String>) -> Self {
        Self {
            flow,
            state,
            nonce,
            verifier,
            fresh_since: None,
        }
    }

    /// The same, of somebody who has to prove who they are after this moment, although they may have a
    /// session there.
    #[must_use]
    pub fn proven_since(self, moment: Option<Time>) -> Self {
        Self {
            fresh_since: moment,
            ..self
        }
    }

    /// How it comes back.
    pub const fn flow(&self) -> Flow {
        self.flow
    }

    /// What the answer has to repeat: binds it to this browser.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// What the `id_token` has to repeat: binds it to this attempt.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// What the code's exchange has to show (RFC 7636 §4.1).
    pub const fn verifier(&self) -> &Secret<String> {
        &self.verifier
    }

    /// Since when they have to prove who they are; none: a session there will do.
    pub const fn fresh_since(&self) -> Option<Time> {
        self.fresh_since
    }

    /// The verifier's S256 challenge (RFC 7636 §4.2).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::sha256(self.verifier.expose().as_bytes()))
    }

    /// Whether an answer is to this attempt (O7).
    pub fn is_answered_by(&self, state: &str) -> bool {
        digest::eq(self.state.as_bytes(), state.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use aeolus_testkit::SeededRng;

    use super::*;

    #[test]
    fn everything_is_fresh_and_long_enough_to_be_unguessable() {
        let rng = SeededRng::new("attempt");
        let one = Attempt::begin(Flow::Code, &rng);
        let other = Attempt::begin(Flow::Code, &rng);
        let all = [
            one.state(),
            one.nonce(),
            one.verifier().expose(),
            other.state(),
        ];
        for (index, text) in all.iter().enumerate() {
            assert_eq!(text.len(), 43);
            assert!(!all[..index].contains(text));
        }
    }

    /// RFC 7636 appendix B.
    #[test]
    fn o3_the_challenge_is_s256() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let attempt = Attempt::kept(Flow::Code, String::new(), String::new(), verifier.into());
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(attempt.challenge(), expected);
    }

    #[test]
    fn o7_only_its_own_state_answers_it() {
        let attempt = Attempt::begin(Flow::Code, &SeededRng::new("a"));
        assert!(attempt.is_answered_by(attempt.state()));
        assert!(!attempt.is_answered_by(""));
        assert!(!attempt.is_answered_by(attempt.nonce()));
    }
}
