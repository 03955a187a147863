//! Where providers send browsers back to (trap 9).

use crate::Flow;

/// The two redirect URIs, as they are registered: with a slash at the end (rows A5, A10, A24).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirects {
    /// For codes.
    pub callback: String,
    /// For the implicit flow.
    pub redirect: String,
}

impl Redirects {
    /// Below control's public URL.
    pub fn new(public_url: &str) -> Self {
        let base = public_url.strip_suffix('/').unwrap_or(public_url);
        Self {
            callback: format!("{base}/v1/oauth/callback/"),
            redirect: format!("{base}/v1/oauth/redirect/"),
        }
    }

    /// The one of a flow.
    pub fn of(&self, flow: Flow) -> &str {
        match flow {
            Flow::Code => &self.callback,
            Flow::Implicit(_) => &self.redirect,
        }
    }
}
