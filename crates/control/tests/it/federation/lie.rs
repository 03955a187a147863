//! What a provider does that a test wants to.

use serde_json::Value;

/// Changes of what an honest provider says.
#[derive(Clone, Debug)]
pub(crate) struct Lie {
    /// Over the claims of `id_token`s; `null` takes one away.
    pub(crate) claims: Value,
    /// Over the discovery document.
    pub(crate) document: Value,
    /// In place of the answer of the token endpoint: status, media type, body.
    pub(crate) token: Option<(u16, &'static str, String)>,
    /// In place of userinfo.
    pub(crate) user_info: Option<(u16, &'static str, String)>,
    /// Under which it never answers.
    pub(crate) hangs: &'static str,
    /// Whether it takes codes again.
    pub(crate) takes_codes_again: bool,
    /// Which of its keys it signs with.
    pub(crate) signs_with: usize,
    /// How many of its keys it publishes.
    pub(crate) publishes: usize,
}

impl Default for Lie {
    fn default() -> Self {
        Self {
            claims: Value::Null,
            document: Value::Null,
            token: None,
            user_info: None,
            hangs: "",
            takes_codes_again: false,
            signs_with: 0,
            publishes: 1,
        }
    }
}

/// The second over the first; `null` takes a member away.
pub(crate) fn merge(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}
